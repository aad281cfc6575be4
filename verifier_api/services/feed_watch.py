"""The alert feed as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import msgspec

from authenticity.errors import UnavailableError
from ledger.protocols import LedgerReader
from ledger.records import FeedEntry
from verifier_api.auth.principals import Principal
from verifier_api.http.problems import Problem

log = logging.getLogger(__name__)


class Listener:
    """Who listens to a stream, as known by now. `find` asks again who that is.

    `unsure`: that could not be told when it was last asked. `ended`: the token was revoked or
    has expired. Both show nothing more.
    """

    def __init__(
        self,
        principal: Principal,
        find: Callable[[], Awaitable[Principal]],
        clock: Callable[[], datetime],
    ) -> None:
        self.principal = principal
        self._find = find
        self._clock = clock
        self.unsure = False
        self.ended = False

    @property
    def entitled(self) -> bool:
        """Whether they may be shown something now."""
        return not (self.ended or self.unsure)

    async def until_ended(self, every_s: float) -> None:
        """Return when the right to listen has ended; asked every so many seconds."""
        while not self.ended:
            await asyncio.sleep(every_s)
            await self.ask_again()

    async def ask_again(self) -> None:
        """Who they are by now, and what is theirs: a range may have been sold meanwhile."""
        try:
            self.principal = await self._find()
            self.unsure = False
        except Problem:
            self.ended = True
        except UnavailableError:
            self.unsure = True
            expires_at = self.principal.expires_at
            self.ended = expires_at is not None and expires_at <= self._clock()


class FeedWatch:
    """Polls for new feed numbers once for all streams, and wakes them.

    So a quiet feed costs one small query at a time, however many are listening. A stream that
    could not be told something asks again after `again_s`.
    """

    def __init__(self, reader: LedgerReader, *, poll_s: float, again_s: float) -> None:
        self._reader = reader
        self._poll_s = poll_s
        self._again_s = again_s
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
                    self.wake()
            await asyncio.sleep(self._poll_s)

    async def changed(self, within_s: float) -> None:
        """Return when the feed may have grown, or after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def take_place(self, name: str, *, most: int, most_each: int) -> bool:
        """One place for a stream of this name, given back with `leave`; False if there is none.

        Nothing is awaited between counting and taking: a burst gets no place twice.
        """
        if self.places.total() >= most or self.places[name] >= most_each:
            return False
        self.places[name] += 1
        return True

    def leave(self, name: str) -> None:
        """Give one place back."""
        self.places[name] -= 1
        if not self.places[name]:
            del self.places[name]

    def wake(self) -> None:
        """Have every stream look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def events(
        self, listener: Listener, after: int, *, batch: int, heartbeat_s: float
    ) -> AsyncIterator[bytes]:
        """Every change above `after`, then each new one as it comes; comments in between.

        Ends when the listener's right to listen has ended. While that cannot be told, or the
        ledger does not answer, only the heartbeat goes out: the listener's place is its last
        event's number, so nothing is passed over.
        """
        yield b"retry: 2000\n\n"
        while not listener.ended:
            seen = self.newest
            theirs = listener.principal.entitlement
            entries = await self._entries(listener, after, batch)
            for entry in entries:
                if not listener.entitled or listener.principal.entitlement is not theirs:
                    break
                after = entry.number
                yield _event(entry)
            if len(entries) == batch or (entries and after < entries[-1].number):
                continue
            if seen == self.newest:
                await self.changed(heartbeat_s)
            if seen == self.newest and not listener.ended:
                yield b": still here\n\n"

    async def _entries(self, listener: Listener, after: int, limit: int) -> list[FeedEntry]:
        """None where the ledger, or whether they may be shown, is not known in time."""
        if listener.entitled:
            try:
                async with asyncio.timeout(5):
                    return await self._reader.feed(after, limit, listener.principal.entitlement)
            except (TimeoutError, UnavailableError):
                pass
        await asyncio.sleep(0 if listener.ended else self._again_s)
        return []


def _event(entry: FeedEntry) -> bytes:
    return b"id: %d\nevent: alert\ndata: %s\n\n" % (entry.number, msgspec.json.encode(entry))
