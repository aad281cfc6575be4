"""The contract of the second stage: clues stand beside their items, and whom they make due."""

import asyncio

import pytest

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.detection.signals import MOST_CLUES_ASSESSED, Clue
from authenticity.gs1.item import (
    ItemId,
    SubjectId,
    batch_subject,
    item_id,
    scanner_subject,
    text_id,
)
from authenticity.history.history import EMPTY
from ledger.administration import Snapshot
from ledger.protocols import Due, ItemChange
from tests.contracts.ledger.folding import alert, change
from tests.contracts.ledger.ledgers import Ledgers, Writer
from tests.support.world import GTINS, World

ONE, OTHER, TEXT = item_id(GTINS[0], "A"), item_id(GTINS[0], "B"), text_id("no code")
BATCH = batch_subject(GTINS[0], "L/1")
SCANNER = scanner_subject(7, known=True)


def clue(subject: SubjectId, item: ItemId, sign: str = "copies", weight: int = 5) -> Clue:
    """With text that no database could store as text."""
    return Clue(subject, item, sign, weight, "a\0b")


def giving(item: ItemId, version: int, *clues: Clue, before: tuple[Clue, ...] = ()) -> ItemChange:
    """An item whose history gives these clues."""
    return change(item, EMPTY, version)._replace(clues=tuple(sorted(clues)), clues_before=before)


def assessed(subject: SubjectId, version: int, *alerts: Alert) -> ItemChange:
    """What whoever assesses a subject writes of it."""
    return change(ItemId(subject), EMPTY, version, *alerts)


def campaign(subject: SubjectId, version: int = 1, *, retracted: bool = False) -> Alert:
    """One that says little."""
    return alert(ItemId(subject), version, retracted=retracted, kind=FindingKind.CAMPAIGN)


class CluesContract:
    """Inherit it where a fixture `ledgers` gives an empty ledger."""

    @pytest.fixture
    def world(self) -> World:
        return World(3)

    @pytest.fixture
    def writer(self, ledgers: Ledgers) -> Writer:
        return ledgers.writer()

    def test_clues_are_known_with_their_item_and_about_their_subjects_which_are_due(
        self, writer: Writer, world: World
    ) -> None:
        clues = clue(BATCH, ONE), clue(SCANNER, ONE, "forged")
        writer.write([giving(ONE, 0, *clues), giving(OTHER, 0)], 0, world.now)
        known = writer.known([ONE, OTHER])
        assert (known[ONE].clues, known[OTHER].clues) == (clues, ())
        assert writer.clues_about(BATCH) == [clues[0]]
        assert writer.clues_about(SCANNER) == [clues[1]]
        due = writer.next_due(9)
        assert due is not None
        assert set(due.subjects) == {BATCH, SCANNER}

    def test_clues_that_stay_as_they_are_make_nobody_due(
        self, writer: Writer, world: World
    ) -> None:
        stays, goes = clue(BATCH, ONE), clue(SCANNER, ONE)
        writer.write([giving(ONE, 0, stays, goes)], 0, world.now)
        self.settle(writer, world)
        writer.write([giving(ONE, 1, stays, goes, before=(stays, goes))], 0, world.now)
        assert writer.next_due(9) is None
        writer.write([giving(ONE, 2, stays, before=(stays, goes))], 0, world.now)
        due = writer.next_due(9)
        assert due is not None
        assert due.subjects == [SCANNER]
        assert writer.clues_about(SCANNER) == []
        assert writer.clues_about(BATCH) == [stays]
        assert writer.known([ONE])[ONE].clues == (stays,)

    def test_a_clue_that_moves_from_one_batch_to_another_makes_both_due(
        self, writer: Writer, world: World
    ) -> None:
        moved = batch_subject(GTINS[0], "L2")
        here, there = clue(BATCH, ONE), clue(moved, ONE)
        heavier = clue(BATCH, OTHER, weight=9)
        writer.write([giving(ONE, 0, here), giving(OTHER, 0, clue(BATCH, OTHER))], 0, world.now)
        self.settle(writer, world)
        writer.write(
            [
                giving(ONE, 1, there, before=(here,)),
                giving(OTHER, 1, heavier, before=(clue(BATCH, OTHER),)),
            ],
            0,
            world.now,
        )
        assert writer.clues_about(BATCH) == [heavier]
        assert writer.clues_about(moved) == [there]
        due = writer.next_due(9)
        assert due is not None
        assert set(due.subjects) == {BATCH, moved}

    def test_clues_of_an_item_that_met_another_writer_are_not_written(
        self, writer: Writer, world: World
    ) -> None:
        writer.write([giving(ONE, 0)], 0, world.now)
        assert writer.write([giving(ONE, 0, clue(BATCH, ONE))], 0, world.now) == {ONE}
        assert writer.clues_about(BATCH) == []
        assert writer.next_due(9) is None

    def test_clues_about_a_subject_are_the_first_in_their_order(
        self, writer: Writer, world: World
    ) -> None:
        items = [item_id(GTINS[0], f"{n * 7 % 10_007:05}") for n in range(MOST_CLUES_ASSESSED)]
        of_items = {item: [clue(BATCH, item)] for item in (*items, ONE, TEXT)}
        of_items[items[5]].append(clue(BATCH, items[5], "aaa"))
        writer.write([giving(i, 0, *clues) for i, clues in of_items.items()], 0, world.now)
        clues = [each for clues in of_items.values() for each in clues]
        assert writer.clues_about(BATCH) == sorted(clues)[:MOST_CLUES_ASSESSED]

    def test_those_waiting_longest_come_first_and_each_once(
        self, writer: Writer, world: World
    ) -> None:
        lots = [batch_subject(GTINS[0], lot) for lot in ("Z", "A", "M")]
        before: tuple[Clue, ...] = ()
        for version, lot in enumerate((*lots, *lots)):
            now = (*before, clue(lot, ONE, f"sign {version}"))
            writer.write([giving(ONE, version, *now, before=before)], 0, world.now)
            before = tuple(sorted(now))
        first = writer.next_due(2)
        assert first is not None
        assert first.subjects == lots[:2]
        assert len(first.numbers) == 4, "with all that they wait for"
        writer.write([assessed(lot, 0) for lot in lots[:2]], 0, world.now, settled=first)
        second = writer.next_due(2)
        assert second is not None
        assert second.subjects == lots[2:]

    def test_what_became_due_after_the_reading_is_not_settled_with_it(
        self, writer: Writer, world: World
    ) -> None:
        writer.write([giving(ONE, 0, clue(BATCH, ONE))], 0, world.now)
        due = writer.next_due(9)
        writer.write([giving(OTHER, 0, clue(BATCH, OTHER))], 0, world.now)
        writer.write([assessed(BATCH, 0)], 0, world.now, settled=due)
        again = writer.next_due(9)
        assert again is not None
        assert again.subjects == [BATCH]

    def test_a_number_in_the_queue_is_never_given_twice(self, writer: Writer, world: World) -> None:
        """Else somebody slow would settle an entry that it has not read."""
        writer.write([giving(ONE, 0, clue(BATCH, ONE))], 0, world.now)
        slow = writer.next_due(9)
        self.settle(writer, world)
        writer.write([giving(OTHER, 0, clue(BATCH, OTHER))], 0, world.now)
        writer.write([assessed(BATCH, 1)], 0, world.now, settled=slow)
        assert writer.next_due(9) is not None

    def test_whoever_read_before_anothers_assessment_is_refused_and_settles_nothing(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        """A leader that was suspended wakes: what it read says campaign, its successor has
        read that there is none, and had nothing to publish."""
        writer.write([giving(ONE, 0, clue(BATCH, ONE))], 0, world.now)
        read = writer.next_due(9)
        successor = ledgers.writer()
        gone = giving(ONE, 1, before=(clue(BATCH, ONE),))
        successor.write([gone], 0, world.now)
        self.settle(successor, world)
        met = writer.write([assessed(BATCH, 0, campaign(BATCH))], 0, world.now, settled=read)
        assert met == {ItemId(BATCH)}
        assert writer.known([ItemId(BATCH)])[ItemId(BATCH)].published == {}

    def test_nothing_is_settled_while_one_of_them_met_another_writer(
        self, writer: Writer, world: World
    ) -> None:
        lots = [batch_subject(GTINS[0], lot) for lot in ("A", "B")]
        writer.write([giving(ONE, 0, *(clue(lot, ONE) for lot in lots))], 0, world.now)
        due = writer.next_due(9)
        writer.write([assessed(lots[0], 0)], 0, world.now)
        changes = [assessed(lot, 0, campaign(lot)) for lot in lots]
        assert writer.write(changes, 0, world.now, settled=due) == {ItemId(lots[0])}
        assert writer.next_due(9) == due
        assert writer.known(list(map(ItemId, lots)))[ItemId(lots[1])].published
        writer.write([assessed(lots[0], 1)], 0, world.now, settled=due)
        assert writer.next_due(9) is None

    @pytest.mark.parametrize("subject", [BATCH, SCANNER, scanner_subject(2**32 - 1, known=False)])
    def test_a_subject_is_known_with_its_alerts_like_an_item(
        self, writer: Writer, world: World, subject: SubjectId
    ) -> None:
        raised = campaign(subject)
        writer.write([assessed(subject, 0, raised)], 0, world.now)
        known = writer.known([ItemId(subject)])[ItemId(subject)]
        assert (known.version, known.history) == (1, EMPTY)
        assert known.published == {FindingKind.CAMPAIGN: raised}
        gone = campaign(subject, 2, retracted=True)
        assert writer.write([assessed(subject, 1, gone)], 0, world.now) == set()
        again = writer.known([ItemId(subject)])[ItemId(subject)]
        assert again.published == {FindingKind.CAMPAIGN: gone}

    def test_subjects_are_among_the_alerts_and_not_among_the_items(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        subjects = (BATCH, SCANNER)
        items = (ONE, TEXT)
        writer.write([assessed(each, 0, campaign(each)) for each in subjects], 0, world.now)
        writer.write([change(each, EMPTY) for each in items], 0, world.now)
        with Snapshot(ledgers.address) as snapshot:
            assert [item for item, _ in snapshot.histories()] == sorted(items)
            assert {str(alert.item) for alert in snapshot.alerts()} == set(map(str, subjects))
        histories, _ = asyncio.run(ledgers.reader().items([ONE, *map(ItemId, subjects)]))
        assert histories == [EMPTY, None, None]

    def test_no_subject_is_judged_anew_as_if_it_were_an_item(
        self, writer: Writer, world: World
    ) -> None:
        writer.write([assessed(BATCH, 0), change(ONE, EMPTY)], 0, world.now)
        writer.accept_batches([world.batch()], world.now)
        some = writer.next_reassessment(9)
        assert some is not None
        assert some.items == [ONE]

    def test_a_snapshot_tells_how_many_subjects_are_due(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        writer.write([giving(ONE, 0, clue(BATCH, ONE), clue(SCANNER, ONE))], 0, world.now)
        writer.write([giving(OTHER, 0, clue(BATCH, OTHER))], 0, world.now)
        assert self.due(ledgers) == 2
        self.settle(writer, world)
        assert self.due(ledgers) == 0

    @staticmethod
    def due(ledgers: Ledgers) -> int:
        with Snapshot(ledgers.address) as snapshot:
            return snapshot.subjects_due()

    @staticmethod
    def settle(writer: Writer, world: World) -> None:
        """As if no subject's alerts changed."""
        _, version = writer.catalogue()
        due = writer.next_due(99) or Due([], [])
        known = writer.known(list(map(ItemId, due.subjects)))
        versions = {item: entry.version for item, entry in known.items()}
        changes = [assessed(each, versions.get(ItemId(each), 0)) for each in due.subjects]
        assert writer.write(changes, version, world.now, settled=due) == set()
