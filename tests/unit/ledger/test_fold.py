"""The fold on SQLite: the contract, and when a file is durable."""

import sqlite3

import pytest

from simulation.two_makers import World
from tests.contracts.ledger.folding import FoldContract, change, one_scan
from tests.contracts.ledger.ledgers import Ledgers


class TestFoldOnSqlite(FoldContract):
    """See `tests.contracts.ledger`."""


@pytest.fixture
def world() -> World:
    return World(3)


def test_a_ledger_is_not_durable_while_a_reader_holds_back_its_checkpoint(
    ledgers: Ledgers, world: World
) -> None:
    writer = ledgers.writer()
    reader = sqlite3.connect(str(ledgers.address), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM items").fetchone()
    item, history = one_scan(world)
    writer.write([change(item, history)], 0, world.now)
    assert not writer.is_durable()
    reader.execute("COMMIT")
    reader.close()
    assert writer.is_durable()
