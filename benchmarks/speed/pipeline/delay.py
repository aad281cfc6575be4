"""From a scan's acknowledgement until its alert can be read, under a steady load."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from authenticity.errors import UnavailableError
from authenticity.gs1.item import ItemId
from benchmarks.speed.pipeline.load import SCANS_A_SECOND, TICK_S, Pack, ticks
from benchmarks.speed.pipeline.progress import percentile
from events.publisher import Publisher
from ledger.address import PostgresAddress
from ledger.opening import open_reader

_ASKED_EVERY_S: Final = 0.002
_LAST_ONE_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds; `scans_a_second` is what was really published and acknowledged."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    alerts: int
    scans_a_second: float


def scan_to_alert(
    publisher: Publisher, ledger: PostgresAddress, packs: Sequence[Pack], seconds: int
) -> Delays:
    """Publish for `seconds`; every hundred milliseconds one scan decides an alert.

    The time runs from the moment the publisher's future says that the broker has the scan
    until another connection reads its entry in the feed, asked every 2 ms.
    """
    acknowledged: dict[ItemId, float] = {}
    futures: list[Future[None]] = []
    planned = list(ticks(packs, seconds))
    with _Feed(ledger) as feed:
        began = time.monotonic()
        for number, (records, deciding) in enumerate(planned):
            time.sleep(max(0.0, began + number * TICK_S - time.monotonic()))
            if deciding is not None:
                one = publisher.publish(records[:1])
                one.add_done_callback(
                    lambda _, item=deciding: acknowledged.update({item: time.monotonic()})  # type: ignore[misc]
                )
                futures.append(one)
                records = records[1:]
            futures.append(publisher.publish(records))
        for future in futures:
            future.result(_LAST_ONE_WITHIN_S)
        took_s = time.monotonic() - began
        seen = feed.wait_for(set(acknowledged))
    delays_ms = [max(0.0, seen[item] - at_s) * 1000 for item, at_s in acknowledged.items()]
    return Delays(
        percentile(delays_ms, 50), percentile(delays_ms, 95), percentile(delays_ms, 99),
        len(delays_ms), seconds * SCANS_A_SECOND / took_s,
    )  # fmt: skip


class _Feed:
    """Notes when each item's first entry could be read, in a thread of its own."""

    def __init__(self, ledger: PostgresAddress) -> None:
        self._ledger = ledger
        self._seen: dict[ItemId, float] = {}
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)

    def __enter__(self) -> "_Feed":
        self._thread.start()
        self._ready.wait(_LAST_ONE_WITHIN_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(_LAST_ONE_WITHIN_S)

    def wait_for(self, items: set[ItemId]) -> dict[ItemId, float]:
        """When each was seen. Raises `UnavailableError` if one does not come."""
        until = time.monotonic() + _LAST_ONE_WITHIN_S
        while not items <= self._seen.keys():
            if time.monotonic() > until or not self._thread.is_alive():
                raise UnavailableError(
                    f"{len(items - self._seen.keys())} of {len(items)} alerts did not come",
                    next_step="read what the worker wrote, above",
                )
            time.sleep(_ASKED_EVERY_S)
        return dict(self._seen)

    async def _watch(self) -> None:
        reader = open_reader(self._ledger)
        newest = await reader.newest_feed_number()
        self._ready.set()
        while not self._ended.is_set():
            entries = await reader.feed(newest, 1_000, None)
            now_s = time.monotonic()
            for entry in entries:
                self._seen.setdefault(entry.alert.item, now_s)
                newest = entry.number
            await asyncio.sleep(_ASKED_EVERY_S)
        await reader.close()
