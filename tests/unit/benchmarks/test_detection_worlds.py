"""Many worlds: what is for fitting and what for testing, and the figures of a row."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from typer.testing import CliRunner

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.gs1.item import (
    EntityId,
    ItemId,
    batch_entity,
    custody_leg_entity,
    scanner_entity,
)
from authenticity.records.scan import PUBLIC_PAGE
from benchmarks.detection import split
from benchmarks.detection.evaluation.code_assessment import assess_code, is_by_owner
from benchmarks.detection.evaluation.counts import WorldCounts
from benchmarks.detection.evaluation.entity_alerts import EntityAlert
from benchmarks.detection.evaluation.measure_worlds import COMMERCIAL, run_scenario
from benchmarks.detection.evaluation.run_worlds import OURS, WorldResult
from benchmarks.detection.evaluation.touchstone_detector import (
    TouchstoneDetector,
    TouchstoneMonitor,
)
from benchmarks.detection.evaluation.world_report import (
    EntityRow,
    WorldRow,
    WorldsReport,
    entity_rows,
    row_of,
    worst_of,
)
from benchmarks.detection.evaluation.world_tables import world_tables
from cli.app import app
from cli.commands.bench import Worlds
from simulation.attacks import AttackFamily
from simulation.presets import KEPT_OUT, PRESETS
from simulation.traffic import BENCHMARK
from tests.unit.benchmarks.detection_scenes import arrival, case, example, outcome

BATCH = batch_entity("09506000134352", "L1")
ROUTE = custody_leg_entity("09506000134352", "L1", 7)
SHOP = scanner_entity(7, known=True)
CAMPAIGN = frozenset({"campaign"})


def test_no_seed_and_no_world_serves_two_purposes() -> None:
    parts = [
        split.FIT, split.VALIDATE, split.TEST, split.DRAWN_FIT, split.DRAWN_VALIDATE,
        split.DRAWN_TEST, (split.KEPT_OUT_SEED,),
    ]  # fmt: skip
    seeds = [seed for part in parts for seed in part]
    assert len(set(seeds)) == len(seeds)
    learned = {world.name for part in ("fit", "validate") for world in split.drawn_worlds(part)}
    assert learned == {"drawn"}
    assert learned.isdisjoint(KEPT_OUT)


@pytest.mark.parametrize(
    ("worlds", "names"),
    [
        (split.Worlds.BENCHMARK, ["benchmark"]),
        (split.Worlds.DRAWN, ["drawn"] * 3),
        (split.Worlds.PRESETS, list(KEPT_OUT)),
        (split.Worlds.ALL, ["benchmark", *["drawn"] * 3, *KEPT_OUT]),
    ],
)
def test_a_run_tests_the_worlds_that_it_is_told(worlds: split.Worlds, names: list[str]) -> None:
    tested = list(split.tested_worlds(worlds, 3))
    assert [world.name for world in tested] == names
    assert set(names) <= set(PRESETS)
    assert len({world.title for world in tested}) == len(tested)


def result_with(*alerts: EntityAlert) -> WorldResult:
    counts = WorldCounts((OURS, COMMERCIAL.name))
    counts.cases = [
        case(name, outcome())._replace(outcomes=(outcome(), outcome())) for name in ("a", "b")
    ]
    return WorldResult(1, 100, counts, list(alerts), [])


def alert(entity: EntityId, *items: str, kinds: frozenset[str] = CAMPAIGN) -> EntityAlert:
    return EntityAlert(entity, 0, True, kinds, frozenset(map(ItemId, items)))


def test_alerts_on_entities_are_counted_by_what_they_are_about() -> None:
    result = result_with(
        alert(BATCH, "a", "b"), alert(BATCH, "honest"), alert(BATCH, "a", "x", "y"),
        alert(ROUTE, "x"), alert(SHOP, "b"), alert(SHOP, "x", kinds=frozenset({"colluding"})),
    )  # fmt: skip
    assert entity_rows(result) == (
        EntityRow("batch", right=2, wrong=1, mixed=1),
        EntityRow("route", right=0, wrong=1, mixed=0),
        EntityRow("scanner", right=0, wrong=1, mixed=0),
        EntityRow("shop", right=1, wrong=0, mixed=0),
    )


def test_an_owner_scans_a_genuine_pack_without_a_token() -> None:
    assert is_by_owner(arrival("one", publisher=PUBLIC_PAGE))
    assert not is_by_owner(arrival("one", publisher=PUBLIC_PAGE, physical="copy-0"))
    assert not is_by_owner(arrival("one", publisher="customs-fr"))


@pytest.mark.parametrize("is_bad", [True, False])
def test_an_owner_is_warned_at_a_scan_of_their_own(
    monkeypatch: pytest.MonkeyPatch, is_bad: bool
) -> None:
    def assess(monitor: TouchstoneMonitor) -> None:
        monitor.is_bad = is_bad

    monkeypatch.setattr(TouchstoneMonitor, "_assess", assess)
    ours = TouchstoneDetector(DEFAULT_POLICY)
    by_owner = example(arrival("one", publisher=PUBLIC_PAGE))
    by_officer = example(arrival("one", publisher="customs-fr"))
    assert assess_code(by_owner, ours, ()).answers.warned is is_bad
    assert assess_code(by_officer, ours, ()).answers.warned is False

    counts = WorldCounts((OURS,))
    for each in (by_owner, by_officer):
        counts.note(each, assess_code(each, ours, ()))
    doubled = WorldCounts((OURS,))
    doubled.add(counts)
    doubled.add(counts)
    assert (doubled.honest.owners, doubled.honest.owners_warned) == (2, 2 * is_bad)


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ([0.5, 0.65, 0.75], (650, False)),
        ([0.5, 0.9, 0.8], (800, True)),
        ([0.1, 0.9, 0.59], None),
        ([None, None, 0.7], (700, True)),
    ],
)
def test_a_code_counts_at_the_first_scan_that_made_it_seven_in_ten(
    monkeypatch: pytest.MonkeyPatch, said: list[float | None], first: tuple[int, bool] | None
) -> None:
    left = iter(said)

    def assess(monitor: TouchstoneMonitor) -> None:
        monitor.probability = next(left)

    monkeypatch.setattr(TouchstoneMonitor, "_assess", assess)
    copied = example(
        *(
            arrival(
                str(n),
                after=timedelta(hours=n),
                attack=AttackFamily.COPIES,
                known_after=timedelta(hours=2),
            )
            for n in range(3)
        )
    )
    assessed = assess_code(copied, TouchstoneDetector(DEFAULT_POLICY), ())
    assert assessed.answers.first_near_70 == first
    counts, doubled = WorldCounts((OURS,)), WorldCounts((OURS,))
    counts.note(copied, assessed)
    doubled.add(counts)
    doubled.add(counts)
    assert doubled.first_near_70 == ({first: 2} if first else {})


@pytest.fixture(scope="module")
def quiet_row() -> WorldRow:
    scenario = replace(BENCHMARK, seed=3, items=1_000, attack_rate=0.0)
    result = run_scenario(scenario, DEFAULT_POLICY, workers=1)
    return row_of("quiet", "drawn", result, COMMERCIAL)


def test_a_world_without_attacks_has_owners_and_nothing_to_detect(quiet_row: WorldRow) -> None:
    assert quiet_row.owners > 50
    assert quiet_row.item_scans > quiet_row.honest_codes > 0
    assert quiet_row.detectable == quiet_row.poisoned == 0
    assert quiet_row.recall.value is None and quiet_row.delay_days is None
    assert sum(each.right for each in quiet_row.entities) == 0


def test_the_worst_world_is_named_for_each_figure(quiet_row: WorldRow) -> None:
    loud = msgspec.structs.replace(quiet_row, world="loud", owners_warned=5)
    found = {each.figure: each for each in worst_of((quiet_row, loud))}
    assert found["owners warned, %"].world == "loud"
    assert found["owners warned, %"].value == pytest.approx(500 / quiet_row.owners)
    assert "median delay, days" not in found


def test_tables_have_a_row_for_each_world(quiet_row: WorldRow) -> None:
    rows = (quiet_row, msgspec.structs.replace(quiet_row, world="other"))
    report = WorldsReport("a machine", 1_000, "policy", rows, worst_of(rows))
    worlds, beside, calibration, entities, causes, _ = world_tables(report)
    assert worlds.row_count == entities.row_count == causes.row_count == 2
    assert beside.row_count == 0, "no reference was learned"
    assert calibration.row_count == 3, "and one for all of this part"


def test_the_command_takes_the_same_words_and_refuses_what_belongs_elsewhere() -> None:
    assert list(map(str, Worlds)) == [*map(str, split.Worlds), "seeds"]
    refused = CliRunner().invoke(
        app, ["bench", "detect", "--worlds", "drawn", "--html", "page.html"]
    )
    assert refused.exit_code == 2
    assert "--worlds seeds" in refused.stderr
    other = CliRunner().invoke(app, ["bench", "verify", "--worlds", "drawn"])
    assert other.exit_code == 2
    assert "--worlds" in other.stderr
