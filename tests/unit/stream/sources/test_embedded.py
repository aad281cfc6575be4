"""The engine in one process: whatever order and company scans come in, the replay's end."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.errors import LedgerUnavailableError
from authenticity.records.batch import Batch
from authenticity.records.dead_letter import kept_bytes
from authenticity.records.scan import Scan, encode_scan
from events.embedded.log import EmbeddedLog, LogLimits
from events.publisher import Record
from events.topics import BATCHES, SCANS, TRUST, TRUST_KEY, Topic, batch_key
from ledger.administration import LedgerAdministration, Snapshot
from ledger.opening import open_store
from simulation.two_makers import GTINS, World
from stream.sources.embedded import ENGINE_LIMITS, EmbeddedSource, SourceLimits
from stream.step import updates_of
from tests.support.eventful import (
    EVERYTHING,
    KINDS,
    campaign,
    eventful,
    exported,
    kinds_of,
    replayed,
)
from tests.support.examples import examples
from tests.support.new_ledger import make_ledger
from tests.support.patience import wait_until


@contextmanager
def an_engine(folder: Path, world: World, **limits: Any) -> Iterator[EmbeddedSource]:
    """`limits` of the source, and of its engine."""
    make_ledger(folder / "ledger.sqlite")
    of_source = {name: limits[name] for name in limits if hasattr(SourceLimits, name)}
    of_engine = {name: limits[name] for name in limits if name not in of_source}
    engine = EmbeddedSource(
        EmbeddedLog(folder / "log.sqlite"),
        open_store(folder / "ledger.sqlite"),
        world.roots,
        DEFAULT_POLICY,
        SourceLimits(idle_s=0.001, **of_source),
        replace(ENGINE_LIMITS, **of_engine),
        lambda: world.now,
    )
    yield engine
    engine.stop() if engine.running else engine.close()


SIGNING = World(4)


def records(*values: Scan | Batch | bytes, world: World = SIGNING) -> list[Record]:
    made = []
    for value in values:
        match value:
            case Scan():
                made.append(Record(SCANS, b"scan", encode_scan(value)))
            case Batch():
                made.append(Record(BATCHES, batch_key(value), world.statement(value)))
            case bytes():
                made.append(Record(TRUST, TRUST_KEY, value))
    return made


def drain(engine: EmbeddedSource) -> None:
    while engine.run_round():
        pass


@settings(max_examples=examples(15))
@given(
    order=st.permutations(range(EVERYTHING)),
    again=st.lists(st.integers(0, EVERYTHING - 1), max_size=6),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6),
)
def test_any_order_any_repeats_any_rounds_end_equal_to_the_replay(
    order: list[int], again: list[int], sizes: list[int]
) -> None:
    world = World(4)
    scans, batches = eventful(world)
    scans += campaign(world)[0]
    everything = records(*scans, *batches)
    assert len(everything) == EVERYTHING
    sequence = [everything[n] for n in [*order, *again]]
    with TemporaryDirectory() as name, an_engine(Path(name), world, scans_at_once=3) as engine:
        engine.log.append(records(world.trust_document))
        at = 0
        while at < len(sequence):
            size = sizes[at % len(sizes)]
            engine.log.append(sequence[at : at + size])
            engine.run_round()
            at += size
        drain(engine)
        found = exported(Path(name))
        assert found == replayed(world, scans, batches)
        assert engine.stats.dead_letters == 0
    assert kinds_of(found) == set(KINDS), "the scene is as eventful as it says"


def test_the_same_log_folded_again_changes_nothing_and_tells_nobody_twice(tmp_path: Path) -> None:
    world = World(4)
    scans, batches = eventful(world)
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.trust_document, *batches, *scans))
        drain(engine)
        before = exported(tmp_path)
        feed = LedgerAdministration(tmp_path / "ledger.sqlite")
        engine.log.append(records(*scans, *batches))
        drain(engine)
        with Snapshot(tmp_path / "ledger.sqlite") as ledger:
            assert {alert.version for alert in ledger.alerts()} == {1}
        feed.close()
    assert exported(tmp_path) == before


def test_a_new_log_in_the_place_of_the_old_is_read_from_its_beginning(tmp_path: Path) -> None:
    world = World(4)
    scans, batches = eventful(world)
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.trust_document, *batches, *scans[:9]))
        drain(engine)
    for file in tmp_path.glob("log.sqlite*"):
        file.unlink()
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(*scans[9:]))
        drain(engine)
    assert exported(tmp_path) == replayed(world, scans, batches)


def test_a_batch_rests_on_the_newest_list_before_it_however_many_were_waiting(
    tmp_path: Path,
) -> None:
    world = World(4)
    first = replace(world.trust_list, issuers=world.trust_list.issuers[:1])
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.sign_trust_list(first), world.next_trust_document()))
        engine.log.append(records(world.batch(maker=1), world.scan(world.code(maker=1))))
        drain(engine)
        assert engine.stats.dead_letters == 0
        batch_registry, _ = asyncio.run(engine.engine.ledger.batch_registry())
        assert batch_registry.find(GTINS[1], "L1", "281231", "S") is not None
    [line] = exported(tmp_path)
    assert b'"verified"' in line


def test_a_list_and_a_batch_published_within_one_round_are_understood_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(4)
    first = replace(world.trust_list, issuers=world.trust_list.issuers[:1])
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.sign_trust_list(first)))
        drain(engine)
        late = [records(world.next_trust_document()), records(world.batch(maker=1))]
        read = engine.log.read

        def meanwhile(topic: Topic, *values: Any) -> Any:
            while topic is BATCHES and late:
                engine.log.append(late.pop(0))
            return read(topic, *values)

        monkeypatch.setattr(engine.log, "read", meanwhile)
        drain(engine)
        assert engine.stats.dead_letters == 0
        assert engine.stats.trust_version == 2


def test_a_list_that_another_engine_has_passed_already_is_no_dead_letter_of_this_one(
    tmp_path: Path,
) -> None:
    world = World(4)
    with an_engine(tmp_path, world) as one, an_engine(tmp_path, world) as other:
        one.run_round()
        other.log.append(records(world.trust_document, world.next_trust_document()))
        drain(other)
        drain(one)
        assert (one.stats.trust_version, one.stats.dead_letters) == (2, 0)


def test_after_the_roots_were_replaced_scans_wait_for_a_list_that_the_new_ones_signed(
    tmp_path: Path,
) -> None:
    old, new = World(4), World(5)
    scan = new.scan(new.code())
    with an_engine(tmp_path, old) as engine:
        engine.log.append(records(old.trust_document))
        drain(engine)
    with an_engine(tmp_path, new) as engine:
        engine.log.append(records(scan))
        drain(engine)
        assert exported(tmp_path) == []
        engine.log.append(records(new.next_trust_document()))
        drain(engine)
        assert engine.stats.scans == 1


def test_scans_nested_deeper_than_the_reader_goes_are_dead_letters_and_stop_nothing(
    tmp_path: Path,
) -> None:
    world = World(4)
    good = world.scan(world.code())
    deep = encode_scan(good)[:-1] + b',"x":' + b"[" * 7_000 + b"]" * 7_000 + b"}"
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.trust_document))
        engine.log.append([*[Record(SCANS, b"k", deep)] * 50, *records(good)])
        drain(engine)
        assert engine.stats.dead_letters == 50
    assert exported(tmp_path) == replayed(world, [good], [])


def test_a_passed_log_is_pruned_until_nothing_more_may_go(tmp_path: Path) -> None:
    world = World(4)
    with an_engine(tmp_path, world, prune_every_s=0) as engine:
        engine.log.limits = LogLimits(kept_days=-1, pruned_at_once=10)
        engine.log.append(records(world.trust_document, *[world.scan("text")] * 45))
        drain(engine)
        for _ in range(5):
            engine.run_round()
        assert engine.log.read(SCANS, 0, 1) == []


def test_nothing_is_pruned_that_a_ledger_might_need_again_after_lost_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> bool:
        return False

    world = World(4)
    with an_engine(tmp_path, world, prune_every_s=0) as engine:
        monkeypatch.setattr(engine.engine.ledger, "is_durable", never)
        engine.log.limits = LogLimits(kept_days=-1)
        engine.log.append(records(world.trust_document, world.scan("text")))
        drain(engine)
        engine.run_round()
        assert len(engine.log.read(SCANS, 0, 9)) == 1


def test_one_scan_that_breaks_the_program_is_a_dead_letter_and_its_neighbours_are_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(4)
    scans = [world.scan(world.code()) for _ in range(5)]

    def breaking(checked: Any) -> Any:
        entries = list(checked)
        if any(entry.scan == scans[2] for entry in entries):
            raise ZeroDivisionError("a bug")
        return updates_of(entries)

    monkeypatch.setattr("stream.engine.updates_of", breaking)
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.trust_document, *scans))
        drain(engine)
    assert exported(tmp_path) == replayed(world, [*scans[:2], *scans[3:]], [])
    administration = LedgerAdministration(tmp_path / "ledger.sqlite")
    [stored] = administration.dead_letters()
    administration.close()
    assert kept_bytes(stored.dead_letter) == encode_scan(scans[2])
    assert "a bug" in stored.dead_letter.reason


def test_a_program_that_fails_on_every_scan_stops_instead_of_giving_them_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(4)
    scans = [world.scan(world.code()) for _ in range(60)]

    def broken(_checked: Any) -> Any:
        raise ZeroDivisionError("a bug everywhere")

    monkeypatch.setattr("stream.engine.updates_of", broken)
    with an_engine(tmp_path, world, poison_at_once=5) as engine:
        engine.log.append(records(world.trust_document, *scans))
        engine.run()
        assert engine.stats.failure is not None
    monkeypatch.undo()
    administration = LedgerAdministration(tmp_path / "ledger.sqlite")
    assert len(administration.dead_letters()) == 5
    administration.close()
    with an_engine(tmp_path, world) as engine:
        drain(engine)
    assert exported(tmp_path) == replayed(world, scans[5:], [])


def test_an_outage_of_the_ledger_is_waited_out_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(4)
    scans, batches = eventful(world)
    with an_engine(tmp_path, world, longest_pause_s=0.05) as engine:
        write = engine.engine.ledger.write
        failures = iter(range(4))

        async def failing(*values: Any, **named: Any) -> Any:
            if next(failures, None) is not None:
                raise LedgerUnavailableError("database or disk is full", next_step="make room")
            return await write(*values, **named)

        monkeypatch.setattr(engine.engine.ledger, "write", failing)
        engine.log.append(records(world.trust_document, *batches, *scans))
        engine.start()
        wait_until(lambda: engine.stats.scans >= len(scans))
        engine.stop()
        assert engine.stats.failure is None
    assert exported(tmp_path) == replayed(world, scans, batches)


def test_an_outage_that_outlasts_the_limit_ends_the_engine_before_the_position_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(4)
    scans, _ = eventful(world)

    async def gone(*_: Any, **__: Any) -> Any:
        raise LedgerUnavailableError("disk I/O error", next_step="look at the disk")

    with an_engine(tmp_path, world, outage_s=0.2, longest_pause_s=0.05) as engine:
        monkeypatch.setattr(engine.engine.ledger, "write", gone)
        engine.log.append(records(world.trust_document, *scans))
        engine.run()
        assert engine.stats.failure == "disk I/O error"
    with an_engine(tmp_path, world) as engine:
        drain(engine)
    assert exported(tmp_path) == replayed(world, scans, [])


def test_stopping_folds_what_is_waiting(tmp_path: Path) -> None:
    world = World(4)
    scans = [world.scan(world.code()) for _ in range(400)]
    with an_engine(tmp_path, world, scans_at_once=50) as engine:
        engine.log.append(records(world.trust_document, *scans))
        engine.start()
        engine.stop()
        assert not engine.running
    assert exported(tmp_path) == replayed(world, scans, [])


def test_two_engines_on_one_ledger_give_back_conflicts_and_end_equal_to_the_replay(
    tmp_path: Path,
) -> None:
    world = World(4)
    codes = [world.code() for _ in range(12)]
    scans = [world.scan(code, minutes=n) for n in range(25) for code in codes]
    with (
        an_engine(tmp_path, world, scans_at_once=7) as one,
        an_engine(tmp_path, world, scans_at_once=11) as other,
    ):
        one.log.append(records(world.trust_document, world.batch(), *scans))
        threads = [threading.Thread(target=drain, args=(engine,)) for engine in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert exported(tmp_path) == replayed(world, scans, [world.batch()])
