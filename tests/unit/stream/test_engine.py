"""The engine, whatever its source: it ends where the replay does, and loses nothing."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.item_state import KnownItem
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.errors import LedgerUnavailableError, LogUnavailableError
from authenticity.gs1.item import ItemId
from authenticity.records.batch import Batch, encode_batch
from authenticity.records.batch_registry import InBatch
from authenticity.records.dead_letter import DeadLetter
from authenticity.records.scan import Scan, encode_scan
from events.publisher import Record
from events.topics import BATCHES, SCANS, SCANS_DEAD, TRUST, Topic
from ledger.sqlite.store import SqliteStore
from simulation.two_makers import World
from stream import engine as engine_module
from stream.dead_letter_sinks import DeadLetterTopic, SourceRecord
from stream.engine import Engine, EngineLimits
from stream.step import updates_of
from tests.support.eventful import EVERYTHING, campaign, eventful, exported, replayed
from tests.support.examples import examples
from tests.support.new_ledger import make_ledger
from tests.support.patience import PATIENCE_S, wait_in_loop


class Ledger(SqliteStore):
    """A ledger that can be away. `down`: fail so many times.

    `asked_for_trust` counts the times it was asked whether there is a trust list.
    """

    def __init__(self, folder: Path) -> None:
        make_ledger(folder / "ledger.sqlite")
        super().__init__(folder / "ledger.sqlite")
        self.down = 0
        self.asked_for_trust = 0
        self.before_write: Callable[[], None] = lambda: None

    async def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        self._fail_if_down()
        return await super().known(items)

    async def write(self, *arguments: Any, **named: Any) -> set[ItemId]:
        self._fail_if_down()
        before, self.before_write = self.before_write, lambda: None
        before()
        return await super().write(*arguments, **named)

    async def accept_batches(self, *arguments: Any, **named: Any) -> None:
        self._fail_if_down()
        await super().accept_batches(*arguments, **named)

    async def trust_version(self) -> int:
        self.asked_for_trust += 1
        self._fail_if_down()
        return await super().trust_version()

    def _fail_if_down(self) -> None:
        if self.down:
            self.down -= 1
            raise LedgerUnavailableError("the ledger is away", next_step="wait")


class DeadLetterPublisher:
    """A publisher that keeps what it is given. `down`: refuse so many times."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.down = 0

    def publish(self, records: Sequence[Record]) -> "Future[None]":
        future: Future[None] = Future()
        if self.down:
            self.down -= 1
            future.set_exception(LogUnavailableError("no broker", next_step="wait"))
        else:
            self.records += records
            future.set_result(None)
        return future

    def close(self) -> None:
        pass

    @property
    def reasons(self) -> list[str]:
        assert all(record.topic is SCANS_DEAD for record in self.records)
        return [msgspec.json.decode(r.value, type=DeadLetter).reason for r in self.records]


LIMITS = EngineLimits(
    outage_s=PATIENCE_S, longest_pause_s=0.01, trust_poll_s=0.005, trust_patience_s=0.1
)


class Setting:
    """An engine over a ledger in a folder."""

    def __init__(self, folder: Path, world: World, limits: EngineLimits = LIMITS) -> None:
        self.folder = folder
        self.world = world
        self.ledger = Ledger(folder)
        self.published = DeadLetterPublisher()
        self.engine = self.another_engine(limits)

    def another_engine(self, limits: EngineLimits = LIMITS) -> Engine:
        return Engine(
            self.ledger, DeadLetterTopic(self.published), self.world.roots, DEFAULT_POLICY,
            limits, lambda: self.world.now,
        )  # fmt: skip

    async def trust(self) -> None:
        await self.engine.accept_trust_lists([received(TRUST, 0, self.world.trust_document)])

    async def reassess_all(self) -> None:
        while await self.engine.reassess_items() or await self.engine.assess_entities():
            pass

    async def close(self) -> None:
        await self.engine.close()


@pytest.fixture
async def setting(tmp_path: Path) -> Any:
    made = Setting(tmp_path, World(4))
    yield made
    await made.close()


SIGNING = World(4)


def received(topic: Topic, offset: int, value: bytes) -> SourceRecord:
    return SourceRecord(topic, 0, offset, b"key", value)


def scans_of(scans: Sequence[Scan]) -> list[SourceRecord]:
    return [received(SCANS, n, encode_scan(scan)) for n, scan in enumerate(scans)]


def batches_of(batches: Sequence[Batch], world: World = SIGNING) -> list[SourceRecord]:
    return [received(BATCHES, n, world.statement(batch)) for n, batch in enumerate(batches)]


@settings(max_examples=examples(20))
@given(
    order=st.permutations(range(EVERYTHING)),
    again=st.lists(st.integers(0, EVERYTHING - 1), max_size=6),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6),
)
def test_any_order_any_repeats_any_portions_end_equal_to_the_replay(
    order: list[int], again: list[int], sizes: list[int]
) -> None:
    world = World(4)
    scans, batches = eventful(world)
    scans += campaign(world)[0]
    everything = [*scans_of(scans), *batches_of(batches)]

    async def scenario(folder: Path) -> None:
        setting = Setting(folder, world)
        await setting.trust()
        sequence = [everything[n] for n in [*order, *again]]
        at = 0
        while at < len(sequence):
            portion = sequence[at : at + sizes[at % len(sizes)]]
            at += len(portion)
            await setting.engine.fold_scans([r for r in portion if r.topic is SCANS])
            await setting.engine.accept_batches([r for r in portion if r.topic is BATCHES])
            await setting.engine.reassess_items()
            if at % 2:
                await setting.engine.assess_entities()
        await setting.reassess_all()
        await setting.close()
        assert setting.published.records == []

    with TemporaryDirectory() as name:
        asyncio.run(scenario(Path(name)))
        assert exported(Path(name)) == replayed(world, scans, batches)


async def waits_for_a_trust_list(setting: Setting, work: "asyncio.Task[None]") -> None:
    """Return when the engine has asked in vain and asked again, or the work is over."""
    asked = setting.ledger.asked_for_trust
    await wait_in_loop(lambda: setting.ledger.asked_for_trust > asked + 1 or work.done())


async def test_scans_wait_for_the_first_trust_list(setting: Setting) -> None:
    scans, _ = eventful(setting.world)
    folding = asyncio.create_task(setting.engine.fold_scans(scans_of(scans)))
    await waits_for_a_trust_list(setting, folding)
    assert not folding.done()
    await setting.trust()
    await asyncio.wait_for(folding, PATIENCE_S)
    assert setting.engine.stats.scans == len(scans)


async def test_a_batch_that_overtook_its_trust_list_is_registered_all_the_same(
    setting: Setting,
) -> None:
    registering = asyncio.create_task(
        setting.engine.accept_batches(batches_of([setting.world.batch()]))
    )
    await waits_for_a_trust_list(setting, registering)
    assert not registering.done()
    await setting.trust()
    await asyncio.wait_for(registering, PATIENCE_S)
    _, version = await setting.ledger.batch_registry()
    assert version == 1
    assert setting.published.records == []


async def test_a_strangers_batch_becomes_a_dead_letter_after_a_while(setting: Setting) -> None:
    await setting.trust()
    stranger = replace_issuer(setting.world.batch())
    await setting.engine.accept_batches(batches_of([stranger, setting.world.batch()]))
    assert "does not hold the company prefix" in setting.published.reasons[0]
    _, version = await setting.ledger.batch_registry()
    assert version == 1


@pytest.mark.parametrize("kind", ["unsigned", "wrongly signed"])
async def test_a_statement_that_its_maker_did_not_sign_is_a_dead_letter_with_a_next_step(
    setting: Setting, kind: str
) -> None:
    world = setting.world
    recalled = world.batch(revision=2, status="recalled")
    raw = encode_batch(recalled)
    if kind == "wrongly signed":
        raw = world.statement(recalled, signer=world.stranger)
    await setting.trust()
    await setting.engine.accept_batches(batches_of([world.batch()]))
    await setting.engine.accept_batches([received(BATCHES, 9, raw)])
    [reason] = setting.published.reasons
    assert "sign it again: touchstone batches register" in reason
    registry, _ = await setting.ledger.batch_registry()
    assert registry.find(recalled.gtin, "L1", "281231", "S") == InBatch(world.batch())


async def test_the_maker_supersedes_what_a_stolen_key_stated_and_it_states_no_more(
    setting: Setting,
) -> None:
    world = setting.world
    thiefs = world.batch(revision=10_000_000, status="stolen")
    await setting.trust()
    await setting.engine.accept_batches(batches_of([world.batch(), thiefs]))
    revoked = world.next_trust_document(revoked={0: world.now})
    await setting.engine.accept_trust_lists([received(TRUST, 1, revoked)])
    own = world.statement(world.batch(), signer=world.successors[0])
    again = world.statement(thiefs, at=world.now - timedelta(days=9))
    await setting.engine.accept_batches([received(BATCHES, 3, own), received(BATCHES, 4, again)])
    assert "revoked" in setting.published.reasons[0]
    registry, _ = await setting.ledger.batch_registry()
    assert registry.find(thiefs.gtin, "L1", "281231", "S") == InBatch(world.batch())


def replace_issuer(batch: Batch) -> Batch:
    return msgspec.structs.replace(batch, issuer="somebody-else")


async def test_an_older_trust_list_becomes_a_dead_letter(setting: Setting) -> None:
    newer = setting.world.next_trust_document()
    await setting.engine.accept_trust_lists([received(TRUST, 0, newer)])
    await setting.trust()
    assert len(setting.published.reasons) == 1
    assert await setting.ledger.trust_list() == newer


async def test_bytes_that_are_no_scan_become_dead_letters_and_the_others_are_folded(
    setting: Setting,
) -> None:
    await setting.trust()
    scan = setting.world.scan(setting.world.code())
    junk = received(SCANS, 8, b"\xff\x00 junk")
    await setting.engine.fold_scans([*scans_of([scan]), junk])
    [sent] = [msgspec.json.decode(r.value, type=DeadLetter) for r in setting.published.records]
    assert (sent.topic, sent.partition, sent.offset, sent.bytes) == ("scans", 0, 8, 7)
    assert setting.engine.stats.scans == 1
    assert len(exported(setting.folder)) == 1


async def test_one_scan_that_breaks_the_program_takes_no_other_with_it(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await setting.trust()
    scans, _ = eventful(setting.world)
    poison = scans[4].scan_id

    def broken(checked: Any) -> Any:
        if any(one.scan.scan_id == poison for one in checked):
            raise ZeroDivisionError
        return updates_of(checked)

    monkeypatch.setattr(engine_module, "updates_of", broken)
    with caplog.at_level(logging.CRITICAL, "touchstone.stream"):
        await setting.engine.fold_scans(scans_of(scans))
    assert "ZeroDivisionError" in setting.published.reasons[0]
    assert setting.engine.stats.scans == len(scans) - 1


async def test_a_fault_that_meets_every_scan_stops_the_worker_instead_of_giving_all_up(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await setting.trust()

    def broken(_checked: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(engine_module, "updates_of", broken)
    scans, _ = eventful(setting.world)
    with (
        caplog.at_level(logging.CRITICAL, "touchstone.stream"),
        pytest.raises(ZeroDivisionError),
    ):
        await setting.engine.fold_scans(scans_of(scans) * 2)
    assert setting.published.records == []


async def test_signatures_are_checked_while_what_came_before_is_written(setting: Setting) -> None:
    await setting.trust()
    scans, _ = eventful(setting.world)
    written = asyncio.Event()
    write = setting.ledger.write

    async def slow_write(*arguments: Any, **named: Any) -> set[ItemId]:
        await written.wait()
        return await write(*arguments, **named)

    setting.ledger.write = slow_write  # type: ignore[method-assign]
    first = asyncio.create_task(setting.engine.fold_scans(scans_of(scans[:1])))
    second = asyncio.create_task(setting.engine.fold_scans(scans_of(scans[1:])))
    await wait_in_loop(lambda: setting.engine._verifier.misses > 1)
    assert not first.done()
    written.set()
    await asyncio.wait_for(asyncio.gather(first, second), PATIENCE_S)
    assert exported(setting.folder) == replayed(setting.world, scans, [])


async def test_an_outage_is_waited_through(setting: Setting) -> None:
    await setting.trust()
    scans, batches = eventful(setting.world)
    setting.ledger.down = 3
    await setting.engine.fold_scans(scans_of(scans))
    setting.ledger.down = 2
    await setting.engine.accept_batches(batches_of(batches))
    await setting.reassess_all()
    assert exported(setting.folder) == replayed(setting.world, scans, batches)


async def test_an_outage_that_lasts_is_raised_before_anything_is_acknowledged(
    tmp_path: Path,
) -> None:
    setting = Setting(tmp_path, World(4), replace(LIMITS, outage_s=0.05))
    await setting.trust()
    setting.ledger.down = 1_000_000
    with pytest.raises(LedgerUnavailableError):
        await setting.engine.fold_scans(scans_of(eventful(setting.world)[0]))
    assert setting.engine.stats.scans == 0
    await setting.close()


async def test_a_dead_letter_that_cannot_be_written_is_tried_again(setting: Setting) -> None:
    await setting.trust()
    setting.published.down = 2
    await setting.engine.fold_scans([received(SCANS, 0, b"junk")])
    assert len(setting.published.records) == 1


async def test_items_in_conflict_are_folded_again_with_what_the_other_writer_wrote(
    setting: Setting,
) -> None:
    await setting.trust()
    scans, _ = eventful(setting.world)
    other = setting.another_engine()

    def somebody_else_writes() -> None:
        with asyncio.Runner() as runner:
            runner.run(other.fold_scans(scans_of(scans[::2])))

    def in_a_thread() -> None:
        import threading

        thread = threading.Thread(target=somebody_else_writes)
        thread.start()
        thread.join()

    setting.ledger.before_write = in_a_thread
    await setting.engine.fold_scans(scans_of(scans[1::2] + scans[:3]))
    other.close_threads()
    assert setting.engine.stats.conflicts > 0
    assert exported(setting.folder) == replayed(setting.world, scans, [])


async def test_a_requests_trace_can_be_followed_to_the_fold(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    await setting.trust()
    traced = received(SCANS, 7, encode_scan(setting.world.scan(setting.world.code())))
    trace = f"00-{'7' * 32}-{'1' * 16}-00"
    with caplog.at_level(logging.DEBUG, "touchstone.stream"):
        await setting.engine.fold_scans([traced._replace(trace=trace), traced])
    (line,) = [record for record in caplog.records if "folded" in record.message]
    assert "offset 7" in line.message
    assert line.__dict__["trace"] == trace
