"""The lines of `touchstone replay` and `touchstone export`: the final state.

NDJSON sorted by (type, id). Both commands go through `lines_of`, so that the bytes differ
only if what is known differs. The history of that state is left out: alerts that were
retracted on the way are not printed, and every version is 1.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import Finding, FindingKind
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.reasons import Reason
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from authenticity.records.batch_registry import BatchRegistry


class FoundLine(Struct, frozen=True):
    """A finding, within a standing."""

    kind: FindingKind
    probability: float | None
    reasons: tuple[Reason, ...]


class StandingLine(Struct, frozen=True, tag="standing"):
    """One item. `scans`, `first` and `last`: as `kept`, `first` and `last` of `ItemSummary`."""

    item: ItemId
    standing: Standing
    findings: tuple[FoundLine, ...]
    scans: int
    first: datetime
    last: datetime


class AlertLine(Struct, frozen=True, tag="alert"):
    """One alert that stands."""

    id: str
    item: ItemId
    kind: FindingKind
    severity: Severity
    probability: float | None
    version: int
    retracted: bool
    reasons: tuple[Reason, ...]


def lines_of(
    alerts: Iterable[Alert],
    histories: Iterable[tuple[ItemId, History]],
    batch_registry: BatchRegistry,
    policy: Policy,
) -> Iterator[bytes]:
    """Every line, without its line feed.

    The caller owes both inputs sorted: alerts by id, histories by item.
    """
    for alert in alerts:
        if not alert.retracted:
            yield msgspec.json.encode(_alert_line(alert))
    for item, history in histories:
        yield msgspec.json.encode(_standing_line(item, history, batch_registry, policy))


def _alert_line(alert: Alert) -> AlertLine:
    return AlertLine(
        alert.id, alert.item, alert.kind, alert.severity, alert.probability, 1, False,
        alert.reasons,
    )  # fmt: skip


def _standing_line(
    item: ItemId, history: History, batch_registry: BatchRegistry, policy: Policy
) -> StandingLine:
    summary = summarize_item(item, history, batch_registry, policy)
    return StandingLine(
        item,
        summary.standing,
        tuple(_found(finding) for finding in summary.findings),
        summary.kept,
        summary.first,
        summary.last,
    )


def _found(finding: Finding) -> FoundLine:
    return FoundLine(finding.kind, finding.probability, finding.reasons)
