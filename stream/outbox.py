"""The work that one worker, the leader, does for all of them.

It relays the feed to the `alerts` topic, reassesses items whose batches changed, and assesses
batches and scanners. Whoever holds the ledger's lock leads; when it dies the database lets go
of the lock, and another worker takes over where the stored position stands. So every change of
an alert is published at least once, in the order of the feed; a reader that keeps the highest
version of each alert ends right. A leader that was suspended and wakes beside its successor
overwrites nothing newer: what it relays is ordered by versions, and the ledger refuses what
rests on an older version.
"""

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field
from typing import Final

import msgspec

from events.publisher import Publisher, Record
from events.topics import ALERTS, AlertChange
from ledger.postgres.leadership import Leadership
from ledger.records import FeedEntry
from stream.engine import Engine
from stream.outages import Outages

log = logging.getLogger("touchstone.stream")

_AT_ONCE: Final = 500


@dataclass
class Leader:
    """One worker's. Close the leadership after it."""

    leadership: Leadership
    engine: Engine
    publisher: Publisher
    idle_s: float = 0.05
    follow_s: float = 1.0
    entities_every_s: float = 0.5
    longest_pause_s: float = 5.0
    _entities_from: float = field(default=0.0, init=False)
    _leads: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Until cancelled. No outage ends it: what is not relayed now is relayed later."""
        outages = Outages(math.inf, self.longest_pause_s)
        while True:
            if not await outages.through(self._turn):
                await asyncio.sleep(self.idle_s if self._leads else self.follow_s)

    async def _turn(self) -> bool:
        """Take the lead if nobody has it, and work; whether there may be more to do."""
        held = await self.leadership.hold()
        if held and not self._leads:
            log.info("this worker relays the feed and reassesses items, for all workers")
        self._leads = held
        return held and await self.work()

    async def work(self) -> bool:
        """Relay some changes, assess some items and entities; whether there may be more."""
        relayed = await self._relay_some()
        reassessed = await self.engine.reassess_items()
        assessed = await self._assess_some()
        return relayed or reassessed or assessed

    async def _assess_some(self) -> bool:
        """Now and then: of many changes of an entity's signals the last one counts. Whether more
        of them wait already."""
        if time.monotonic() < self._entities_from:
            return False
        if await self.engine.assess_entities() == self.engine.limits.entities_at_once:
            return True
        self._entities_from = time.monotonic() + self.entities_every_s
        return False

    async def _relay_some(self) -> bool:
        engine = self.engine
        entries = await self.leadership.feed_after_relayed(_AT_ONCE)
        if not entries:
            engine.stats.feed_delay_seconds = 0.0
            return False
        oldest = engine.clock() - entries[0].at
        engine.stats.feed_delay_seconds = max(0.0, oldest.total_seconds())
        await asyncio.wrap_future(self.publisher.publish([_record(entry) for entry in entries]))
        await self.leadership.relayed(entries[-1].number)
        return True


def _record(entry: FeedEntry) -> Record:
    change = AlertChange(entry.number, entry.at, entry.alert)
    return Record(ALERTS, entry.alert.id.encode(), msgspec.json.encode(change))
