"""What policies would have alerted on recorded scans, in the order in which they arrived.

Scans are merged once, and assessed under each policy side by side, without a ledger.
Memory grows with the items, not with the scans.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from itertools import groupby
from typing import NamedTuple

from authenticity.detection.alerts import Alert
from authenticity.detection.assess import assess_entity_update, assess_item_update
from authenticity.detection.findings import FINDINGS, FindingKind
from authenticity.detection.policy import Policy
from authenticity.detection.signals import Signal, by_entity
from authenticity.gs1.item import EntityId, ItemId
from authenticity.history.history import History, merge
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Scan
from authenticity.trust.trust_list import TrustList
from stream.step import updates_of
from stream.verification import ScanVerifier

AT_ONCE = 4_096


class AlertName(NamedTuple):
    """Which alert: what an alert's id is made of."""

    item: ItemId
    kind: FindingKind


@dataclass(slots=True)
class Course:
    """What one policy alerted.

    `raised`: the day (UTC, of arrival) on which each alert was first published. `about`:
    for alerts on a batch or a scanner, the items that gave the signals it was found from.
    """

    policy: Policy
    raised: dict[AlertName, date] = field(default_factory=dict)
    retracted: set[AlertName] = field(default_factory=set)
    about: dict[AlertName, frozenset[ItemId]] = field(default_factory=dict)
    _published: dict[ItemId, dict[FindingKind, Alert]] = field(default_factory=dict)
    _signals: dict[EntityId, dict[ItemId, list[Signal]]] = field(default_factory=dict)
    _of_item: dict[ItemId, tuple[Signal, ...]] = field(default_factory=dict)
    _changed: set[EntityId] = field(default_factory=set)

    @property
    def standing(self) -> set[AlertName]:
        """The alerts that were not retracted in the end."""
        return set(self.raised) - self.retracted

    def by_day(self) -> Counter[tuple[date, FindingKind]]:
        """New alerts of each day and kind."""
        return Counter((day, name.kind) for name, day in self.raised.items())

    def assess(
        self, item: ItemId, history: History, batch_registry: BatchRegistry, day: date
    ) -> None:
        """Assess an item whose history has changed."""
        published = self._published.get(item, {})
        update = assess_item_update(item, history, published, batch_registry, self.policy)
        self._publish(item, update.alerts, day)
        self._note_signals(item, update.signals)

    def assess_entities(self, batch_registry: BatchRegistry, day: date) -> None:
        """Assess the batches and scanners about which there are other signals than before."""
        for entity in sorted(self._changed):
            signals = [signal for given in self._signals[entity].values() for signal in given]
            cut = by_entity(signals).get(entity, [])
            item = ItemId(entity)
            published = self._published.get(item, {})
            alerts = assess_entity_update(entity, cut, published, batch_registry, self.policy)
            self._publish(item, alerts, day)
            for kind in self._published.get(item, {}):
                self.about[AlertName(item, kind)] = frozenset(
                    signal.item
                    for signal in cut
                    if signal.weight > 0 and signal.kind in FINDINGS[kind].signals
                )
        self._changed.clear()

    def _publish(self, item: ItemId, alerts: Iterable[Alert], day: date) -> None:
        for alert in alerts:
            self._published.setdefault(item, {})[alert.kind] = alert
            name = AlertName(item, alert.kind)
            self.raised.setdefault(name, day)
            (self.retracted.add if alert.retracted else self.retracted.discard)(name)

    def _note_signals(self, item: ItemId, signals: tuple[Signal, ...]) -> None:
        before = self._of_item.get(item, ())
        if signals == before:
            return
        for entity in {signal.entity for signal in before}:
            del self._signals[entity][item]
        for signal in signals:
            self._signals.setdefault(signal.entity, {}).setdefault(item, []).append(signal)
        self._changed |= {signal.entity for signal in (*before, *signals)}
        self._of_item[item] = signals


class Backtest:
    """Feed it scans by arrival, then read what each policy alerted in `courses`."""

    def __init__(
        self, trust_list: TrustList, batch_registry: BatchRegistry, policies: Sequence[Policy]
    ) -> None:
        """`batch_registry`: every batch, known from the first day on."""
        self.courses = tuple(Course(policy) for policy in policies)
        self.scans = 0
        self.first_day: date | None = None
        self.last_day: date | None = None
        self._trust_list = trust_list
        self._batch_registry = batch_registry
        self._verifier = ScanVerifier()
        self._histories: dict[ItemId, History] = {}

    def feed(self, scans: Iterable[Scan]) -> None:
        """Raises `ValueError` if a scan arrived on an earlier day than one fed before it."""
        for day, of_day in groupby(scans, lambda scan: scan.received_at.astimezone(UTC).date()):
            if self.last_day is not None and day < self.last_day:
                raise ValueError("scans are fed by arrival")
            self.first_day, self.last_day = self.first_day or day, day
            waiting: list[Scan] = []
            for scan in of_day:
                waiting.append(scan)
                if len(waiting) >= AT_ONCE:
                    self._fold(waiting, day)
                    waiting = []
            self._fold(waiting, day)

    def close(self) -> None:
        """End the threads."""
        self._verifier.close()

    def _fold(self, scans: Sequence[Scan], day: date) -> None:
        self.scans += len(scans)
        updates = updates_of(self._verifier.check(scans, self._trust_list))
        for item, new in updates.items():
            known = self._histories.get(item)
            history = self._histories[item] = merge(known, new) if known else new
            for course in self.courses:
                course.assess(item, history, self._batch_registry, day)
        for course in self.courses:
            course.assess_entities(self._batch_registry, day)
