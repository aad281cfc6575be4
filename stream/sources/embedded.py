"""The embedded log as a source: one engine, in a thread of its own.

```
one round: 1. all trust lists that wait, in order
           2. some batches
           3. reassess some items whose batches changed
           4. some scans: signatures in threads, then the fold, one transaction
           5. assess some batches and scanners whose signals changed
```
After batches or scans are read, trust lists are taken once more: whoever publishes a list and
then what rests on it is understood in that order. The position in the log moves in the
transaction that writes what the records changed, so a crash at any moment repeats nothing and
loses nothing. Several engines may fold into one ledger: a batch of items that another one has
touched meanwhile is read and computed again.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from authenticity.detection.policy import Policy
from authenticity.trust.trust_list import Roots
from events.embedded.log import EmbeddedLog
from events.topics import BATCHES, SCANS, TRUST, Topic
from ledger.protocols import LedgerStore, Progress
from stream.dead_letter_sinks import Refused, SourceRecord, as_dead_letter
from stream.engine import Engine, EngineLimits
from stream.fold import directly

log = logging.getLogger("touchstone.stream")


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How many records at once, how long to wait. `drain_s`: for what waits when it is to stop."""

    scans_at_once: int = 4_096
    batches_at_once: int = 100
    entities_every_s: float = 1.0
    idle_s: float = 0.02
    drain_s: float = 4.0
    prune_every_s: float = 60.0


ENGINE_LIMITS: Final = EngineLimits(trust_patience_s=0.0, entities_at_once=50)
"""No batch waits for a trust list: lists that come before it are read before it."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LedgerDeadLetters:
    """Dead letters and positions in the ledger, in the transaction of the fold."""

    def __init__(self, event_log: EmbeddedLog) -> None:
        self._log = event_log

    def progress(
        self, records: Sequence[SourceRecord], refused: Sequence[Refused], at: datetime
    ) -> Progress:
        """The position after the last of these records."""
        last = records[-1]
        dead_letters = [as_dead_letter(one, at) for one in refused]
        return Progress(self._log.source(last.topic), last.offset, dead_letters)

    async def publish(self, refused: Sequence[Refused], at: datetime) -> None:
        """They are durable already, see `DeadLetterSink.publish`."""


class EmbeddedSource:
    """Give it an open log and ledger; it closes both. `start` and `stop`, or `run_round`.

    The engine's work blocks the event loop, which serves nothing else.
    """

    def __init__(
        self,
        event_log: EmbeddedLog,
        ledger: LedgerStore,
        roots: Roots,
        policy: Policy,
        limits: SourceLimits = SourceLimits(),
        engine_limits: EngineLimits = ENGINE_LIMITS,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.log = event_log
        self.limits = limits
        self.engine = Engine(
            ledger,
            LedgerDeadLetters(event_log),
            roots,
            policy,
            engine_limits,
            clock,
            compute=directly,
            shares_trust=False,
        )
        self.stats = self.engine.stats
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()  # made here: `stop` may come before `run`
        self._closed = False
        self._thread: threading.Thread | None = None
        self._positions: dict[Topic, int] = {}
        self._pruned_at = self._assessed_at = time.monotonic()

    def start(self) -> None:
        """Run in a thread of its own until `stop`, or until an outage outlasts the limit."""
        self._thread = threading.Thread(target=self.run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fold what is waiting, for at most `drain_s`, then let go of log and ledger."""
        with suppress(RuntimeError):  # its loop has ended already
            self._loop.call_soon_threadsafe(self.engine.stop_waiting)
        if self._thread:
            self._thread.join(self.limits.drain_s + 2)

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def run(self) -> None:
        """Round after round, until `stop`. If an outage outlasts the limit or the program is at
        fault it ends, with the reason in `stats.failure`; no position has moved past what was
        folded."""
        try:
            self._runner.run(self._rounds())
        except Exception as error:
            self.stats.failure = str(error)
            log.exception("the engine stops: nothing past its position was acknowledged")
        finally:
            self.close()

    def run_round(self) -> bool:
        """One round. Returns whether there was anything to do. Raises `UnavailableError`."""
        return self._runner.run(self._round())

    def close(self) -> None:
        """End threads, close ledger and log; `run` does so at its end. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._runner.run(self.engine.close())
        self._runner.close()
        self.log.close()

    async def _rounds(self) -> None:
        stopping = self.engine.outages.stopping
        drain_until: float | None = None
        while True:
            busy = await self._round()
            await asyncio.sleep(0)  # lets `stop` in
            if stopping.is_set():
                drain_until = drain_until or time.monotonic() + self.limits.drain_s
                if not busy or time.monotonic() > drain_until:
                    return
            elif not busy:
                await self.engine.outages.pause(self.limits.idle_s)

    async def _round(self) -> bool:
        through = self.engine.outages.through
        if not self._positions:
            self._positions = await through(self._stored_positions)
        busy = await self._take_trust_lists()
        if not await self.engine.has_trust_list():
            return busy  # no scan can be processed yet; all of them wait
        busy |= await self._take_batches()
        busy |= await through(self.engine.reassess_items)
        busy |= await self._take_scans()
        busy |= await self._assess_entities(busy=busy)
        await through(self._prune_now_and_then)
        return busy

    async def _stored_positions(self) -> dict[Topic, int]:
        return {
            topic: await self.engine.ledger.position(self.log.source(topic))
            for topic in (TRUST, BATCHES, SCANS)
        }

    async def _take_trust_lists(self) -> bool:
        """All that are waiting."""
        busy = False
        while records := await self._read(TRUST, 1):
            busy = True
            await self.engine.accept_trust_lists(records)
            self._passed(records)
        return busy

    async def _take_batches(self) -> bool:
        records = await self._read(BATCHES, self.limits.batches_at_once)
        if not records:
            return False
        await self._take_trust_lists()
        await self.engine.accept_batches(records)
        self._passed(records)
        return True

    async def _take_scans(self) -> bool:
        records = await self._read(SCANS, self.limits.scans_at_once)
        if not records:
            self.stats.waiting = 0
            return False
        await self._take_trust_lists()
        await self.engine.fold_scans(records)
        self._passed(records)
        self.stats.waiting = await self.engine.outages.through(self._waiting_scans)
        return True

    async def _waiting_scans(self) -> int:
        return max(0, self.log.end(SCANS) - self._positions[SCANS])

    async def _assess_entities(self, *, busy: bool) -> bool:
        """While scans keep coming only now and then: of many changes of an entity's signals the
        last one counts."""
        if busy and time.monotonic() - self._assessed_at < self.limits.entities_every_s:
            return False
        self._assessed_at = time.monotonic()
        return await self.engine.outages.through(self.engine.assess_entities) > 0

    async def _read(self, topic: Topic, limit: int) -> list[SourceRecord]:
        async def read() -> list[SourceRecord]:
            return [
                SourceRecord(
                    topic, 0, entry.offset, entry.key, entry.value, appended_s=entry.appended_s
                )
                for entry in self.log.read(topic, self._positions[topic], limit)
            ]

        return await self.engine.outages.through(read)

    def _passed(self, records: Sequence[SourceRecord]) -> None:
        self._positions[records[-1].topic] = records[-1].offset

    async def _prune_now_and_then(self) -> None:
        if time.monotonic() - self._pruned_at < self.limits.prune_every_s:
            return
        if not await self.engine.ledger.is_durable():
            return  # after lost power the ledger would need again what the log let go
        gone = [self.log.prune(topic, passed) for topic, passed in self._positions.items()]
        if max(gone) < self.log.limits.pruned_at_once:  # else go on after the next round
            self._pruned_at = time.monotonic()
