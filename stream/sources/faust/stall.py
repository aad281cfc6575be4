"""Notices a worker that stands still while records wait for it.

A rebalance that is overtaken by the next one, while a broker dies, can leave Faust with its
partitions paused and nothing under way: a member of the group in good health that takes
nothing, for ever. Nobody else gets its partitions. It is not worth guessing at every way
into that state; a worker in it ends, and is started again where its offsets stand.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import faust
from faust.exceptions import ConsumerNotStarted

from stream.engine_stats import EngineStats
from stream.sources.faust.compat import committed_at_broker, committed_offsets

_ANSWER_WITHIN_S: Final = 5.0


@dataclass
class StallWatch:
    """One worker's. `patience_s`: how long it may stand still before the broker is asked.

    `clock` (monotonic seconds) and `sleep` are the machine's, but in tests.
    """

    app: faust.App
    stats: EngineStats
    patience_s: float
    poll_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def stalled(self) -> str:
        """Return when the worker stands still, with the reason as text.

        Standing still: nothing in hand, no change of assignment or offsets for so long, and
        the broker holds records that are not committed. A worker that waits for the first
        trust list, or for a broker, does not count. One that has begun to stop and does not
        come to an end, as after a crash within Faust, does.
        """
        before, since = self._state(), self.clock()
        while True:
            await self.sleep(self.poll_s)
            now = self._state()
            if now is None or now != before:
                before, since = now, self.clock()
            elif self.clock() - since >= self.patience_s:
                if self.app.should_stop:
                    return f"it has been stopping for {self.patience_s:.0f} s"
                waiting = await self._waiting()
                if waiting and self._state() == before:  # no rebalance came in between
                    return (
                        f"it has taken nothing for {self.patience_s:.0f} s, though {waiting}"
                        " records wait for it"
                    )
                since = self.clock()

    def _state(self) -> object | None:
        """Whatever changes when something goes on; None if it may rightly stand still."""
        consumer: Any = self.app.consumer
        if self.app.should_stop:
            return "stopping"
        if consumer.unacked or not self.app.started or not self.stats.trust_version:
            return None
        try:
            ours = sorted(consumer.assignment())
        except ConsumerNotStarted:
            return None
        offsets = sorted((tp, at) for tp, at in committed_offsets(self.app).items() if at)
        return self.app.consumer_generation_id, ours, offsets

    async def _waiting(self) -> int:
        """Records of our partitions beyond what is committed; 0 if the broker does not say.

        What Faust remembers as committed is not asked: of a partition that came with a
        rebalance and had nothing new since, it remembers nothing.
        """
        consumer: Any = self.app.consumer
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                ours = consumer.assignment()
                ends = await consumer.highwaters(*ours)
                starts = await consumer.earliest_offsets(*ours)
                at = await committed_at_broker(self.app, ours)
        except Exception:  # whatever it is, it is asked again later
            return 0
        return sum(max(0, ends[tp] - max(starts[tp], at[tp])) for tp in ours)
