"""The fold on SQLite: the contract, and what only this writer keeps: positions and letters."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.administration import LedgerAdministration
from ledger.opening import migrate, open_writer
from ledger.protocols import BatchRegistryChanged, LedgerWriter, Letter, Progress
from tests.contracts.ledger.folding import FoldContract, change, one_scan
from tests.support.world import World

SOURCE = "scans@test"


class TestFoldOnSqlite(FoldContract):
    """See `tests.contracts.ledger`."""


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


def test_a_position_waits_for_what_met_another_writer_or_another_catalogue(
    ledger: LedgerWriter, world: World
) -> None:
    item, history = one_scan(world)
    ledger.write([change(item, history)], 0, world.now)
    assert ledger.write([change(item, history)], 0, world.now, progress=Progress(SOURCE, 9))
    assert ledger.position(SOURCE) == 0
    ledger.accept_batches([world.batch()], Progress("batches@test", 1), world.now)
    with pytest.raises(BatchRegistryChanged):
        ledger.write([], 0, world.now, progress=Progress(SOURCE, 9))
    assert ledger.position(SOURCE) == 0
    assert ledger.position("batches@test") == 1


def test_a_position_moves_on_past_a_trust_list_that_was_refused(
    ledger: LedgerWriter, world: World
) -> None:
    ledger.accept_trust_list(b"good", 3, Progress("trust@test", 1), world.now)
    ledger.accept_trust_list(None, 3, Progress("trust@test", 4), world.now)
    assert ledger.trust_list() == b"good"
    assert ledger.position("trust@test") == 4
