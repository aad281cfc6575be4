"""`touchstone bench growth`: what a ledger of millions of items costs.

Ours: the rate at which scans of known codes are folded into a ledger that holds many
items; baseline: the same fold into a ledger of 100,000. The items are spread over the serials
as minted ones are, and the engine's page cache is as in service. In the details: bytes an
item with two scans, the whole ledger file after a checkpoint counted.
"""

import asyncio
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

from authenticity.detection.item_state import ItemChange
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.history.history import history_of
from authenticity.records.batch_registry import BatchRegistry
from benchmarks.machine import machine
from benchmarks.speed.printed_codes import NOW
from benchmarks.speed.result import Result
from benchmarks.speed.seen_items import numbered_item, observation_of, seen_items
from ledger.opening import migrate, open_store
from ledger.protocols import LedgerStore
from stream.step import step

TARGET: Final = 0.8
SMALL: Final = 100_000
_AT_ONCE: Final = 4_096
_FOLDS: Final = 30


def measure(*, quick: bool) -> Result:
    """Scans folded a second at the larger size, and at 100,000 items, interleaved."""
    large = 1_000_000 if quick else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        paths = {count: Path(folder) / f"{count}.sqlite" for count in (SMALL, large)}
        for count, path in paths.items():
            migrate(path)
            asyncio.run(_fill(path, count))
        sizes = {count: _bytes_an_item(path, count) for count, path in paths.items()}
        stores = {count: open_store(path) for count, path in paths.items()}
        rates: dict[int, list[float]] = {count: [] for count in paths}
        for turn in range(_FOLDS):
            for count in sorted(paths, reverse=bool(turn % 2)):
                rates[count].append(asyncio.run(_fold_some(stores[count], count, turn)))
        for store in stores.values():
            asyncio.run(store.close())
    ours, baseline = median(rates[large]), median(rates[SMALL])
    ratio = median(a / b for a, b in zip(rates[large], rates[SMALL], strict=True))
    return Result(
        "growth", "scans/s", ours, baseline, ratio, TARGET, _FOLDS, machine(),
        {
            "items": large,
            "items_of_the_pair": SMALL,
            "bytes_an_item_with_two_scans": round(sizes[large], 1),
            "bytes_aim": 300,
        },
    )  # fmt: skip


async def _fill(path: Path, count: int) -> None:
    store = open_store(path)
    items = seen_items(count)
    while some := list(islice(items, 20_000)):
        await store.write([ItemChange(item, 0, history, ()) for item, history in some], 0, NOW)
    await store.close()


async def _fold_some(store: LedgerStore, count: int, turn: int) -> float:
    draw = random.Random(turn)
    numbers = draw.sample(range(count), _AT_ONCE)
    updates = {numbered_item(n): history_of((observation_of(n, 2 + turn),)) for n in numbers}
    batch_registry = BatchRegistry()
    start = time.perf_counter()
    changes = step(updates, await store.known(updates.keys()), batch_registry, DEFAULT_POLICY)
    assert not await store.write(changes, 0, NOW)
    return _AT_ONCE / (time.perf_counter() - start)


def _bytes_an_item(path: Path, count: int) -> float:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size / count
