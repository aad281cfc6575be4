"""`touchstone bench growth`: what a ledger of millions of items costs.

Ours: the rate at which scans of known codes are folded into a ledger that holds many
items; pair: the same fold into a ledger of 100,000. The items are spread over the serials
as minted ones are, and the engine's page cache is as in service. In the details: bytes an
item with two scans, the whole ledger file after a checkpoint counted.
"""

import random
import sqlite3
import tempfile
import time
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from statistics import median
from typing import Final

from authenticity.batch import Catalogue
from authenticity.history import encode_history, history_of
from authenticity.item import ItemId, item_id
from authenticity.policy import DEFAULT_POLICY
from authenticity.scan import to_epoch_ms
from authenticity.serial import ALPHABET
from authenticity.sighting import Sighting
from benchmarks.printed_codes import NOW
from benchmarks.result import Result, machine
from ledger.fold import ItemChange, LedgerWriter
from ledger.opening import migrate, open_writer
from stream.processor import step

AIM: Final = 0.8
SMALL: Final = 100_000
_GTIN: Final = "09521234000013"
_AT_ONCE: Final = 4_096
_FOLDS: Final = 30


def measure(*, quick: bool) -> Result:
    """Scans folded a second at the larger size, and at 100,000 items, interleaved."""
    large = 1_000_000 if quick else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        paths = {count: Path(folder) / f"{count}.sqlite" for count in (SMALL, large)}
        for count, path in paths.items():
            _fill(path, count)
        sizes = {count: _bytes_an_item(path, count) for count, path in paths.items()}
        writers = {count: open_writer(path) for count, path in paths.items()}
        rates: dict[int, list[float]] = {count: [] for count in paths}
        for turn in range(_FOLDS):
            for count in sorted(paths, reverse=bool(turn % 2)):
                rates[count].append(_fold_some(writers[count], count, turn))
        for writer in writers.values():
            writer.close()
    ours, pair = median(rates[large]), median(rates[SMALL])
    ratio = median(a / b for a, b in zip(rates[large], rates[SMALL], strict=True))
    return Result(
        "growth", "scans/s", ours, pair, ratio, AIM, _FOLDS, machine(),
        {
            "items": large,
            "items_of_the_pair": SMALL,
            "bytes_an_item_with_two_scans": round(sizes[large], 1),
            "bytes_aim": 300,
        },
    )  # fmt: skip


def _fill(path: Path, count: int) -> None:
    """Items with two scans each, in the random order in which packs are first scanned."""
    migrate(path)
    writer = open_writer(path)
    order = random.Random(count)
    numbers = list(range(count))
    order.shuffle(numbers)
    for start in range(0, count, 20_000):
        some = numbers[start : start + 20_000]
        changes = [
            ItemChange(
                _item(n), 0, encode_history(history_of((_sighting(n, 0), _sighting(n, 1)))), ()
            )
            for n in some
        ]
        writer.write(changes, 0, NOW)
    writer.close()


def _fold_some(writer: LedgerWriter, count: int, turn: int) -> float:
    draw = random.Random(turn)
    numbers = draw.sample(range(count), _AT_ONCE)
    news = {_item(n): history_of((_sighting(n, 2 + turn),)) for n in numbers}
    catalogue = Catalogue()
    start = time.perf_counter()
    changes = step(news, writer.known(news.keys()), catalogue, DEFAULT_POLICY)
    assert not writer.write(changes, 0, NOW)
    return _AT_ONCE / (time.perf_counter() - start)


def _bytes_an_item(path: Path, count: int) -> float:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size / count


def _item(number: int) -> ItemId:
    """Minted serials are random; these are spread like them and follow from the number."""
    digest = int.from_bytes(blake2b(number.to_bytes(8, "big"), digest_size=12).digest(), "big")
    serial = ""
    for _ in range(16):
        digest, digit = divmod(digest, len(ALPHABET))
        serial += ALPHABET[digit]
    return item_id(_GTIN, serial)


def _sighting(number: int, look: int) -> Sighting:
    """As a phone makes them: a session of its own, a place, a lot and an expiry."""
    mixed = (number * 1_000_003 + look) * 0x9E3779B97F4A7C15 % 2**64
    return Sighting(
        mixed, mixed >> 32, to_epoch_ms(NOW) + look * 86_400_000, mixed >> 31 & 0xFFFFFFFF, 0, 0,
        0, 1, 375_665, 1_269_780, 2, "KR", "L2026-07", 281231, 1, 1, 0, 0,
    )  # fmt: skip
