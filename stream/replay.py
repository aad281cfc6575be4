"""The reference: scans merged in memory, then assessed once each.

Both engines must end in the same bytes. Memory grows with the items, not with the scans.
"""

from collections.abc import Iterable, Iterator, Sequence

from authenticity.detection.alerts import Alert
from authenticity.detection.assess import assess_entity_update, assess_item_update
from authenticity.detection.policy import Policy
from authenticity.detection.signals import Signal, by_entity
from authenticity.errors import InputError
from authenticity.gs1.item import ItemId
from authenticity.history.history import History, merge
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Scan, decode_scan
from authenticity.trust.trust_list import TrustList
from stream.export import lines_of
from stream.step import updates_of
from stream.verification import ScanVerifier

AT_ONCE = 4_096


class Replay:
    """Feed it lines, then read the lines of the final state."""

    def __init__(
        self, trust_list: TrustList, batch_registry: BatchRegistry, policy: Policy
    ) -> None:
        self._trust_list = trust_list
        self._batch_registry = batch_registry
        self._policy = policy
        self._verifier = ScanVerifier()
        self._histories: dict[ItemId, History] = {}
        self.scans = 0
        self.refused: list[tuple[int, str]] = []

    def feed(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """Fold numbered lines of NDJSON. Bad ones are kept in `refused`, by number and reason."""
        waiting: list[Scan] = []
        for number, line in lines:
            try:
                waiting.append(decode_scan(line))
            except InputError as error:
                self.refused.append((number, str(error)))
            if len(waiting) >= AT_ONCE:
                self._fold(waiting)
                waiting = []
        self._fold(waiting)

    def final_lines(self) -> Iterator[bytes]:
        """Alerts by id, then standings by item, each line without its line feed."""
        histories = sorted(self._histories.items())
        alerts = sorted(self._alerts(histories), key=lambda alert: alert.id)
        yield from lines_of(alerts, histories, self._batch_registry, self._policy)

    def close(self) -> None:
        """End the threads."""
        self._verifier.close()

    def _fold(self, scans: Sequence[Scan]) -> None:
        self.scans += len(scans)
        updates = updates_of(self._verifier.check(scans, self._trust_list))
        for item, new in updates.items():
            known = self._histories.get(item)
            self._histories[item] = merge(known, new) if known else new

    def _alerts(self, histories: Iterable[tuple[ItemId, History]]) -> Iterator[Alert]:
        """About items first, then about batches and scanners by the signals of all items."""
        signals: list[Signal] = []
        for item, history in histories:
            update = assess_item_update(item, history, {}, self._batch_registry, self._policy)
            yield from update.alerts
            signals += update.signals
        for entity, about in by_entity(signals).items():
            yield from assess_entity_update(entity, about, {}, self._batch_registry, self._policy)
