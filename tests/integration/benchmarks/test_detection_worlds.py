"""A tiny run over worlds, with the offline reference beside the detector."""

from collections.abc import Sequence

import msgspec
import pytest

from authenticity.detection.policy import DEFAULT_POLICY
from benchmarks.detection import split
from benchmarks.detection.evaluation.measure_worlds import measure_worlds
from benchmarks.detection.evaluation.reference import Reference, learn_reference, read_table
from benchmarks.detection.evaluation.world_report import WorldRow, WorldsReport
from benchmarks.detection.evaluation.world_tables import world_tables

ITEMS = 1_200
FIT = split.drawn_worlds("fit")[:2]
TESTED = split.drawn_worlds("test")[:1]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return learn_reference(FIT, ITEMS, workers=1)


@pytest.fixture(scope="module")
def report(reference: Reference) -> WorldsReport:
    return measure_worlds(TESTED, ITEMS, DEFAULT_POLICY, reference=reference, workers=1)


def test_the_detector_stands_beside_the_reference_at_its_own_false_alerts(
    report: WorldsReport,
) -> None:
    (row,) = report.worlds
    assert row.reference is not None
    assert row.detectable > 0
    assert row.reference.own.detector == row.recall_of_items, "over the same codes"
    assert 0 < (row.reference.own.reference.value or 0) <= 1
    at = [row.reference.at_1, row.reference.at_2]
    assert [each.false_codes for each in at] == [n * row.item_scans // 10_000 for n in (1, 2)]
    for side in ("reference", "detector"):
        few, more = (getattr(each, side).value for each in at)
        assert few <= more, "more false alerts find no less"


def test_the_reference_is_learned_on_worlds_that_are_not_tested(report: WorldsReport) -> None:
    assert report.reference is not None
    assert report.reference.seeds == tuple(world.seed for world in FIT)
    assert not set(report.reference.seeds) & {row.seed for row in report.worlds}
    assert report.reference.codes > report.reference.copied > 0


def test_the_same_worlds_give_the_same_scores(reference: Reference) -> None:
    again = learn_reference(FIT, ITEMS, workers=2)
    table = read_table(TESTED[0], ITEMS, workers=2)
    assert again.judge(table) == reference.judge(table)


def test_all_of_it_is_in_the_json_and_in_the_tables(report: WorldsReport) -> None:
    read = msgspec.json.decode(msgspec.json.encode(report), type=WorldsReport)
    assert read == report
    worlds, beside, calibration, *_ = world_tables(report)
    headings = [str(column.header) for column in worlds.columns]
    assert {"reference", "detector / reference"} <= set(headings)
    assert beside.row_count == 1
    assert calibration.row_count == 2, "the world, and all of its part"


def test_a_run_without_a_reference_has_dashes(report: WorldsReport) -> None:
    rows: Sequence[WorldRow] = [
        msgspec.structs.replace(row, reference=None) for row in report.worlds
    ]
    bare = msgspec.structs.replace(report, worlds=tuple(rows), reference=None)
    worlds, beside, *_ = world_tables(bare)
    by_name = {str(column.header): list(column.cells) for column in worlds.columns}
    assert by_name["reference"] == by_name["detector / reference"] == ["–"]
    assert beside.row_count == 0
