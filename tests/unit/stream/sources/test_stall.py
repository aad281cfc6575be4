"""When a worker counts as standing still. No broker: what Faust would say is said by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from stream.engine_stats import EngineStats
from stream.sources.faust.stall import StallWatch

OURS = TP("scans", 0)


@dataclass
class Consumer:
    """One partition with ten records, four of them committed and none in hand.

    `_committed_offset` is what Faust remembers, `at` what the broker knows.
    """

    unacked: list[int] = field(default_factory=list)
    _committed_offset: dict[TP, int | None] = field(default_factory=lambda: {OURS: 4})
    at: int | None = 4
    begins_at: int = 0
    answers: bool = True

    @property
    def _thread(self) -> "Consumer":
        return self

    def _ensure_consumer(self) -> "Consumer":
        return self

    async def call_thread(self, method: Any, *values: Any) -> Any:
        return await method(*values)

    async def committed(self, _: TP) -> int | None:
        return self.at

    ours: tuple[TP, ...] = (OURS,)
    gets: tuple[TP, ...] = ()

    def assignment(self) -> set[TP]:
        return set(self.ours)

    async def highwaters(self, *ours: TP) -> Mapping[TP, int]:
        if not self.answers:
            raise OSError("no broker")
        self.ours += self.gets
        self.gets = ()
        return dict.fromkeys(ours, 10)

    async def earliest_offsets(self, *ours: TP) -> Mapping[TP, int]:
        return dict.fromkeys(ours, self.begins_at)


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


class Over(Exception):  # noqa: N818 - no error
    """The time that a test looks at has passed."""


@dataclass
class Clock:
    """Goes on only while the watch sleeps. `meanwhile` happens during each of its sleeps."""

    now_s: float = 0.0
    until_s: float = 60.0
    meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.now_s > self.until_s:
            raise Over
        self.meanwhile()


PATIENCE_S = 5.0


def watch(
    consumer: Consumer,
    clock: Clock | None = None,
    *,
    trust_version: int = 1,
    should_stop: bool = False,
) -> StallWatch:
    app: Any = SimpleNamespace(
        consumer=consumer, started=True, should_stop=should_stop, consumer_generation_id=3
    )
    stats = EngineStats(trust_version=trust_version)
    clock = clock or Clock()
    return StallWatch(app, stats, PATIENCE_S, poll_s=1.0, clock=clock, sleep=clock.sleep)


async def is_stalled(watched: StallWatch) -> bool:
    """Within a minute of its clock."""
    try:
        return bool(await watched.stalled())
    except Over:
        return False


async def test_nothing_in_hand_and_records_waiting_is_a_stall(consumer: Consumer) -> None:
    clock = Clock()
    assert "6 records wait" in await watch(consumer, clock).stalled()
    assert clock.now_s == PATIENCE_S


async def test_a_worker_with_something_in_hand_is_at_work(consumer: Consumer) -> None:
    consumer.unacked.append(5)
    assert not await is_stalled(watch(consumer))


async def test_a_worker_whose_offsets_move_is_at_work(consumer: Consumer) -> None:
    offsets = count(5)

    def move() -> None:
        consumer._committed_offset[OURS] = next(offsets)

    assert not await is_stalled(watch(consumer, Clock(meanwhile=move)))


async def test_a_worker_that_moves_now_and_then_is_at_work(consumer: Consumer) -> None:
    clock = Clock()

    def move() -> None:
        if clock.now_s % (PATIENCE_S - 1) == 0:
            consumer._committed_offset[OURS] = 100 + int(clock.now_s)

    clock.meanwhile = move
    assert not await is_stalled(watch(consumer, clock))


async def test_waiting_for_the_first_trust_list_is_no_stall(consumer: Consumer) -> None:
    assert not await is_stalled(watch(consumer, trust_version=0))


async def test_a_broker_that_is_gone_is_no_stall(consumer: Consumer) -> None:
    consumer.answers = False
    assert not await is_stalled(watch(consumer))


async def test_what_retention_took_waits_for_nobody(consumer: Consumer) -> None:
    consumer.begins_at = 10
    assert not await is_stalled(watch(consumer))


async def test_a_partition_never_committed_waits_from_its_beginning(consumer: Consumer) -> None:
    consumer._committed_offset[OURS] = consumer.at = None
    consumer.begins_at = 2
    assert "8 records wait" in await watch(consumer).stalled()


async def test_a_worker_that_does_not_come_to_its_end_is_ended(consumer: Consumer) -> None:
    consumer.unacked.append(5)
    assert "stopping" in await watch(consumer, should_stop=True).stalled()


async def test_a_partition_that_came_with_a_rebalance_and_had_nothing_new_waits_for_nobody(
    consumer: Consumer,
) -> None:
    consumer._committed_offset[OURS], consumer.at = None, 10
    assert not await is_stalled(watch(consumer))


async def test_partitions_that_come_while_the_broker_is_asked_are_not_waited_for_yet(
    consumer: Consumer,
) -> None:
    consumer.gets = (TP("scans", 1),)
    clock = Clock()
    assert "records wait" in await watch(consumer, clock).stalled()
    assert clock.now_s >= 2 * PATIENCE_S, "the patience begins again"
