"""The contract of the second stage: what items say, and which entities it makes pending."""

import asyncio

import pytest

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import COPIES, REFUSED, UNRELEASED, FindingKind
from authenticity.detection.item_state import ItemChange
from authenticity.detection.signals import MAX_SIGNALS_ASSESSED, Signal, by_entity
from authenticity.gs1.item import (
    EntityId,
    ItemId,
    batch_entity,
    item_id,
    scanner_entity,
    text_id,
)
from authenticity.history.history import EMPTY
from ledger.administration import Snapshot
from ledger.protocols import Pending
from simulation.two_makers import GTINS, World
from tests.contracts.ledger.folding import alert, change
from tests.contracts.ledger.ledgers import Ledgers, Writer, WritingContract

ONE, OTHER, TEXT = item_id(GTINS[0], "A"), item_id(GTINS[0], "B"), text_id("no code")
BATCH = batch_entity(GTINS[0], "L/1")
SCANNER = scanner_entity(7, known=True)


def signal(entity: EntityId, item: ItemId, kind: str = "copies", weight: int = 5) -> Signal:
    """With text that no database could store as text."""
    return Signal(entity, item, kind, weight, "a\0b")


def giving(
    item: ItemId, version: int, *signals: Signal, before: tuple[Signal, ...] = ()
) -> ItemChange:
    """An item whose history gives these signals."""
    return change(item, EMPTY, version)._replace(
        signals=tuple(sorted(signals)), signals_before=before
    )


def assessed(entity: EntityId, version: int, *alerts: Alert) -> ItemChange:
    """What whoever assesses an entity writes of it."""
    return change(ItemId(entity), EMPTY, version, *alerts)


def campaign(entity: EntityId, version: int = 1, *, retracted: bool = False) -> Alert:
    """One that says little."""
    return alert(ItemId(entity), version, retracted=retracted, kind=FindingKind.CAMPAIGN)


class SignalsContract(WritingContract):
    """Inherit it where a fixture `ledgers` gives an empty ledger."""

    def test_signals_are_known_with_their_item_and_about_their_entities_which_are_pending(
        self, writer: Writer, world: World
    ) -> None:
        signals = signal(BATCH, ONE), signal(SCANNER, ONE, REFUSED)
        writer.write([giving(ONE, 0, *signals), giving(OTHER, 0)], 0, world.now)
        known = writer.known([ONE, OTHER])
        assert (known[ONE].signals, known[OTHER].signals) == (signals, ())
        assert writer.signals_about(BATCH) == [signals[0]]
        assert writer.signals_about(SCANNER) == [signals[1]]
        pending = writer.next_pending(9)
        assert pending is not None
        assert set(pending.entities) == {BATCH, SCANNER}

    def test_signals_that_stay_as_they_are_make_nobody_pending(
        self, writer: Writer, world: World
    ) -> None:
        stays, goes = signal(BATCH, ONE), signal(SCANNER, ONE)
        writer.write([giving(ONE, 0, stays, goes)], 0, world.now)
        self.acknowledge(writer, world)
        writer.write([giving(ONE, 1, stays, goes, before=(stays, goes))], 0, world.now)
        assert writer.next_pending(9) is None
        writer.write([giving(ONE, 2, stays, before=(stays, goes))], 0, world.now)
        pending = writer.next_pending(9)
        assert pending is not None
        assert pending.entities == [SCANNER]
        assert writer.signals_about(SCANNER) == []
        assert writer.signals_about(BATCH) == [stays]
        assert writer.known([ONE])[ONE].signals == (stays,)

    def test_a_signal_that_moves_from_one_batch_to_another_makes_both_pending(
        self, writer: Writer, world: World
    ) -> None:
        moved = batch_entity(GTINS[0], "L2")
        here, there = signal(BATCH, ONE), signal(moved, ONE)
        heavier = signal(BATCH, OTHER, weight=9)
        writer.write([giving(ONE, 0, here), giving(OTHER, 0, signal(BATCH, OTHER))], 0, world.now)
        self.acknowledge(writer, world)
        writer.write(
            [
                giving(ONE, 1, there, before=(here,)),
                giving(OTHER, 1, heavier, before=(signal(BATCH, OTHER),)),
            ],
            0,
            world.now,
        )
        assert writer.signals_about(BATCH) == [heavier]
        assert writer.signals_about(moved) == [there]
        pending = writer.next_pending(9)
        assert pending is not None
        assert set(pending.entities) == {BATCH, moved}

    def test_signals_of_an_item_in_conflict_are_not_written(
        self, writer: Writer, world: World
    ) -> None:
        writer.write([giving(ONE, 0)], 0, world.now)
        assert writer.write([giving(ONE, 0, signal(BATCH, ONE))], 0, world.now) == {ONE}
        assert writer.signals_about(BATCH) == []
        assert writer.next_pending(9) is None

    def test_signals_about_an_entity_are_the_first_of_each_kind_in_their_order(
        self, writer: Writer, world: World
    ) -> None:
        items = [item_id(GTINS[0], f"{n * 7 % 10_007:05}") for n in range(MAX_SIGNALS_ASSESSED)]
        of_items = {item: [signal(BATCH, item)] for item in (*items, ONE, TEXT)}
        of_items[items[5]].append(signal(BATCH, items[5], UNRELEASED))
        of_items[TEXT].append(signal(BATCH, TEXT, UNRELEASED))
        writer.write([giving(i, 0, *signals) for i, signals in of_items.items()], 0, world.now)
        signals = sorted(each for signals in of_items.values() for each in signals)
        copies = [each for each in signals if each.kind == COPIES]
        unreleased = [each for each in signals if each.kind == UNRELEASED]
        assert len(copies) == MAX_SIGNALS_ASSESSED + 2
        assert len(unreleased) == 2
        assert (
            writer.signals_about(BATCH)
            == sorted([*copies[:MAX_SIGNALS_ASSESSED], *unreleased])
            == by_entity(signals)[BATCH]
        )

    def test_those_waiting_longest_come_first_and_each_once(
        self, writer: Writer, world: World
    ) -> None:
        lots = [batch_entity(GTINS[0], lot) for lot in ("Z", "A", "M")]
        before: tuple[Signal, ...] = ()
        for version, lot in enumerate((*lots, *lots)):
            now = (*before, signal(lot, ONE, f"sign {version}"))
            writer.write([giving(ONE, version, *now, before=before)], 0, world.now)
            before = tuple(sorted(now))
        first = writer.next_pending(2)
        assert first is not None
        assert first.entities == lots[:2]
        assert len(first.numbers) == 4, "with all that they wait for"
        writer.write([assessed(lot, 0) for lot in lots[:2]], 0, world.now, acknowledged=first)
        second = writer.next_pending(2)
        assert second is not None
        assert second.entities == lots[2:]

    def test_what_became_pending_after_the_reading_is_not_acknowledged_with_it(
        self, writer: Writer, world: World
    ) -> None:
        writer.write([giving(ONE, 0, signal(BATCH, ONE))], 0, world.now)
        pending = writer.next_pending(9)
        writer.write([giving(OTHER, 0, signal(BATCH, OTHER))], 0, world.now)
        writer.write([assessed(BATCH, 0)], 0, world.now, acknowledged=pending)
        again = writer.next_pending(9)
        assert again is not None
        assert again.entities == [BATCH]

    def test_a_number_in_the_queue_is_never_given_twice(self, writer: Writer, world: World) -> None:
        """Else somebody slow would acknowledge an entry that it has not read."""
        writer.write([giving(ONE, 0, signal(BATCH, ONE))], 0, world.now)
        slow = writer.next_pending(9)
        self.acknowledge(writer, world)
        writer.write([giving(OTHER, 0, signal(BATCH, OTHER))], 0, world.now)
        writer.write([assessed(BATCH, 1)], 0, world.now, acknowledged=slow)
        assert writer.next_pending(9) is not None

    def test_whoever_read_before_anothers_assessment_is_refused_and_acknowledges_nothing(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        """A leader that was suspended wakes: what it read says campaign, its successor has
        read that there is none, and had nothing to publish."""
        writer.write([giving(ONE, 0, signal(BATCH, ONE))], 0, world.now)
        read = writer.next_pending(9)
        successor = ledgers.writer()
        gone = giving(ONE, 1, before=(signal(BATCH, ONE),))
        successor.write([gone], 0, world.now)
        self.acknowledge(successor, world)
        conflicts = writer.write(
            [assessed(BATCH, 0, campaign(BATCH))], 0, world.now, acknowledged=read
        )
        assert conflicts == {ItemId(BATCH)}
        assert writer.known([ItemId(BATCH)])[ItemId(BATCH)].published == {}

    def test_nothing_is_acknowledged_while_one_of_them_is_in_conflict(
        self, writer: Writer, world: World
    ) -> None:
        lots = [batch_entity(GTINS[0], lot) for lot in ("A", "B")]
        writer.write([giving(ONE, 0, *(signal(lot, ONE) for lot in lots))], 0, world.now)
        pending = writer.next_pending(9)
        writer.write([assessed(lots[0], 0)], 0, world.now)
        changes = [assessed(lot, 0, campaign(lot)) for lot in lots]
        assert writer.write(changes, 0, world.now, acknowledged=pending) == {ItemId(lots[0])}
        assert writer.next_pending(9) == pending
        assert writer.known(list(map(ItemId, lots)))[ItemId(lots[1])].published
        writer.write([assessed(lots[0], 1)], 0, world.now, acknowledged=pending)
        assert writer.next_pending(9) is None

    @pytest.mark.parametrize("entity", [BATCH, SCANNER, scanner_entity(2**32 - 1, known=False)])
    def test_a_entity_is_known_with_its_alerts_like_an_item(
        self, writer: Writer, world: World, entity: EntityId
    ) -> None:
        raised = campaign(entity)
        writer.write([assessed(entity, 0, raised)], 0, world.now)
        known = writer.known([ItemId(entity)])[ItemId(entity)]
        assert (known.version, known.history) == (1, EMPTY)
        assert known.published == {FindingKind.CAMPAIGN: raised}
        gone = campaign(entity, 2, retracted=True)
        assert writer.write([assessed(entity, 1, gone)], 0, world.now) == set()
        again = writer.known([ItemId(entity)])[ItemId(entity)]
        assert again.published == {FindingKind.CAMPAIGN: gone}

    def test_entitys_are_among_the_alerts_and_not_among_the_items(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        entities = (BATCH, SCANNER)
        items = (ONE, TEXT)
        writer.write([assessed(each, 0, campaign(each)) for each in entities], 0, world.now)
        writer.write([change(each, EMPTY) for each in items], 0, world.now)
        with Snapshot(ledgers.address) as snapshot:
            assert [item for item, _ in snapshot.histories()] == sorted(items)
            assert {str(alert.item) for alert in snapshot.alerts()} == set(map(str, entities))
        histories, _ = asyncio.run(ledgers.reader().items([ONE, *map(ItemId, entities)]))
        assert histories == [EMPTY, None, None]

    def test_no_entity_is_reassessed_as_if_it_were_an_item(
        self, writer: Writer, world: World
    ) -> None:
        writer.write([assessed(BATCH, 0), change(ONE, EMPTY)], 0, world.now)
        writer.accept_batches([world.batch()])
        some = writer.next_reassessment(9)
        assert some is not None
        assert some.items == [ONE]

    def test_a_snapshot_tells_how_many_entities_are_pending(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        writer.write([giving(ONE, 0, signal(BATCH, ONE), signal(SCANNER, ONE))], 0, world.now)
        writer.write([giving(OTHER, 0, signal(BATCH, OTHER))], 0, world.now)
        assert self.pending(ledgers) == 2
        self.acknowledge(writer, world)
        assert self.pending(ledgers) == 0

    @staticmethod
    def pending(ledgers: Ledgers) -> int:
        with Snapshot(ledgers.address) as snapshot:
            return snapshot.pending_entities()

    @staticmethod
    def acknowledge(writer: Writer, world: World) -> None:
        """As if no entity's alerts changed."""
        _, version = writer.batch_registry()
        pending = writer.next_pending(99) or Pending([], [])
        known = writer.known(list(map(ItemId, pending.entities)))
        versions = {item: entry.version for item, entry in known.items()}
        changes = [assessed(each, versions.get(ItemId(each), 0)) for each in pending.entities]
        assert writer.write(changes, version, world.now, acknowledged=pending) == set()
