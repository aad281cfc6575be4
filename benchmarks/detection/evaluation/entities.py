"""The second stage over time: which batches and scanners are alerted on, when, for which codes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from authenticity.detection.findings import COPIES
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.signals import MAX_SIGNALS_ASSESSED, Signal, assess_entity
from authenticity.gs1.item import EntityId, ItemId
from benchmarks.detection.evaluation.judging import ClueChange

MOST_LOOKS: Final = 200
"""At one subject: of more changes only so many, spread evenly, are assessed, and the last."""


class SubjectAlert(NamedTuple):
    """`items` are the codes whose signals speak for it in the end (or when it last stood)."""

    subject: EntityId
    first_ms: int
    stands: bool
    kinds: frozenset[str]
    items: frozenset[ItemId]


def subject_alerts(changes: Iterable[ClueChange], policy: Policy) -> list[SubjectAlert]:
    """The alerts of all subjects that these signals are about, each from when on."""
    of_subject: dict[EntityId, list[tuple[int, ItemId, tuple[Signal, ...]]]] = defaultdict(list)
    about: dict[ItemId, set[EntityId]] = {}
    for at_ms, item, signals in changes:
        grouped: dict[EntityId, list[Signal]] = {}
        for signal in signals:
            grouped.setdefault(signal.subject, []).append(signal)
        for subject in about.get(item, set()) | grouped.keys():
            of_subject[subject].append((at_ms, item, tuple(grouped.get(subject, ()))))
        about[item] = set(grouped)
    found = (_alert_on(subject, rows, policy) for subject, rows in of_subject.items())
    return [alert for alert in found if alert is not None]


def _alert_on(
    subject: EntityId,
    changes: Sequence[tuple[int, ItemId, tuple[Signal, ...]]],
    policy: Policy,
) -> SubjectAlert | None:
    in_order = sorted(changes, key=lambda change: change[0])
    step = -(-len(in_order) // MOST_LOOKS)
    signals: dict[ItemId, tuple[Signal, ...]] = {}
    speaking: set[ItemId] = set()
    first_ms, stands, kinds = None, False, frozenset[str]()
    items: frozenset[ItemId] = frozenset()
    for number, (at_ms, item, of_item) in enumerate(in_order, start=1):
        signals[item] = of_item
        if any(_speaks(signal, policy) for signal in of_item):
            speaking.add(item)
        else:
            speaking.discard(item)
        if number % step and number != len(in_order):
            continue
        told = _told(signals, policy) if speaking else set()
        stands = bool(told)
        if stands:
            first_ms = at_ms if first_ms is None else first_ms
            kinds |= told
            items = frozenset(speaking)
    if first_ms is None:
        return None
    return SubjectAlert(subject, first_ms, stands, kinds, items)


def _told(signals: dict[ItemId, tuple[Signal, ...]], policy: Policy) -> set[str]:
    known = sorted(signal for some in signals.values() for signal in some)[:MAX_SIGNALS_ASSESSED]
    findings = assess_entity(known, policy)
    return {str(f.kind) for f in findings if f.severity.rank >= Severity.MEDIUM.rank}


def _speaks(signal: Signal, policy: Policy) -> bool:
    """Whether a finding about its subject counts this item among those that it rests on."""
    return signal.kind != COPIES or signal.weight / 100 >= policy.subject.campaign_item_nats
