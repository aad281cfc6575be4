"""The second stage over time: alerts on batches and scanners, and the codes that support them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from authenticity.detection.findings import COPIES, FINDINGS, PER_BATCH
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.signals import MAX_SIGNALS_ASSESSED, Signal, assess_entity
from authenticity.gs1.item import EntityId, ItemId
from benchmarks.detection.evaluation.code_assessment import SignalChange

_PER_BATCH: Final = {kind for each in PER_BATCH for kind in FINDINGS[each].signals}
MOST_ASSESSMENTS: Final = 200
"""Of the changes at one entity at most so many, spread evenly, are assessed, and the last."""


class EntityAlert(NamedTuple):
    """`items` are the codes whose signals support it in the end, or when it last stood."""

    entity: EntityId
    first_ms: int
    stands: bool
    kinds: frozenset[str]
    items: frozenset[ItemId]


def entity_alerts(changes: Iterable[SignalChange], policy: Policy) -> list[EntityAlert]:
    """The alerts on all entities that these signals are about, but those of kinds in `PER_BATCH`:
    each code counts by its own finding of them."""
    by_entity: dict[EntityId, list[tuple[int, ItemId, tuple[Signal, ...]]]] = defaultdict(list)
    about: dict[ItemId, set[EntityId]] = {}
    for at_ms, item, signals in changes:
        grouped: dict[EntityId, list[Signal]] = {}
        for signal in signals:
            if signal.kind not in _PER_BATCH:
                grouped.setdefault(signal.entity, []).append(signal)
        for entity in about.get(item, set()) | grouped.keys():
            by_entity[entity].append((at_ms, item, tuple(grouped.get(entity, ()))))
        about[item] = set(grouped)
    found = (_alert_on(entity, rows, policy) for entity, rows in by_entity.items())
    return [alert for alert in found if alert is not None]


def _alert_on(
    entity: EntityId,
    changes: Sequence[tuple[int, ItemId, tuple[Signal, ...]]],
    policy: Policy,
) -> EntityAlert | None:
    in_order = sorted(changes, key=lambda change: change[0])
    step = -(-len(in_order) // MOST_ASSESSMENTS)
    signals: dict[ItemId, tuple[Signal, ...]] = {}
    supporting: set[ItemId] = set()
    first_ms, stands, kinds = None, False, frozenset[str]()
    items: frozenset[ItemId] = frozenset()
    for number, (at_ms, item, of_item) in enumerate(in_order, start=1):
        signals[item] = of_item
        if any(_supports(signal, policy) for signal in of_item):
            supporting.add(item)
        else:
            supporting.discard(item)
        if number % step and number != len(in_order):
            continue
        kinds_now = _kinds_of(signals, policy) if supporting else set()
        stands = bool(kinds_now)
        if stands:
            first_ms = at_ms if first_ms is None else first_ms
            kinds |= kinds_now
            items = frozenset(supporting)
    if first_ms is None:
        return None
    return EntityAlert(entity, first_ms, stands, kinds, items)


def _kinds_of(signals: dict[ItemId, tuple[Signal, ...]], policy: Policy) -> set[str]:
    known = sorted(signal for some in signals.values() for signal in some)[:MAX_SIGNALS_ASSESSED]
    findings = assess_entity(known, policy)
    return {str(f.kind) for f in findings if f.severity.rank >= Severity.MEDIUM.rank}


def _supports(signal: Signal, policy: Policy) -> bool:
    """Whether a finding about the signal's entity counts this item as support."""
    return signal.kind != COPIES or signal.weight / 100 >= policy.subject.campaign_item_nats
