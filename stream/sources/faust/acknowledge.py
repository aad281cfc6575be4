"""From a stream's queue to the acknowledgement of its records: here offsets become committable.

Records are acknowledged in the order of their offsets, after the engine has written what they
changed. Faust commits what is acknowledged. If the engine fails, the process ends before
anything is acknowledged, and the records are read again.

Records are taken from the queue in bulk. `Bulk` does by hand what the stream's own iterator
would do: it passes over records of an earlier assignment (and never acknowledges them, as the
iterator would), begins none while a rebalance is under way, and tracks each one that is
begun, so that a rebalance waits for it.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import faust
from mode.utils.queues import ThrowableQueue

from authenticity.errors import TouchstoneError
from events.topics import Topic
from stream.dead_letter_sinks import SourceRecord

log = logging.getLogger("touchstone.stream")

GIVEN_UP: Final = 3
"""Exit code of a worker that ended before it acknowledged what it could not process."""
STALLED: Final = 4
"""Exit code of a worker that stood still: starting it again is all that it needs."""

_LOG_APPEND_TIME: Final = 1
"""In a record's `timestamp_type`: the broker's clock, not the publisher's."""

Take = Callable[[Sequence[SourceRecord]], Awaitable[None]]
Ready = Callable[[], Awaitable[object]]


class Most(NamedTuple):
    """`at_once`: records of one call of the engine. `in_hand`: calls that run side by side."""

    at_once: int
    in_hand: int


def add_agent(
    app: faust.App, topic: Topic, take: Take, most: Most, linger_s: float, ready: Ready | None
) -> None:
    """Have the app hand this topic's records to `take`, once `ready` has returned."""
    channel = app.topic(
        topic.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )

    async def agent(stream: Any) -> None:
        if ready is not None:
            await _done_or_ended(ready(), f"{topic.name} were not begun")
        bulk = Bulk(app, stream.channel.queue, most.at_once, linger_s)
        in_hand: deque[asyncio.Task[None]] = deque()
        with suppress(StopAsyncIteration):  # how Faust ends a stream
            while True:
                events = await bulk.next()
                if events:
                    before = in_hand[-1] if in_hand else None
                    in_hand.append(
                        asyncio.create_task(take_and_acknowledge(take, topic, events, before))
                    )
                while len(in_hand) >= most.in_hand or (in_hand and in_hand[0].done()):
                    await in_hand.popleft()

    app.agent(channel, name=f"touchstone-{topic.name}")(agent)


async def take_and_acknowledge(
    take: Take, topic: Topic, events: Sequence[Any], before: "asyncio.Task[None] | None"
) -> None:
    """Acknowledge when these are taken, and those before them are acknowledged."""
    records = [_received(topic, event) for event in events]
    first, last = records[0], records[-1]
    await _done_or_ended(
        take(records),
        f"Nothing of {topic.name} from offset {first.offset} of partition {first.partition} to"
        f" offset {last.offset} of partition {last.partition} was acknowledged; it will be taken"
        " up again",
    )
    if before is not None:
        await before
    for event in events:
        event.ack()


class Bulk:
    """Takes what waits in a stream's queue, all of it up to a bound."""

    def __init__(
        self,
        app: faust.App,
        queue: ThrowableQueue[Any],
        at_once: int,
        linger_s: float,
    ) -> None:
        self._app = app
        self._queue = queue
        self._at_once = at_once
        self._linger_s = linger_s

    async def next(self) -> list[Any]:
        """The next records to process, in order; perhaps none of those waiting."""
        waiting = [await self._queue.get()]
        if self._queue.qsize() < self._at_once:
            await asyncio.sleep(self._linger_s)
        while len(waiting) < self._at_once and not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        # From here to the tracking nothing is awaited: no rebalance can come in between.
        if not self._app.flow_control.is_active():
            return []
        generation = self._app.consumer_generation_id
        events = [event for event in waiting if event.message.generation_id == generation]
        for event in events:
            self._track(event.message)
        return events

    def _track(self, message: Any) -> None:
        if not message.tracked:
            message.tracked = True
            self._app.consumer.track_message(message)


async def _done_or_ended(work: Awaitable[object], consequence: str) -> None:
    """Return only if the work was done; else the process ends, here and now."""
    try:
        await work
    except Exception as error:
        expected = isinstance(error, TouchstoneError)
        end_process(str(error) if expected else repr(error), consequence, with_trace=not expected)


def end_process(
    why: str, consequence: str, *, code: int = GIVEN_UP, with_trace: bool = False
) -> None:
    """Say why, and end this process at once: no clean-up may acknowledge or commit anything."""
    log.critical("this worker ends: %s. %s.", why, consequence, exc_info=with_trace)
    logging.shutdown()
    os._exit(code)


def _received(topic: Topic, event: Any) -> SourceRecord:
    message = event.message
    trace = None
    for name, value in message.headers or ():
        if name == "traceparent":
            trace = value.decode("ascii", "replace")
    return SourceRecord(
        topic,
        message.partition,
        message.offset,
        message.key or b"",
        message.value or b"",
        trace,
        message.timestamp if message.timestamp_type == _LOG_APPEND_TIME else None,
    )
