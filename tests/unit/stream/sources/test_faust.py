"""What the shell does by hand with Faust's queue, rule by rule; no broker is needed for it.

That these rules are the right ones is tested with faults, on a real Kafka.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.events import Event
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from events.kafka.settings import KafkaSettings
from events.topics import BATCHES, SCANS
from stream.dead_letter_sinks import SourceRecord
from stream.engine_stats import EngineStats
from stream.sources.faust import acknowledge
from stream.sources.faust.acknowledge import Bulk
from stream.sources.faust.app import build_app
from stream.sources.faust.compat import PINNED
from stream.sources.faust.intake import Intake
from stream.sources.faust.settings import WorkerSettings
from tests.support.patience import ASKED_EVERY_S, wait_in_loop

GENERATION = 7
HERE = TP("scans", 0)
THERE = TP("trust", 0)


class TakingEverything:
    """An engine that only remembers what it was handed."""

    def __init__(self) -> None:
        self.taken: list[list[int]] = []
        self.stats = EngineStats()
        self.fails = False
        self.trusts = True
        self.asked_for_trust = 0

    async def wait_for_trust_list(self) -> None:
        while not self.trusts:
            self.asked_for_trust += 1
            await asyncio.sleep(ASKED_EVERY_S)

    async def fold_scans(self, records: Sequence[SourceRecord]) -> None:
        if self.fails:
            raise RuntimeError("the disk is gone")
        self.taken.append([record.offset for record in records])

    accept_batches = accept_trust_lists = fold_scans


@pytest.mark.parametrize("distribution", PINNED)
def test_what_is_private_to_others_is_of_the_versions_it_was_read_in(distribution: str) -> None:
    assert version(distribution) == PINNED[distribution]


@pytest.fixture
def engine() -> TakingEverything:
    return TakingEverything()


@pytest.fixture
async def app(tmp_path: Path, engine: TakingEverything) -> AsyncIterator[Any]:
    built = build_app(
        WorkerSettings(linger_s=0.0), KafkaSettings(("127.0.0.1:9",)), engine, tmp_path
    )
    built.consumer_generation_id = GENERATION
    built.flow_control.resume()
    yield built
    consumer: Any = built.consumer
    consumer._thread.thread_loop.close()


def event(app: Any, offset: int, generation: int = GENERATION) -> Any:
    message = ConsumerMessage(
        "scans", 0, offset, 0.0, 0, None, b"key", b"value", None, tp=HERE, generation_id=generation
    )
    message.incref()
    return Event(app, b"key", b"value", None, message)


def bulk_of(app: Any, events: Sequence[Any], at_once: int = 100) -> Bulk:
    queue = app.FlowControlQueue(maxsize=1_000, clear_on_resume=True)
    for one in events:
        queue.force_put_nowait(one)
    return Bulk(app, queue, at_once, 0.0)


async def test_all_that_waits_is_taken_in_order_up_to_the_bound(app: Any) -> None:
    bulk = bulk_of(app, [event(app, offset) for offset in range(5)], at_once=3)
    taken = [await bulk.next(), await bulk.next()]
    assert [[e.message.offset for e in some] for some in taken] == [[0, 1, 2], [3, 4]]


async def test_a_record_of_an_earlier_assignment_is_passed_over_and_never_acknowledged(
    app: Any,
) -> None:
    stale = event(app, 4, generation=GENERATION - 1)
    bulk = bulk_of(app, [stale, event(app, 5)])
    assert [e.message.offset for e in await bulk.next()] == [5]
    assert not stale.message.acked
    assert stale.message not in app.consumer.unacked, "no rebalance may wait for it"


async def test_nothing_is_begun_while_a_rebalance_is_under_way(app: Any) -> None:
    waiting = event(app, 4)
    bulk = bulk_of(app, [waiting])
    app.flow_control.suspend()
    assert await bulk.next() == []
    assert not waiting.message.acked
    assert not app.consumer.unacked


async def test_a_rebalance_waits_for_what_has_been_begun(app: Any) -> None:
    begun = event(app, 4)
    bulk = bulk_of(app, [begun])
    await bulk.next()
    assert set(app.consumer.unacked) == {begun.message}


async def test_records_are_acknowledged_only_after_the_engine_has_taken_them_in_order(
    app: Any, engine: TakingEverything, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[tuple[int, int]] = []
    ack = ConsumerMessage.ack

    def recorded(message: Any, *arguments: Any, **named: Any) -> bool:
        acknowledged.append((message.offset, len(engine.taken)))
        return ack(message, *arguments, **named)

    monkeypatch.setattr(ConsumerMessage, "ack", recorded)

    async with app.agents["touchstone-scans"].test_context() as running:
        queue = running.stream().channel.queue
        for offset in range(3):
            queue.force_put_nowait(event(app, offset))
        await wait_in_loop(lambda: len(acknowledged) == 3)
    assert engine.taken == [[0, 1, 2]]
    assert acknowledged == [(0, 1), (1, 1), (2, 1)]


async def test_records_that_are_ready_early_are_acknowledged_after_those_before_them(
    app: Any, engine: TakingEverything, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[int] = []
    ack = ConsumerMessage.ack

    def recorded(message: Any, *arguments: Any, **named: Any) -> bool:
        acknowledged.append(message.offset)
        return ack(message, *arguments, **named)

    monkeypatch.setattr(ConsumerMessage, "ack", recorded)
    ready = asyncio.Event()

    async def slow_at_first(records: Sequence[SourceRecord]) -> None:
        if records[0].offset == 0:
            await ready.wait()
        engine.taken.append([record.offset for record in records])

    most = acknowledge.Most(at_once=2, in_hand=2)
    acknowledge.add_agent(app, SCANS, slow_at_first, most, 0.0, None)
    agent = app.agents[f"touchstone-{SCANS.name}"]
    async with agent.test_context() as running:
        queue = running.stream().channel.queue
        for offset in range(4):
            queue.force_put_nowait(event(app, offset))
        await wait_in_loop(lambda: [2, 3] in engine.taken)
        assert acknowledged == []
        ready.set()
        await wait_in_loop(lambda: len(acknowledged) == 4)
    assert acknowledged == [0, 1, 2, 3]


async def test_before_the_first_trust_list_nothing_is_begun_that_a_rebalance_would_wait_for(
    app: Any, engine: TakingEverything
) -> None:
    engine.trusts = False
    async with app.agents["touchstone-scans"].test_context() as running:
        running.stream().channel.queue.force_put_nowait(event(app, 0))
        await wait_in_loop(lambda: engine.asked_for_trust > 1 or engine.taken)
        assert not app.consumer.unacked
        assert not engine.taken
        engine.trusts = True
        await wait_in_loop(lambda: engine.taken)


async def test_a_worker_that_cannot_keep_a_record_ends_before_it_acknowledges(
    app: Any, engine: TakingEverything, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []

    def end(code: int) -> None:
        ended.append(code)
        raise SystemExit(code)

    monkeypatch.setattr("os._exit", end)
    engine.fails = True
    first = event(app, 0)
    with pytest.raises(SystemExit):
        await acknowledge.take_and_acknowledge(engine.fold_scans, SCANS, [first], None)
    assert ended == [acknowledge.GIVEN_UP]
    assert not first.message.acked


class Fetching:
    """A partition as aiokafka reads it: it has these offsets, and a position that moves on
    with each fetch, whatever becomes of what was fetched."""

    def __init__(self, app: Any, offsets: Sequence[int], *, committed: int | None = None) -> None:
        self.app = app
        self.offsets = list(offsets)
        self.committed = committed
        self.position = 0
        self.at_once = 100
        self.meanwhile: Any = lambda: None
        self.sought = 0
        self.asked: list[set[TP]] = []

    async def getmany(self, *, active_partitions: set[TP], timeout: float) -> Any:
        self.asked.append(active_partitions)
        self.meanwhile()
        if HERE not in active_partitions:
            return {}
        some = [offset for offset in self.offsets if offset >= self.position][: self.at_once]
        if not some:
            return {}
        self.position = some[-1] + 1
        return {HERE: [_fetched(offset) for offset in some]}

    async def perform_seek(self) -> None:
        self.sought += 1
        self.app.consumer._read_offset[HERE] = self.committed
        if self.committed:
            self.app.consumer._committed_offset[HERE] = self.position = self.committed

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def seek_wait(self, positions: dict[TP, int]) -> None:
        self.position = positions[HERE]


def _fetched(offset: int) -> Any:
    return SimpleNamespace(
        topic="scans", partition=0, offset=offset, timestamp=0, timestamp_type=0, headers=(),
        key=b"key", value=b"value", checksum=None, serialized_key_size=3,
        serialized_value_size=5,
    )  # fmt: skip


@pytest.mark.parametrize(("clock", "appended_s"), [(0, None), (1, 1_700_000_000.25)])
def test_when_a_record_arrived_is_taken_from_the_broker_s_clock_alone(
    clock: int, appended_s: float | None
) -> None:
    message = ConsumerMessage("batches", 0, 3, 1_700_000_000.25, clock, [], b"key", b"value", None)
    assert acknowledge._received(BATCHES, SimpleNamespace(message=message)).appended_s == appended_s


async def intake_of(
    app: Any, fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> tuple[Intake, Any]:
    consumer = app.consumer
    consumer.resume_flow()
    consumer._set_active_tps({HERE, THERE})
    monkeypatch.setattr(consumer, "_getmany", fetching.getmany)
    for name in ("perform_seek", "earliest_offsets", "seek_wait"):
        monkeypatch.setattr(consumer, name, getattr(fetching, name))
    monkeypatch.setattr(consumer, "assignment", lambda: {HERE})
    channel = app.topic("scans", key_type=bytes, value_type=bytes).clone(is_iterator=True)
    app.topics._tp_index[HERE] = {channel}
    app.topics._topics.add(channel)
    intake = Intake(consumer, SimpleNamespace(_stopped=asyncio.Event()), 100)
    await intake.fetch_and_hand_over()  # goes back to what is committed
    return intake, channel.queue


def offsets_in(queue: Any) -> list[int]:
    return [queue.get_nowait().message.offset for _ in range(queue.qsize())]


async def test_a_fetch_is_handed_over_whole_and_in_order(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake, queue = await intake_of(app, Fetching(app, [3, 4, 5], committed=3), monkeypatch)
    await intake.fetch_and_hand_over()
    assert offsets_in(queue) == [3, 4, 5]


@pytest.mark.parametrize("committed", [None, 3])
async def test_what_was_fetched_before_a_rebalance_is_fetched_again_after_it(
    app: Any, monkeypatch: pytest.MonkeyPatch, committed: int | None
) -> None:
    fetching = Fetching(app, range(6), committed=committed)

    def rebalance() -> None:
        app.consumer_generation_id = GENERATION + 1

    intake, queue = await intake_of(app, fetching, monkeypatch)
    fetching.meanwhile = rebalance
    await intake.fetch_and_hand_over()
    assert queue.empty()
    assert not app.consumer._gap[HERE], "or what was dropped would be committed unseen"
    fetching.meanwhile = lambda: None
    await intake.fetch_and_hand_over()
    assert (fetching.sought, queue.qsize()) == (2, 0)
    await intake.fetch_and_hand_over()
    assert offsets_in(queue) == list(range(committed or 0, 6))


@pytest.mark.parametrize("committed", [None, 3])
async def test_what_was_fetched_into_a_rebalance_is_fetched_again_after_it(
    app: Any, monkeypatch: pytest.MonkeyPatch, committed: int | None
) -> None:
    """It may have been taken after the new assignment's own seek, before the flow went on."""
    fetching = Fetching(app, range(6), committed=committed)

    def rebalance() -> None:
        app.flow_control.suspend()
        app.consumer.stop_flow()
        app.consumer_generation_id = GENERATION + 1

    intake, queue = await intake_of(app, fetching, monkeypatch)
    fetching.meanwhile = rebalance
    await intake.fetch_and_hand_over()
    assert queue.empty()
    app.flow_control.resume()
    app.consumer.resume_flow()
    fetching.meanwhile = lambda: None
    await intake.fetch_and_hand_over()
    await intake.fetch_and_hand_over()
    assert offsets_in(queue) == list(range(committed or 0, 6))


async def test_records_that_somebody_took_and_dropped_are_gone_back_for(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a fetch is still under way in Kafka's thread though nobody waits for it."""
    fetching = Fetching(app, range(9))
    intake, queue = await intake_of(app, fetching, monkeypatch)
    fetching.at_once = 3
    await intake.fetch_and_hand_over()
    await fetching.getmany(active_partitions={HERE}, timeout=0.0)
    for _ in range(5):
        await intake.fetch_and_hand_over()
    assert sorted(set(offsets_in(queue))) == list(range(9))


async def test_offsets_that_compaction_took_do_not_hold_up_the_commit(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not within a fetch, nor between two."""
    fetching = Fetching(app, [3, 7, 8, 12], committed=3)
    intake, queue = await intake_of(app, fetching, monkeypatch)
    app.topics._acking_topics.add("scans")
    fetching.at_once = 3
    for _ in range(2):  # the second time the consumer goes on with 12, which is doubted
        await intake.fetch_and_hand_over()
        while not queue.empty():
            queue.get_nowait().ack()
    fetching.committed = app.consumer._new_offset(HERE)
    assert fetching.committed == 9
    for _ in range(4):  # back to 9; once more 12, so there is nothing between
        await intake.fetch_and_hand_over()
    assert offsets_in(queue) == [12]
    assert app.consumer._gap[HERE].overlaps(11)


async def test_a_full_stream_holds_up_no_other(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fetching = Fetching(app, [3, 4, 5], committed=3)
    intake, queue = await intake_of(app, fetching, monkeypatch)
    for offset in range(100):
        queue.force_put_nowait(event(app, offset))
    await intake.fetch_and_hand_over()
    assert fetching.asked == [{THERE}]
    assert queue.qsize() == 100
    queue.get_nowait()
    await intake.fetch_and_hand_over()
    assert fetching.asked[-1] == {HERE, THERE}
