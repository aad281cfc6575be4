"""What one worker does for all: the feed's way to the `alerts` topic, judging anew, and
assessing batches and scanners.

Whoever holds the ledger's lock leads; when it dies the database lets go of the lock, and
another takes over where the stored position stands. So every change of an alert is
published at least once, in the order of the feed; a reader that keeps the highest version
of each alert ends right. A leader that was suspended and wakes beside its successor writes
nothing older than what stands: what it relays is ordered by versions, what it judges is
refused by them.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Final

import msgspec

from authenticity.errors import UnavailableError
from events.publisher import Record
from events.topics import ALERTS, AlertChange
from ledger.postgres.leadership import Leadership
from ledger.records import FeedEntry
from stream.engine import KafkaEngine

log = logging.getLogger("touchstone.stream")

_AT_ONCE: Final = 500


@dataclass
class Leader:
    """One worker's, on its engine's publisher and clock. Close the leadership after it."""

    leadership: Leadership
    engine: KafkaEngine
    idle_s: float = 0.05
    follow_s: float = 1.0
    subjects_every_s: float = 0.5
    longest_pause_s: float = 5.0
    _subjects_from: float = field(default=0.0, init=False)

    async def run(self) -> None:
        """Until cancelled. No outage ends it: what is not relayed now is relayed later."""
        pause_s = 0.1
        leading = False
        while True:
            try:
                held = await self.leadership.hold()
                if held and not leading:
                    log.info("this worker relays the feed and judges anew, for all workers")
                leading = held
                busy = held and await self.work()
                pause_s = 0.1
            except UnavailableError as error:
                log.warning("relay: %s; %s; trying again in %.1f s",
                            error, error.next_step, pause_s)  # fmt: skip
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self.longest_pause_s)
                continue
            if not busy:
                await asyncio.sleep(self.idle_s if leading else self.follow_s)

    async def work(self) -> bool:
        """Relay some changes and judge some items and subjects; whether there may be more."""
        relayed = await self._relay_some()
        judged = await self.engine.judge_some_anew()
        assessed = await self._assess_some()
        return relayed or judged or assessed

    async def _assess_some(self) -> bool:
        """Now and then: of many changes of a subject's signals the last one counts. Whether more
        of them wait already."""
        if time.monotonic() < self._subjects_from:
            return False
        if await self.engine.judge_due_subjects() == self.engine.limits.subjects_at_once:
            return True
        self._subjects_from = time.monotonic() + self.subjects_every_s
        return False

    async def _relay_some(self) -> bool:
        engine = self.engine
        entries = await self.leadership.feed_after_relayed(_AT_ONCE)
        if not entries:
            engine.stats.feed_delay_seconds = 0.0
            return False
        oldest = engine.clock() - entries[0].at
        engine.stats.feed_delay_seconds = max(0.0, oldest.total_seconds())
        await asyncio.wrap_future(engine.publisher.publish([_record(entry) for entry in entries]))
        await self.leadership.relayed(entries[-1].number)
        return True


def _record(entry: FeedEntry) -> Record:
    change = AlertChange(entry.number, entry.at, entry.alert)
    return Record(ALERTS, entry.alert.id.encode(), msgspec.json.encode(change))
