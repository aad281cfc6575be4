"""Every private part of Faust and aiokafka that a worker touches, and why.

Nothing here is promised by its authors: it holds for the versions in `PINNED`, which a test
compares with those installed. Whoever changes a version reads this module against the new
source, and runs the tests under `tests/integration/faults`. No other module touches a private
attribute of either.

| private part | of | needed because |
|---|---|---|
| `TableManager._update_channels` | Faust | its `on_start` waits a second for tables; we have none |
| `Consumer._drain_messages` | Faust | it makes two tasks a record, a third of a worker's time |
| `Service._stopped` | mode | the loop in its place must end when consumer or fetcher does |
| `Consumer._get_active_partitions`, `_getmany` | Faust | one fetch from some of the partitions |
| `Consumer._read_offset` | Faust | what `perform_seek` found committed; where reading goes on |
| `Consumer._gap` | Faust | `_add_gap` lets others run in between, see `note_gap` |
| `Consumer._to_message` | Faust | makes of aiokafka's record what a stream takes |
| `Conductor._tp_index` | Faust | the streams that a partition's records go to |
| `Consumer._committed_offset` | Faust | what it has committed, without asking the broker |
| `Consumer._thread` | Faust | where aiokafka's own consumer is, to ask what is committed |
| `ConsumerThread._ensure_consumer` | Faust | that consumer, once it is there |
| `AssertionError` | aiokafka | it asserts what an assignment that has ended no longer holds |
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MethodType
from typing import Any, Final

import faust
from aiokafka.errors import IllegalStateError, KafkaTimeoutError
from faust.events import Event
from faust.tables import TableManager
from faust.types import TP

PINNED: Final = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

NOT_NOW: Final = (IllegalStateError, AssertionError, KafkaTimeoutError, TimeoutError)
"""What aiokafka raises when the assignment has ended meanwhile, or no broker answers."""


class NoTables(TableManager):
    """Faust waits a second at its start for tables to be named; there are none."""

    logger = logging.getLogger("faust.tables")

    async def on_start(self) -> None:
        """Begin at once with what every start needs: seeking to what is committed."""
        await self._update_channels()
        await self.recovery.start()


def replace_drain(app: faust.App, drain: Callable[[Any, Any], Awaitable[None]]) -> None:
    """Have this consumer's fetched records handed over by `drain(consumer, fetcher)`.

    Call it before the app starts.
    """
    app.consumer._drain_messages = MethodType(drain, app.consumer)  # type: ignore[attr-defined]


def committed_offsets(app: faust.App) -> Mapping[TP, int | None]:
    """What Faust remembers to have committed: for a partition that came with a rebalance and had
    nothing new since, it remembers nothing."""
    consumer: Any = app.consumer
    offsets: Mapping[TP, int | None] = consumer._committed_offset
    return offsets


async def committed_at_broker(app: faust.App, partitions: Iterable[TP]) -> dict[TP, int]:
    """What the group has committed, 0 for nothing. aiokafka is asked in the thread it lives in."""
    consumer: Any = app.consumer
    thread = consumer._thread
    committed = thread._ensure_consumer().committed
    return {tp: await thread.call_thread(committed, tp) or 0 for tp in partitions}


class ConsumerInternals:
    """What the loop in the place of `_drain_messages` needs of Faust's consumer."""

    def __init__(self, consumer: Any, fetcher: Any) -> None:
        self._consumer = consumer
        self._fetcher = fetcher

    @property
    def ended(self) -> bool:
        """Whether the consumer or its fetcher is to stop."""
        return bool(self._consumer._stopped.is_set() or self._fetcher._stopped.is_set())

    def active_partitions(self) -> set[TP]:
        """Those assigned and not paused."""
        return set(self._consumer._get_active_partitions())

    async def fetch(self, partitions: set[TP], timeout_s: float) -> dict[TP, list[Any]]:
        """One fetch of aiokafka's records, of at most what the consumer polls at once."""
        records: dict[TP, list[Any]] = await self._consumer._getmany(
            active_partitions=partitions, timeout=timeout_s
        )
        return records

    def read_offset(self, tp: TP) -> int | None:
        """The offset of the last record handed over, or after a seek what is committed."""
        offset: int | None = self._consumer._read_offset[tp]
        return offset

    def note_gap(self, tp: TP, first: int, end: int) -> None:
        """Offsets from `first` up to `end` do not exist: Faust must not wait for them.

        Not through `Consumer._add_gap`, which lets others run in between.
        """
        self._consumer._gap[tp].addi(first, end)

    def hand_over(self, tp: TP, records: list[Any]) -> None:
        """Put these records into every stream of their partition, whole and in order."""
        app = self._consumer.app
        for channel in self.channels(tp):
            for record in records:
                message = self._consumer._to_message(tp, record)
                message.incref()
                event = Event(app, message.key, message.value, message.headers, message)
                channel.queue.force_put_nowait(event)
        self._consumer._read_offset[tp] = records[-1].offset

    def channels(self, tp: TP) -> Iterable[Any]:
        """The streams' channels that this partition's records go to."""
        channels: Iterable[Any] = self._consumer.app.topics._tp_index.get(tp, ())
        return channels
