"""A finding published to people: one id for (item, kind), updated and retracted under it.

What an alert is about may also be a batch, a batch in one country, a custody leg or a scanner.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from authenticity.detection.findings import PER_BATCH, Finding, FindingKind
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.reasons import Reason
from authenticity.gs1.item import ItemId


class Alert(Struct, frozen=True, omit_defaults=True):
    """What is published of one finding. `version` grows only when the content changes.

    A retracted alert keeps the reasons it was raised for, and `retracted_because` says why it was
    taken back. That is empty, and left out of the JSON, while it stands, and where an earlier
    version retracted it.
    """

    id: str
    item: ItemId
    kind: FindingKind
    severity: Severity
    probability: float | None
    version: int
    retracted: bool
    reasons: tuple[Reason, ...]
    retracted_because: tuple[Reason, ...] = ()


def alert_id(item: ItemId, kind: FindingKind) -> str:
    """32 hex digits, the same wherever and whenever the finding is made."""
    return blake2b(f"{item}\0{kind}".encode(), digest_size=16).hexdigest()


def told_of_item(findings: Iterable[Finding], policy: Policy) -> list[Finding]:
    """Those of an item's findings that are alerts about it: the others are not severe enough
    for this policy, or are alerted about its batch (`PER_BATCH`)."""
    return [
        finding
        for finding in findings
        if finding.kind not in PER_BATCH and finding.severity.rank >= policy.alert_from.rank
    ]


def told_of_entity(findings: Iterable[Finding], policy: Policy) -> list[Finding]:
    """Those of an entity's findings that are alerts. Of kinds in `PER_BATCH` all are: items give
    signals only of what the policy of their batch's issuer alerts about."""
    return [
        finding
        for finding in findings
        if finding.kind in PER_BATCH or finding.severity.rank >= policy.alert_from.rank
    ]


def revise(
    item: ItemId,
    published: Mapping[FindingKind, Alert],
    findings: Iterable[Finding],
    why: Callable[[Alert], tuple[Reason, ...]],
) -> list[Alert]:
    """The alerts to publish now: new, changed, and retracted ones. Empty if nothing changed.

    `findings` are those to alert about, see `told_of_item` and `told_of_entity`. `why`: why one
    of those published is retracted (`authenticity.detection.retraction`).

    `published` holds the newest alert of every kind ever published for this item,
    retracted ones too: a returning finding goes on counting versions.
    """
    changes: list[Alert] = []
    raised: set[FindingKind] = set()
    for finding in findings:
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
                msgspec.structs.replace(
                    known,
                    version=known.version + 1,
                    retracted=True,
                    retracted_because=why(known),
                )
            )
    return sorted(changes, key=lambda alert: alert.id)
