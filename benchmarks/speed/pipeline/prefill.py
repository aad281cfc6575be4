"""A ledger that already holds many items, and what it costs to change some of them."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg import sql

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.history.history import history_of
from benchmarks.speed.seen_items import numbered_item, observation_of, seen_items
from ledger.address import PostgresAddress
from ledger.opening import open_store
from ledger.records import to_key
from stream.step import step

_COPY: Final = "COPY items (item, history, version) FROM STDIN (FORMAT BINARY)"
_AT_ONCE: Final = 2_000


def fill(ledger: PostgresAddress, count: int, *, analyse: bool = True) -> float:
    """Put `count` items with two scans each into an empty, migrated ledger, by COPY.

    Returns the bytes an item takes, its share of the index counted. `analyse`: let the
    server get to know them, as its autovacuum would after a while.
    """
    with psycopg.connect(ledger.url) as connection:
        with connection.cursor().copy(_COPY) as rows:
            rows.set_types(["text", "bytea", "int4"])
            for item, history in seen_items(count):
                rows.write_row((to_key(item), history, 1))
        row = connection.execute("SELECT pg_total_relation_size('items')").fetchone()
    if analyse:
        with psycopg.connect(ledger.url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE) items")
    assert row is not None
    return float(row[0]) / count


@dataclass(frozen=True, slots=True)
class LogBytes:
    """Bytes of write-ahead log for one more scan of a random item.

    `first`: its page changes for the first time since a checkpoint. Then the whole page is logged
    (`full_page_writes`), and in a ledger far larger than what changes between two
    checkpoints nearly every change is the first of its page. `compressed`: the same with
    `wal_compression`. `again`: its page has changed since the checkpoint.
    """

    first: float
    compressed: float
    again: float


def log_bytes_a_scan(ledger: PostgresAddress, items: int, scans: int) -> LogBytes:
    """Measured by folding three more scans of each of so many random items."""
    numbers = random.Random(1).sample(range(items), scans)
    with psycopg.connect(ledger.url, autocommit=True) as connection:

        def one_more(visit: int) -> float:
            before = connection.execute("SELECT pg_current_wal_lsn()").fetchone()
            asyncio.run(_scan_once_more(ledger, numbers, visit))
            row = connection.execute("SELECT pg_current_wal_lsn() - %s::pg_lsn", before).fetchone()
            assert row is not None
            return float(row[0]) / scans

        connection.execute("CHECKPOINT")
        first, again = one_more(2), one_more(3)
        database = sql.Identifier(connection.info.dbname)
        # For connections to come, which the fold's will be.
        compress = sql.SQL("ALTER DATABASE {} SET wal_compression = {}")
        connection.execute(compress.format(database, sql.Literal("on")))
        connection.execute("CHECKPOINT")
        compressed = one_more(4)
        connection.execute(compress.format(database, sql.Literal("off")))
    return LogBytes(first, compressed, again)


async def _scan_once_more(ledger: PostgresAddress, numbers: Sequence[int], visit: int) -> None:
    writer = open_store(ledger)
    try:
        for start in range(0, len(numbers), _AT_ONCE):
            updates = {
                numbered_item(number): history_of((observation_of(number, visit),))
                for number in numbers[start : start + _AT_ONCE]
            }
            batch_registry, version = await writer.batch_registry()
            changes = step(
                updates, await writer.known(updates.keys()), batch_registry, DEFAULT_POLICY
            )
            assert not await writer.write(changes, version, datetime.now(UTC))
    finally:
        await writer.close()
