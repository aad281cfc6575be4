"""How the server goes about the fold's questions while a ledger grows."""

import asyncio

import psycopg

from benchmarks.speed.pipeline.prefill import fill
from benchmarks.speed.seen_items import numbered_item
from ledger.address import PostgresAddress
from ledger.opening import open_store
from tests.support.patience import wait_until

_ITEMS = 240
_GROWN = 100 * _ITEMS
_ROUNDS = 20
_GROW = """
    INSERT INTO items SELECT item || '-' || n, history, version
    FROM items, generate_series(1, 100) AS more (n)
"""


def test_a_worker_that_began_on_a_small_ledger_goes_by_the_index_when_it_has_grown(
    ledger_address: PostgresAddress,
) -> None:
    assert asyncio.run(_rows_read_in_passing(ledger_address)) < _GROWN


async def _rows_read_in_passing(ledger: PostgresAddress) -> int:
    """Rows of `items` that were read one after the other, rather than by the index, while
    a worker asked for a few again and again, and the ledger grew meanwhile."""
    items = [numbered_item(number) for number in range(_ITEMS)]
    fill(ledger, _ITEMS, analyse=False)
    writer = open_store(ledger)
    with psycopg.connect(ledger.url, autocommit=True) as connection:
        for _ in range(_ROUNDS):  # beyond the five after which a server may keep its plan
            await writer.known(items[:10])
        connection.execute(_GROW)
        for _ in range(_ROUNDS):
            assert len(await writer.known(items)) == _ITEMS
        await writer.close()  # then at the latest the server counts what it did
        in_passing, _ = wait_until(lambda: _counted(connection), "the server counted too few")
        return in_passing


def _counted(connection: psycopg.Connection) -> tuple[int, int] | None:
    """Rows read in passing and by the index, once the server has counted either kind."""
    row = connection.execute(
        "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'items'"
    ).fetchone()
    assert row is not None
    return row if row[0] >= _GROWN or row[1] >= _ROUNDS * _ITEMS else None
