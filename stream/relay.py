"""What one worker does for all: the feed's way to the `alerts` topic, and judging anew.

Whoever holds the ledger's lock leads; when it dies the database lets go of the lock, and
another takes over where the stored position stands. So every change of an alert is
published at least once, in the order of the feed; a reader that keeps the highest version
of each alert ends right.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

import msgspec

from authenticity.errors import UnavailableError
from events.publisher import Record
from events.topics import ALERTS, AlertChange
from ledger.leading import Leadership
from ledger.records import FeedEntry
from stream.kafka_engine import KafkaEngine

log = logging.getLogger("touchstone.stream")

_AT_ONCE: Final = 500


@dataclass
class Leader:
    """One worker's, on its engine's publisher and clock. Close the leadership after it."""

    leadership: Leadership
    engine: KafkaEngine
    idle_s: float = 0.05
    follow_s: float = 1.0
    longest_pause_s: float = 5.0

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
        """Relay some changes and judge some items anew; whether there were any."""
        relayed = await self._relay_some()
        judged = await self.engine.judge_some_anew()
        return relayed or judged

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
