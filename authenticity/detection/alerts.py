"""A finding published to people: one id for (item, kind), updated and retracted under it."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from authenticity.detection.findings import Finding, FindingKind
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.reasons import Reason
from authenticity.gs1.item import ItemId


class Alert(Struct, frozen=True):
    """What is published of one finding. `version` grows only when the content changes.

    A retracted alert keeps the reasons it was raised for.
    """

    id: str
    item: ItemId
    kind: FindingKind
    severity: Severity
    probability: float | None
    version: int
    retracted: bool
    reasons: tuple[Reason, ...]


def alert_id(item: ItemId, kind: FindingKind) -> str:
    """32 hex digits, the same wherever and whenever the finding is made."""
    return blake2b(f"{item}\0{kind}".encode(), digest_size=16).hexdigest()


def revise(
    item: ItemId,
    published: Mapping[FindingKind, Alert],
    findings: Iterable[Finding],
    policy: Policy,
) -> list[Alert]:
    """The alerts to publish now: new, changed, and retracted ones. Empty if nothing changed.

    `published` holds the newest alert of every kind ever published for this item,
    retracted ones too: a returning finding goes on counting versions.
    """
    changes: list[Alert] = []
    raised: set[FindingKind] = set()
    for finding in findings:
        if finding.severity.rank < policy.alert_from.rank:
            continue
        raised.add(finding.kind)
        known = published.get(finding.kind)
        alert = Alert(
            alert_id(item, finding.kind),
            item,
            finding.kind,
            finding.severity,
            finding.probability,
            known.version if known else 1,
            False,
            finding.reasons,
        )
        if known is None:
            changes.append(alert)
        elif alert != known:
            changes.append(msgspec.structs.replace(alert, version=known.version + 1))
    for kind, known in published.items():
        if kind not in raised and not known.retracted:
            changes.append(
                msgspec.structs.replace(known, version=known.version + 1, retracted=True)
            )
    return sorted(changes, key=lambda alert: alert.id)
