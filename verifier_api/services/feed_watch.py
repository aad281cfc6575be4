"""The alert feed as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator

import msgspec

from authenticity.errors import UnavailableError
from ledger.protocols import LedgerReader
from ledger.records import FeedEntry, Prefixes

log = logging.getLogger(__name__)


class FeedWatch:
    """Polls for new feed numbers once for all streams, and wakes them.

    So a quiet feed costs one small query at a time, however many are listening.
    """

    def __init__(self, reader: LedgerReader, *, poll_s: float) -> None:
        self._reader = reader
        self._poll_s = poll_s
        self._changed = asyncio.Event()
        self.places: Counter[str] = Counter()
        self.newest = 0

    async def watch(self) -> None:
        """Until cancelled; a ledger that does not answer is asked again."""
        while True:
            try:
                async with asyncio.timeout(5):
                    newest = await self._reader.newest_feed_number()
            except (TimeoutError, UnavailableError) as error:
                log.warning("feed not read: %s", error or "the ledger is too slow")
            else:
                if newest != self.newest:
                    self.newest = newest
                    self._changed.set()
                    self._changed = asyncio.Event()
            await asyncio.sleep(self._poll_s)

    async def changed(self, within_s: float) -> None:
        """Return when the feed may have grown, or after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            return

    async def counted(
        self, listener: str, after: int, prefixes: Prefixes, *, batch: int, heartbeat_s: float
    ) -> AsyncIterator[bytes]:
        """`events`, holding one of this listener's places until they end."""
        self.places[listener] += 1
        try:
            stream = self.events(after, prefixes, batch=batch, heartbeat_s=heartbeat_s)
            async for event in stream:
                yield event
        finally:
            self.places[listener] -= 1
            if not self.places[listener]:
                del self.places[listener]

    async def events(
        self, after: int, prefixes: Prefixes, *, batch: int, heartbeat_s: float
    ) -> AsyncIterator[bytes]:
        """Every change above `after`, then each new one as it comes; comments in between.

        While the ledger does not answer only the heartbeat goes out: the listener's
        place is its last event's number, so nothing is passed over.
        """
        yield b"retry: 2000\n\n"
        while True:
            seen = self.newest
            try:
                async with asyncio.timeout(5):
                    entries = await self._reader.feed(after, batch, prefixes)
            except (TimeoutError, UnavailableError):
                entries = []
                await asyncio.sleep(1)
            for entry in entries:
                after = entry.number
                yield _event(entry)
            if len(entries) == batch:
                continue
            if seen == self.newest:
                await self.changed(heartbeat_s)
            if seen == self.newest:
                yield b": still here\n\n"


def _event(entry: FeedEntry) -> bytes:
    return b"id: %d\nevent: alert\ndata: %s\n\n" % (entry.number, msgspec.json.encode(entry))
