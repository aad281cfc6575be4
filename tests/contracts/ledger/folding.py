"""The contract of every ledger: versions, alerts and their feed, batches, trust lists."""

import asyncio
import threading
from datetime import timedelta

import msgspec
import pytest

from authenticity.detection.alerts import Alert, alert_id
from authenticity.detection.findings import FindingKind
from authenticity.detection.item_state import ItemChange
from authenticity.detection.policy import Severity
from authenticity.detection.reasons import ReasonCode, because
from authenticity.gs1.item import ItemId, item_id, text_id
from authenticity.history.history import EMPTY, History, encode_history, history_of, merge
from authenticity.history.observation import observe
from authenticity.records.batch_registry import InBatch, NotInBatch
from authenticity.records.batch_statement import read_statement
from authenticity.records.dead_letter import dead_letter
from authenticity.trust.verify import verify
from ledger.administration import LedgerAdministration, Snapshot
from ledger.protocols import BatchRegistryChanged, Progress
from ledger.records import CaseChange, CaseState
from simulation.two_makers import GTINS, World
from tests.contracts.ledger.ledgers import Ledgers, Writer, WritingContract


def one_scan(world: World, serial: str | None = None) -> tuple[ItemId, History]:
    """A new item, or this one, and its history of one scan."""
    serial = serial or world.serial()
    scan = world.scan(world.code(serial))
    verdict = verify(scan.code, world.trust_list, scan.captured_at)
    return world.item(serial), history_of([observe(scan, verdict, 1)])


def change(item: ItemId, history: History, version: int = 0, *alerts: Alert) -> ItemChange:
    """To be written if `version` is the one before."""
    return ItemChange(item, version, encode_history(history), alerts)


def alert(
    item: ItemId,
    version: int = 1,
    *,
    retracted: bool = False,
    kind: FindingKind = FindingKind.CLONE_SUSPECTED,
) -> Alert:
    """One that says little."""
    return Alert(
        alert_id(item, kind), item, kind, Severity.HIGH, None, version, retracted,
        (because(ReasonCode.TOO_FAR_APART_IN_TIME, km=9_000),),
    )  # fmt: skip


SOURCE = "scans@test"


class FoldContract(WritingContract):
    """Inherit it where a fixture `ledgers` gives an empty ledger."""

    def test_what_was_written_is_known(self, writer: Writer, world: World) -> None:
        item, history = one_scan(world)
        assert writer.known([item]) == {}
        assert writer.write([change(item, history, 0, alert(item))], 0, world.now) == set()
        known = writer.known([item])[item]
        assert (known.history, known.version) == (history, 1)
        assert known.published == {FindingKind.CLONE_SUSPECTED: alert(item)}

    def test_text_that_names_no_item_has_a_history_too(self, writer: Writer, world: World) -> None:
        item = text_id("no code")
        _, history = one_scan(world)
        writer.write([change(item, history)], 0, world.now)
        assert list(writer.known([item])) == [item]

    def test_whoever_read_an_older_version_gets_the_item_back_and_nothing_of_it_is_written(
        self, writer: Writer, world: World
    ) -> None:
        (item, history), (other, other_history) = one_scan(world), one_scan(world)
        writer.write([change(item, history)], 0, world.now)
        stale = change(item, other_history, 0, alert(item))
        fresh = change(other, other_history, 0, alert(other))
        conflicts = writer.write([stale, fresh], 0, world.now)
        assert conflicts == {item}
        assert writer.known([item])[item].published == {}
        assert writer.known([item])[item].history == history
        assert writer.known([other])[other].published

    def test_a_fold_that_read_an_older_batch_registry_begins_again(
        self, writer: Writer, world: World
    ) -> None:
        item, history = one_scan(world)
        writer.accept_batches([world.batch()])
        with pytest.raises(BatchRegistryChanged):
            writer.write([change(item, history)], 0, world.now)
        assert writer.known([item]) == {}

    def test_a_new_batch_has_the_items_of_its_product_reassessed_in_portions(
        self, writer: Writer, world: World
    ) -> None:
        items = dict(one_scan(world) for _ in range(5))
        foreign = text_id("no code")
        writer.write([change(i, h) for i, h in items.items()], 0, world.now)
        writer.write([change(foreign, EMPTY)], 0, world.now)
        writer.accept_batches([world.batch()])
        _, version = writer.batch_registry()
        seen: list[ItemId] = []
        while some := writer.next_reassessment(2):
            seen += some.items
            writer.write([], version, world.now, reassessed=some)
        assert seen == sorted(items)

    def test_a_batch_that_changes_meanwhile_begins_the_reassessment_again(
        self, writer: Writer, world: World
    ) -> None:
        item, history = one_scan(world)
        writer.write([change(item, history)], 0, world.now)
        writer.accept_batches([world.batch()])
        _, version = writer.batch_registry()
        some = writer.next_reassessment(10)
        assert some is not None
        writer.write([], version, world.now, reassessed=some)
        writer.accept_batches([world.batch(revision=2, status="recalled")])
        again = writer.next_reassessment(10)
        assert again is not None
        assert list(again.items) == [item]

    def test_an_older_statement_about_a_batch_changes_nothing(
        self, writer: Writer, world: World
    ) -> None:
        newer = world.batch(revision=2, status="recalled")
        writer.accept_batches([newer])
        _, version = writer.batch_registry()
        writer.accept_batches([world.batch(), newer])
        batch_registry, unchanged = writer.batch_registry()
        assert unchanged == version
        assert batch_registry.find(newer.gtin, newer.lot, newer.expiry, "S") == InBatch(newer)

    def test_an_unsigned_batch_of_an_old_ledger_stays_until_a_signed_statement_comes(
        self, writer: Writer, world: World
    ) -> None:
        old = world.batch(revision=9, status="recalled")
        writer.accept_batches([old])
        batch_registry, _ = writer.batch_registry()
        assert batch_registry.find(old.gtin, old.lot, old.expiry, "S") == InBatch(old)
        signed = read_statement(world.statement(world.batch()))
        writer.accept_statements([signed])
        writer.accept_batches([world.batch(revision=10)])
        batch_registry, _ = writer.batch_registry()
        assert batch_registry.find(old.gtin, old.lot, old.expiry, "S") == InBatch(signed.batch)

    def test_a_batch_that_is_moved_to_another_print_leaves_the_former_one_known(
        self, writer: Writer, world: World, ledgers: Ledgers
    ) -> None:
        first, moved = world.batch(), world.batch(revision=7, lot="L9", gtin=GTINS[1])
        for order in ([first, moved], [moved, first, moved]):
            writer.accept_statements([read_statement(world.statement(each)) for each in order])
            batch_registry, _ = writer.batch_registry()
            assert batch_registry.knows(first.gtin) and batch_registry.knows(moved.gtin)
            found = batch_registry.find(first.gtin, first.lot, first.expiry, "S")
            assert isinstance(found, NotInBatch)
            assert batch_registry.find(moved.gtin, "L9", moved.expiry, "S") == InBatch(moved)
        administration = LedgerAdministration(ledgers.address)
        stands = administration.statement(moved.issuer, moved.batch_id)
        assert administration.batches() == [moved]
        administration.close()
        assert stands is not None
        assert (stands.batch, stands.raw) == (moved, world.statement(moved))
        assert stands.former_prints == {(first.gtin, first.lot)}

    def test_the_newest_trust_list_is_kept(self, writer: Writer, world: World) -> None:
        assert writer.trust_list() is None
        assert writer.trust_version() == 0
        for version, document in ((1, b"one"), (3, b"three"), (2, b"two")):
            writer.accept_trust_list(document, version, world.now)
        assert writer.trust_list() == b"three"
        assert writer.trust_version() == 3

    def test_a_position_moves_with_the_fold_and_never_back(
        self, writer: Writer, world: World
    ) -> None:
        writer.write([], 0, world.now, progress=Progress(SOURCE, 9))
        writer.write([], 0, world.now, progress=Progress(SOURCE, 4))
        assert writer.position(SOURCE) == 9
        assert writer.position("scans@another") == 0

    def test_a_position_waits_for_conflicts_and_for_another_batch_registry(
        self, writer: Writer, world: World
    ) -> None:
        item, history = one_scan(world)
        writer.write([change(item, history)], 0, world.now)
        assert writer.write([change(item, history)], 0, world.now, progress=Progress(SOURCE, 9))
        assert writer.position(SOURCE) == 0
        writer.accept_batches([world.batch()], progress=Progress("batches@test", 1))
        with pytest.raises(BatchRegistryChanged):
            writer.write([], 0, world.now, progress=Progress(SOURCE, 9))
        assert writer.position(SOURCE) == 0
        assert writer.position("batches@test") == 1

    def test_a_position_moves_on_past_what_was_refused(self, writer: Writer, world: World) -> None:
        writer.accept_trust_list(b"good", 3, world.now, progress=Progress("trust@test", 1))
        writer.accept_trust_list(None, 3, world.now, progress=Progress("trust@test", 4))
        assert writer.trust_list() == b"good"
        assert writer.position("trust@test") == 4
        writer.accept_batches([], progress=Progress("batches@test", 2))
        assert writer.position("batches@test") == 2

    def test_a_dead_letter_is_kept_once_however_often_it_is_written(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        sent = dead_letter("scans", 0, 5, b"\xff\x00", "not a scan", world.now)
        for _ in range(2):
            writer.write([], 0, world.now, progress=Progress(SOURCE, 9, [sent]))
        administration = LedgerAdministration(ledgers.address)
        [kept] = administration.dead_letters()
        administration.close()
        assert (kept.source, kept.dead_letter) == (SOURCE, sent)

    def test_what_nothing_holds_back_is_durable(self, writer: Writer, world: World) -> None:
        item, history = one_scan(world)
        writer.write([change(item, history)], 0, world.now)
        assert writer.is_durable()

    def test_many_writers_at_once_end_in_the_union_and_each_write_counts_once(
        self, ledgers: Ledgers, world: World
    ) -> None:
        """Each keeps folding its own scans of the same few items until all are in."""
        serials = [world.serial() for _ in range(4)]
        per_writer = [[one_scan(world, serials[n % 4]) for n in range(24)] for _ in range(3)]

        def fold_all(writer: Writer, mine: list[tuple[ItemId, History]]) -> None:
            for item, updates in mine:
                while True:
                    before = writer.known([item]).get(item)
                    history = merge(before.history if before else EMPTY, updates)
                    version = before.version if before else 0
                    raised = alert(item, version + 1)
                    if not writer.write([change(item, history, version, raised)], 0, world.now):
                        break

        threads = [
            threading.Thread(target=fold_all, args=(ledgers.writer(), mine)) for mine in per_writer
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        known = ledgers.writer().known([world.item(serial) for serial in serials])
        expected: dict[ItemId, History] = {}
        for item, updates in (pair for mine in per_writer for pair in mine):
            expected[item] = merge(expected.get(item, EMPTY), updates)
        assert {item: entry.history for item, entry in known.items()} == expected
        assert sum(entry.version for entry in known.values()) == 72

    def test_a_write_that_fails_leaves_nothing_behind(self, writer: Writer, world: World) -> None:
        item, history = one_scan(world)
        broken = msgspec.structs.replace(alert(item), severity=object())
        with pytest.raises(TypeError):
            writer.write([change(item, history, 0, broken)], 0, world.now)
        assert writer.known([item]) == {}
        assert writer.write([change(item, history)], 0, world.now + timedelta(1)) == set()

    def test_what_is_written_without_items_changes_nothing(
        self, writer: Writer, world: World
    ) -> None:
        assert writer.write([], 0, world.now) == set()
        assert writer.known([]) == {}

    def test_an_alert_is_known_in_its_newest_version_and_the_feed_holds_all_in_order(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        (item, history), (other, other_history) = one_scan(world), one_scan(world)
        cloned, forged = alert(item), alert(item, kind=FindingKind.FORGED)
        writer.write([change(item, history, 0, forged, cloned)], 0, world.now)
        gone = alert(item, 2, retracted=True)
        writer.write(
            [change(other, other_history, 0, alert(other)), change(item, history, 1, gone)],
            0,
            world.now,
        )
        assert writer.known([item])[item].published == {
            FindingKind.CLONE_SUSPECTED: gone,
            FindingKind.FORGED: forged,
        }
        feed = asyncio.run(ledgers.reader().feed(0, 10, None))
        assert [entry.alert for entry in feed] == [forged, cloned, alert(other), gone]
        assert [entry.number for entry in feed] == sorted({entry.number for entry in feed})

    def test_a_case_outlives_a_new_version_of_its_alert(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        item, history = one_scan(world)
        writer.write([change(item, history, 0, alert(item))], 0, world.now)
        reader = ledgers.reader()
        opened = CaseChange(CaseState.ACTIVE, None, "ann")
        asyncio.run(reader.change_case(alert(item).id, opened, None))
        later = world.now + timedelta(hours=1)
        writer.write([change(item, history, 1, alert(item, 2))], 0, later)
        record = asyncio.run(reader.alert(alert(item).id, None))
        assert record is not None
        assert (record.alert.version, record.case) == (2, CaseState.ACTIVE)
        assert (record.raised_at, record.updated_at) == (world.now, later)

    def test_several_statements_about_one_batch_at_once_count_as_the_newest(
        self, writer: Writer, world: World
    ) -> None:
        moved = world.batch(revision=2, gtin=GTINS[1])
        writer.accept_batches([world.batch(), moved, world.batch()])
        batch_registry, version = writer.batch_registry()
        assert version == 1
        assert batch_registry.find(moved.gtin, moved.lot, moved.expiry, "S") == InBatch(moved)
        before = batch_registry.find(GTINS[0], moved.lot, moved.expiry, "S")
        assert isinstance(before, NotInBatch)

    def test_a_batch_that_moves_to_another_product_has_both_reassessed(
        self, writer: Writer, world: World
    ) -> None:
        writer.accept_batches([world.batch()])
        self._pass_all(writer, world)
        writer.accept_batches([world.batch(revision=2, gtin=GTINS[1])])
        assert self._pass_all(writer, world) == set(GTINS)

    def test_a_snapshot_shows_one_moment_and_its_items_in_the_order_of_their_bytes(
        self, ledgers: Ledgers, writer: Writer, world: World
    ) -> None:
        serials = ["a", "B", "b", "Z", "z", "A-", "A", "%C3%A9", "0", "~", "_"]
        items = [item_id(GTINS[0], serial) for serial in serials]
        everything = [*items, text_id("no code")]
        writer.write([change(item, EMPTY, 0, alert(item)) for item in everything], 0, world.now)
        with Snapshot(ledgers.address) as snapshot:
            assert len(list(snapshot.alerts())) == len(everything)
            writer.write([change(*one_scan(world))], 0, world.now)
            seen = [item for item, _ in snapshot.histories()]
        assert seen == sorted(everything)

    @staticmethod
    def _pass_all(writer: Writer, world: World) -> set[str]:
        """Takes every product that is to be reassessed; returns which they were."""
        _, version = writer.batch_registry()
        gtins = set()
        while some := writer.next_reassessment(10):
            gtins.add(some.gtin)
            writer.write([], version, world.now, reassessed=some)
        return gtins
