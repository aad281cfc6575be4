"""`not-released` and `diverted`: one alert a batch, or a country, in engines as in the replay."""

from pathlib import Path

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import COPIES, PER_BATCH, UNRELEASED, FindingKind
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.signals import (
    MAX_SIGNALS_ASSESSED,
    Signal,
    assess_entity,
    by_entity,
)
from authenticity.gs1.item import ItemId, batch_entity, batch_in_country_entity
from authenticity.records.scan import Scan
from ledger.administration import Snapshot
from simulation.two_makers import GTINS, LYON, TOKYO, World
from tests.support.eventful import exported, replayed
from tests.unit.stream.sources.test_embedded import an_engine, drain, records
from tests.unit.stream.test_engine import Setting, batches_of, scans_of

BATCH, ABROAD = batch_entity(GTINS[0], "L1"), batch_in_country_entity(GTINS[0], "L1", "JP")
EARLY = ("not-released", ItemId(BATCH))
ELSEWHERE = ("diverted", ItemId(ABROAD))


def standing(folder: Path) -> list[tuple[str, ItemId]]:
    return sorted((alert.kind.value, alert.item) for alert in alerts(folder) if not alert.retracted)


def alerts(folder: Path) -> list[Alert]:
    """Those that are told of a batch, retracted ones too."""
    with Snapshot(folder / "ledger.sqlite") as ledger:
        assert ledger.pending_entities() == 0
        return [alert for alert in ledger.alerts() if alert.kind in PER_BATCH]


def scanned(world: World, packs: int = 12) -> list[Scan]:
    """Each pack by somebody in Lyon, and every third by an officer in Tokyo."""
    codes = [world.code() for _ in range(packs)]
    at_home = [world.scan(code, place=LYON) for code in codes]
    return at_home + [world.officer_scan(code, place=TOKYO, minutes=9_000) for code in codes[::3]]


def test_a_batch_scanned_before_its_release_is_one_alert_and_its_release_retracts_it(
    tmp_path: Path,
) -> None:
    world = World(4)
    early = world.batch(released_at=None, markets=("FR",))
    released = world.batch(markets=("FR",), revision=2)
    wider = world.batch(markets=("FR", "JP"), revision=3)
    scans = scanned(world)
    with an_engine(tmp_path, world, scans_at_once=5, items_reassessed_at_once=2) as engine:
        engine.log.append(records(world.trust_document, early, *scans))
        drain(engine)
        assert standing(tmp_path) == [ELSEWHERE, EARLY]
        assert exported(tmp_path) == replayed(world, scans, [early])
        for statement, stand in ((released, [ELSEWHERE]), (wider, [])):
            engine.log.append(records(statement))
            drain(engine)
            assert standing(tmp_path) == stand
            assert exported(tmp_path) == replayed(world, scans, [statement])
    assert {
        (each.kind.value, each.item): [reason.reason for reason in each.retracted_because]
        for each in alerts(tmp_path)
    } == {ELSEWHERE: ["markets-include"], EARLY: ["batch-released"]}


async def test_the_other_engine_ends_the_same_wherever_the_batch_comes(tmp_path: Path) -> None:
    world = World(4)
    early = world.batch(released_at=None, markets=("FR",))
    scans = scanned(world)
    setting = Setting(tmp_path, world)
    await setting.trust()
    await setting.engine.fold_scans(scans_of(scans[:7]))
    await setting.reassess_all()
    assert standing(tmp_path) == []
    await setting.engine.accept_batches(batches_of([early], world))
    await setting.engine.fold_scans(scans_of(scans[7:]))
    await setting.reassess_all()
    assert standing(tmp_path) == [ELSEWHERE, EARLY]
    assert exported(tmp_path) == replayed(world, scans, [early])
    await setting.engine.accept_batches(batches_of([world.batch(revision=2)], world))
    await setting.reassess_all()
    assert standing(tmp_path) == []
    assert all(alert.retracted_because for alert in alerts(tmp_path))
    await setting.close()


def test_many_packs_that_are_not_released_hide_no_copies_of_their_batch() -> None:
    world = World(4)
    first = [
        Signal(BATCH, world.item(f"A{n:05d}"), UNRELEASED, 1, "b")
        for n in range(MAX_SIGNALS_ASSESSED + 9)
    ]
    copied = [Signal(BATCH, world.item(f"Z{n}"), COPIES, 300, f"{n:08x}@NG") for n in range(8)]
    found = assess_entity(by_entity([*first, *copied])[BATCH], DEFAULT_POLICY)
    assert {each.kind for each in found} == {FindingKind.CAMPAIGN, FindingKind.NOT_RELEASED}
