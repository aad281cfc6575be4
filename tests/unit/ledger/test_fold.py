"""The contract of every ledger: versions, positions, feed order, batches, trust lists."""

import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from authenticity.alert import Alert, alert_id
from authenticity.finding import FindingKind, because
from authenticity.history import EMPTY, History, encode_history, history_of, merge
from authenticity.item import ItemId, text_id
from authenticity.policy import Severity
from authenticity.sighting import sight
from authenticity.verify import verify
from ledger.administration import LedgerAdministration
from ledger.fold import CatalogueChanged, ItemChange, LedgerWriter, Letter, Progress
from ledger.opening import migrate, open_writer
from tests.world import World

SOURCE = "scans@test"


@pytest.fixture
def world() -> World:
    return World(3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    migrate(path)
    return path


@pytest.fixture
def ledger(path: Path) -> Iterator[LedgerWriter]:
    opened = open_writer(path)
    yield opened
    opened.close()


def one_scan(world: World, serial: str | None = None) -> tuple[ItemId, History]:
    serial = serial or world.serial()
    scan = world.scan(world.code(serial))
    verdict = verify(scan.code, world.trust_list, scan.captured_at)
    return world.item(serial), history_of([sight(scan, verdict, 1)])


def change(item: ItemId, history: History, version: int = 0, *alerts: Alert) -> ItemChange:
    return ItemChange(item, version, encode_history(history), alerts)


def alert(item: ItemId, version: int = 1, *, retracted: bool = False) -> Alert:
    kind = FindingKind.CLONE_SUSPECTED
    return Alert(
        alert_id(item, kind), item, kind, Severity.HIGH, None, version, retracted,
        (because("too-far-apart-in-time", km=9_000),),
    )  # fmt: skip


def test_what_was_written_is_known(ledger: LedgerWriter, world: World) -> None:
    item, history = one_scan(world)
    assert ledger.known([item]) == {}
    assert ledger.write([change(item, history, 0, alert(item))], 0, world.now) == set()
    known = ledger.known([item])[item]
    assert (known.history, known.version) == (history, 1)
    assert known.published == {FindingKind.CLONE_SUSPECTED: alert(item)}


def test_text_that_names_no_item_has_a_history_too(ledger: LedgerWriter, world: World) -> None:
    item = text_id("no code")
    _, history = one_scan(world)
    ledger.write([change(item, history)], 0, world.now)
    assert list(ledger.known([item])) == [item]


def test_whoever_read_an_older_version_gets_the_item_back_and_nothing_of_it_is_written(
    ledger: LedgerWriter, world: World
) -> None:
    (item, history), (other, other_history) = one_scan(world), one_scan(world)
    ledger.write([change(item, history)], 0, world.now)
    stale = change(item, other_history, 0, alert(item))
    fresh = change(other, other_history, 0, alert(other))
    met = ledger.write([stale, fresh], 0, world.now, progress=Progress(SOURCE, 9))
    assert met == {item}
    assert ledger.known([item])[item].published == {}
    assert ledger.known([item])[item].history == history
    assert ledger.known([other])[other].published
    assert ledger.position(SOURCE) == 0, "the position waits for what was given back"


def test_a_position_moves_with_the_fold_and_never_back(ledger: LedgerWriter, world: World) -> None:
    ledger.write([], 0, world.now, progress=Progress(SOURCE, 9))
    ledger.write([], 0, world.now, progress=Progress(SOURCE, 4))
    assert ledger.position(SOURCE) == 9
    assert ledger.position("scans@another") == 0


def test_a_dead_letter_is_kept_once_however_often_it_is_met(
    ledger: LedgerWriter, world: World, path: Path
) -> None:
    letter = Letter(SOURCE, 5, "not a scan", b"\xff\x00", 2)
    for _ in range(2):
        ledger.write([], 0, world.now, progress=Progress(SOURCE, 9, [letter]))
    administration = LedgerAdministration(path)
    [kept] = administration.dead_letters()
    administration.close()
    assert (kept.reason, kept.raw, kept.position) == ("not a scan", b"\xff\x00", 5)


def test_a_fold_that_read_an_older_catalogue_begins_again(
    ledger: LedgerWriter, world: World
) -> None:
    item, history = one_scan(world)
    ledger.accept_batches([world.batch()], Progress("batches@test", 1), world.now)
    with pytest.raises(CatalogueChanged):
        ledger.write([change(item, history)], 0, world.now, progress=Progress(SOURCE, 1))
    assert ledger.known([item]) == {}
    assert ledger.position(SOURCE) == 0


def test_a_new_batch_has_the_items_of_its_product_judged_anew_in_portions(
    ledger: LedgerWriter, world: World
) -> None:
    items = dict(one_scan(world) for _ in range(5))
    foreign = text_id("no code")
    ledger.write([change(i, h) for i, h in items.items()], 0, world.now)
    ledger.write([change(foreign, EMPTY)], 0, world.now)
    ledger.accept_batches([world.batch()], Progress("batches@test", 1), world.now)
    _, version = ledger.catalogue()
    seen: list[ItemId] = []
    while some := ledger.next_reassessment(2):
        seen += some.items
        ledger.write([], version, world.now, reassessed=some)
    assert seen == sorted(items)


def test_a_batch_that_changes_meanwhile_begins_the_judging_again(
    ledger: LedgerWriter, world: World
) -> None:
    item, history = one_scan(world)
    ledger.write([change(item, history)], 0, world.now)
    ledger.accept_batches([world.batch()], Progress("batches@test", 1), world.now)
    _, version = ledger.catalogue()
    some = ledger.next_reassessment(10)
    assert some is not None
    ledger.write([], version, world.now, reassessed=some)
    ledger.accept_batches([world.batch(revision=2, status="recalled")],
                          Progress("batches@test", 2), world.now)  # fmt: skip
    again = ledger.next_reassessment(10)
    assert again is not None
    assert list(again.items) == [item]


def test_an_older_statement_about_a_batch_changes_nothing(
    ledger: LedgerWriter, world: World
) -> None:
    newer = world.batch(revision=2, status="recalled")
    ledger.accept_batches([newer], Progress("batches@test", 1), world.now)
    _, version = ledger.catalogue()
    ledger.accept_batches([world.batch(), newer], Progress("batches@test", 3), world.now)
    catalogue, unchanged = ledger.catalogue()
    assert unchanged == version
    assert catalogue.find(newer.gtin, newer.lot, newer.expiry) == newer


def test_the_newest_trust_list_is_kept(ledger: LedgerWriter, world: World) -> None:
    assert ledger.trust_list() is None
    for version, document in ((1, b"one"), (3, b"three"), (2, b"two")):
        ledger.accept_trust_list(document, version, Progress("trust@test", version), world.now)
    ledger.accept_trust_list(None, 3, Progress("trust@test", 4), world.now)
    assert ledger.trust_list() == b"three"
    assert ledger.position("trust@test") == 4


def test_many_writers_at_once_end_in_the_union_and_number_the_feed_without_gaps(
    path: Path, world: World
) -> None:
    """Each keeps folding its own scans of the same few items until all are in."""
    serials = [world.serial() for _ in range(4)]
    per_writer = [[one_scan(world, serials[n % 4]) for n in range(24)] for _ in range(3)]

    def fold_all(mine: list[tuple[ItemId, History]]) -> None:
        ledger = open_writer(path)
        for item, news in mine:
            while True:
                before = ledger.known([item]).get(item)
                history = merge(before.history if before else EMPTY, news)
                version = before.version if before else 0
                raised = alert(item, version + 1)
                if not ledger.write([change(item, history, version, raised)], 0, world.now):
                    break
        ledger.close()

    threads = [threading.Thread(target=fold_all, args=(mine,)) for mine in per_writer]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ledger = open_writer(path)
    known = ledger.known([world.item(serial) for serial in serials])
    expected: dict[ItemId, History] = {}
    for item, news in (pair for mine in per_writer for pair in mine):
        expected[item] = merge(expected.get(item, EMPTY), news)
    assert {item: entry.history for item, entry in known.items()} == expected
    assert sum(entry.version for entry in known.values()) == 72, "each write counted once"
    ledger.close()


def test_a_write_that_fails_leaves_nothing_behind(
    path: Path, ledger: LedgerWriter, world: World
) -> None:
    item, history = one_scan(world)
    broken = msgspec.structs.replace(alert(item), severity=object())
    with pytest.raises(TypeError):
        ledger.write([change(item, history, 0, broken)], 0, world.now)
    assert ledger.known([item]) == {}
    assert ledger.write([change(item, history)], 0, world.now + timedelta(1)) == set()


def test_a_ledger_with_nothing_in_its_way_settles(ledger: LedgerWriter, world: World) -> None:
    item, history = one_scan(world)
    ledger.write([change(item, history)], 0, world.now)
    assert ledger.settled()


def test_a_ledger_is_not_settled_while_a_reader_holds_back_its_checkpoint(
    ledger: LedgerWriter, world: World, path: Path
) -> None:
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM items").fetchone()
    item, history = one_scan(world)
    ledger.write([change(item, history)], 0, world.now)
    assert not ledger.settled()
    reader.execute("COMMIT")
    reader.close()
    assert ledger.settled()
