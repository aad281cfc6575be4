"""Batches and scanners in both engines: raised, retracted, and in the end as in the replay."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.gs1.item import EntityId, batch_entity, is_about_custodian
from authenticity.records.batch import Batch
from authenticity.trust.trust_list import read_trust_list
from ledger.administration import Snapshot
from ledger.protocols import Pending
from simulation.two_makers import GTINS, World
from stream.outbox import Leader
from stream.sources.embedded import EmbeddedSource
from tests.support.eventful import campaign, eventful, exported, kinds_of, replayed
from tests.unit.stream.sources.test_embedded import an_engine, drain, records
from tests.unit.stream.test_engine import LIMITS, Setting, batches_of, scans_of

SUBJECT = batch_entity(GTINS[0], "C1")


def campaign_alert(folder: Path) -> Alert | None:
    """About the batch, as it stands in the ledger; the shop where all of it was has the same."""
    with Snapshot(folder / "ledger.sqlite") as ledger:
        assert ledger.pending_entities() == 0
        found = [alert for alert in ledger.alerts() if alert.kind is FindingKind.CAMPAIGN]
    if not found:
        return None
    of_batch, of_shop = sorted(found, key=lambda alert: alert.item)
    assert EntityId(of_batch.item) == SUBJECT
    assert is_about_custodian(EntityId(of_shop.item))
    assert (of_batch.version, of_batch.retracted) == (of_shop.version, of_shop.retracted)
    return of_batch


def under_a_revoked_key(world: World) -> tuple[Batch, Batch]:
    """From now on this world's first key is revoked, since yesterday. A batch registered
    before that, which is believed all the same; and a later statement that it was not."""
    yesterday = world.now - timedelta(days=1)
    world.trust_document = world.next_trust_document(revoked={0: yesterday})
    world.trust_list = read_trust_list(world.trust_document, world.roots, at=world.now)
    before = world.batch(batch_id="c", lot="C1")
    return before, msgspec.structs.replace(before, revision=2, registered_at=world.now)


def test_late_scans_that_explain_a_campaign_retract_it(tmp_path: Path) -> None:
    world = World(4)
    scans, late = campaign(world)
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.trust_document, *scans))
        drain(engine)
        raised = campaign_alert(tmp_path)
        assert raised is not None
        assert (raised.version, raised.retracted) == (1, False)
        assert exported(tmp_path) == replayed(world, scans, [])
        assert "campaign" in kinds_of(exported(tmp_path))
        engine.log.append(records(*late))
        drain(engine)
    gone = campaign_alert(tmp_path)
    assert gone is not None
    assert (gone.version, gone.retracted) == (2, True)
    assert exported(tmp_path) == replayed(world, [*scans, *late], [])


def test_a_campaign_comes_and_goes_with_what_is_declared_of_the_batch(tmp_path: Path) -> None:
    world = World(4)
    believed, not_believed = under_a_revoked_key(world)
    scans, _ = campaign(world)
    with an_engine(tmp_path, world, items_reassessed_at_once=2) as engine:
        engine.log.append(records(world.trust_document, *scans))
        drain(engine)
        assert campaign_alert(tmp_path) is None
        for batch, retracted, version in ((believed, False, 1), (not_believed, True, 2)):
            engine.log.append(records(batch, world=world))
            drain(engine)
            alert = campaign_alert(tmp_path)
            assert alert is not None
            assert (alert.retracted, alert.version) == (retracted, version)
            assert exported(tmp_path) == replayed(world, scans, [batch])


def test_the_same_scans_again_make_no_entity_pending(tmp_path: Path) -> None:
    world = World(4)
    scans, _ = campaign(world)
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.trust_document, *scans))
        drain(engine)
        before = campaign_alert(tmp_path)
        engine.log.append(records(*reversed(scans)))
        engine.run_round()
        assert asyncio.run(engine.engine.ledger.next_pending(9)) is None
        assert campaign_alert(tmp_path) == before


def test_a_scanner_is_told_in_the_feed_and_prints_as_an_alert(tmp_path: Path) -> None:
    world = World(4)
    probing = [world.scan(world.forged_code(), session="prober") for _ in range(12)]
    with an_engine(tmp_path, world) as engine:
        engine.log.append(records(world.trust_document, *probing))
        drain(engine)
    lines = exported(tmp_path)
    assert lines == replayed(world, probing, [])
    assert sum(b'"item":"urn:touchstone:scanner:s' in line for line in lines) == 1


@pytest.mark.parametrize("written", [False, True], ids=["before-the-write", "after-it"])
def test_an_engine_killed_at_any_write_leaves_what_the_next_one_brings_to_the_same_end(
    tmp_path: Path, *, written: bool
) -> None:
    world = World(4)
    scans, late = campaign(world, items=3)
    steps = [records(world.trust_document, *scans), records(world.batch(lot="C1"), *late)]
    expected = replayed(world, [*scans, *late], [world.batch(lot="C1")])
    for survived in range(40):
        folder = tmp_path / str(survived)
        folder.mkdir()
        killed = False
        for step in steps:
            with an_engine(folder, world, scans_at_once=3, entities_every_s=0) as engine:
                engine.log.append(step)
                if not killed:
                    killed = _drain_until_killed(engine, survived, written=written)
            with an_engine(folder, world) as engine:
                drain(engine)
        assert exported(folder) == expected
        if not killed:
            break
    assert not killed
    assert survived >= 4, "the folds and the assessments are among them"


class _Killed(BaseException):
    """Not to be met by anything."""


def _drain_until_killed(engine: EmbeddedSource, survived: int, *, written: bool) -> bool:
    """Whether it came to that: so many writes go well."""
    ledger: Any = engine.engine.ledger
    write, left = ledger.write, iter(range(survived))

    async def deadly(*values: Any, **named: Any) -> Any:
        if next(left, None) is None:
            if written:
                await write(*values, **named)
            raise _Killed
        return await write(*values, **named)

    ledger.write = deadly
    try:
        drain(engine)
    except _Killed:
        return True
    return False


def test_while_scans_keep_coming_entities_are_assessed_now_and_then_and_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(4)
    scans, _ = campaign(world)
    with an_engine(tmp_path, world, scans_at_once=1, entities_every_s=3_600) as engine:
        asked: list[int] = []
        next_pending = engine.engine.ledger.next_pending

        async def counted(limit: int) -> Pending | None:
            asked.append(limit)
            return await next_pending(limit)

        monkeypatch.setattr(engine.engine.ledger, "next_pending", counted)
        engine.log.append(records(world.trust_document, *scans))
        drain(engine)
        assert 0 < len(asked) < 4
    assert exported(tmp_path) == replayed(world, scans, [])


def test_two_engines_on_one_ledger_assess_the_same_entities_and_end_equal_to_the_replay(
    tmp_path: Path,
) -> None:
    world = World(4)
    scans, late = campaign(world, items=9)
    noise, batches = eventful(world)
    limits = {"scans_at_once": 5, "entities_every_s": 0.0}
    with an_engine(tmp_path, world, **limits) as one, an_engine(tmp_path, world, **limits) as other:
        one.log.append(records(world.trust_document, *batches, *scans, *noise, *late))
        threads = [threading.Thread(target=drain, args=(engine,)) for engine in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        drain(one)
    assert exported(tmp_path) == replayed(world, [*scans, *noise, *late], batches)


async def test_a_leader_that_was_suspended_overwrites_nothing_of_its_successors(
    tmp_path: Path,
) -> None:
    """It has read that there is a campaign, and is about to write so. Meanwhile late scans
    explain it, and its successor, who has nothing to retract, settles the matter."""
    world = World(4)
    scans, late = campaign(world)
    setting = Setting(tmp_path, world)
    successor = setting.another_engine()

    async def meanwhile() -> None:
        await successor.fold_scans(scans_of(late))
        assert await successor.assess_entities() > 0

    await setting.trust()
    await setting.engine.fold_scans(scans_of(scans))
    setting.ledger.before_write = lambda: _in_a_thread(meanwhile)
    await setting.engine.assess_entities()
    assert setting.engine.stats.conflicts >= 2, "the batch and the shop, beside the networks"
    assert campaign_alert(tmp_path) is None
    assert exported(tmp_path) == replayed(world, [*scans, *late], [])
    successor.close_threads()
    await setting.close()


async def test_signals_that_change_while_an_entity_is_assessed_are_not_missed(
    tmp_path: Path,
) -> None:
    world = World(4)
    scans, late = campaign(world)
    setting = Setting(tmp_path, world)
    other = setting.another_engine()
    await setting.trust()
    await setting.engine.fold_scans(scans_of(scans))
    setting.ledger.before_write = lambda: _in_a_thread(lambda: other.fold_scans(scans_of(late)))
    await setting.engine.assess_entities()
    pending = await setting.ledger.next_pending(9)
    assert pending is not None
    assert SUBJECT in pending.entities
    await setting.reassess_all()
    alert = campaign_alert(tmp_path)
    assert alert is not None
    assert (alert.version, alert.retracted) == (2, True)
    assert exported(tmp_path) == replayed(world, [*scans, *late], [])
    other.close_threads()
    await setting.close()


async def test_a_batch_header_that_comes_late_retracts_a_campaign_in_the_other_engine_too(
    tmp_path: Path,
) -> None:
    world = World(4)
    believed, not_believed = under_a_revoked_key(world)
    scans, _ = campaign(world)
    setting = Setting(tmp_path, world)
    await setting.trust()
    await setting.engine.accept_batches(batches_of([believed], world))
    await setting.engine.fold_scans(scans_of(scans))
    await setting.reassess_all()
    assert "campaign" in kinds_of(exported(tmp_path))
    await setting.engine.accept_batches(batches_of([not_believed], world))
    await setting.reassess_all()
    assert "campaign" not in kinds_of(exported(tmp_path))
    assert exported(tmp_path) == replayed(world, scans, [not_believed])
    await setting.close()


class Leading:
    """A leadership with nothing to relay."""

    async def feed_after_relayed(self, _limit: int) -> list[Any]:
        return []


async def test_the_leader_assesses_entities_now_and_then_and_a_backlog_at_once(
    tmp_path: Path,
) -> None:
    world = World(4)
    scans, _ = campaign(world)
    forged = [world.scan(world.forged_code()) for _ in range(5)]
    setting = Setting(tmp_path, world, replace(LIMITS, entities_at_once=2))
    leader = Leader(Leading(), setting.engine, setting.published, entities_every_s=3_600)  # type: ignore[arg-type]
    await setting.trust()
    await setting.engine.fold_scans(scans_of([*scans, *forged]))
    rounds = 1
    while await leader.work():
        rounds += 1
    assert rounds == 20, "thirty-nine entities, two at once: 32 of them networks"
    assert campaign_alert(tmp_path) is not None
    await setting.engine.fold_scans(scans_of([world.scan(world.forged_code())]))
    assert not await leader.work()
    with Snapshot(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.pending_entities() == 1
    await setting.close()


def _in_a_thread(work: Any) -> None:
    """A coroutine to its end, beside the loop that waits for it."""
    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join()
