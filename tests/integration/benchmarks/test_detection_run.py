"""A tiny run from end to end, scored again by a few lines that share nothing with it."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from authenticity.detection.policy import DEFAULT_POLICY
from benchmarks.detection.evaluation.assemble_report import report_of
from benchmarks.detection.evaluation.cost import Cost, bytes_of_many, us_per_scan
from benchmarks.detection.evaluation.export import export
from benchmarks.detection.evaluation.html_report import page
from benchmarks.detection.evaluation.report import DetectionReport
from benchmarks.detection.evaluation.run_worlds import Learned, WorldResult, run_seeds, run_world
from benchmarks.detection.split import share_out
from cli.app import app
from simulation.attacks import COPYING

ITEMS = 1_200
SEEDS = share_out(3)
SEED = SEEDS.test[0]
COST = Cost(1.0, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[int, WorldResult]:
    def keep(result: WorldResult) -> None:
        if result.seed == SEED:
            export(result, folder)

    return run_seeds(SEEDS, ITEMS, DEFAULT_POLICY, workers=1, keep=keep)


@pytest.fixture(scope="module")
def exported(folder: Path, results: dict[int, WorldResult]) -> tuple[DetectionReport, Path]:
    report = report_of(SEEDS, ITEMS, DEFAULT_POLICY, results, COST)
    return report, folder / f"seed-{SEED}"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_export_scored_by_others_gives_the_same_recall(
    exported: tuple[DetectionReport, Path],
) -> None:
    report, folder = exported
    truth = lines(folder / "scans.truth.ndjson")
    for detector in report.detectors:
        if "campaign" in detector.name:
            continue
        name = "-".join(detector.name.replace("+", " ").split())
        standing = {a["item"] for a in lines(folder / f"alerts.{name}.ndjson") if a["stands"]}
        known = defaultdict(set)
        for line in truth:
            if line["first_detectable_at"]:
                known[line["attack"]].add(line["item"])
        for family in detector.families:
            if family.family in COPYING:
                assert family.detectable == len(known[family.family])
                assert family.caught == len(known[family.family] & standing)


def test_the_export_scored_by_others_gives_the_same_false_alerts(
    exported: tuple[DetectionReport, Path],
) -> None:
    report, folder = exported
    attacked = {t["item"] for t in lines(folder / "scans.truth.ndjson") if t["attack"]}
    second = {a["item"] for a in lines(folder / "alerts.second-scan.ndjson")}
    detector = next(each for each in report.detectors if each.name == "second scan")
    assert detector.false.codes == len(second - attacked) > 0


def test_every_attack_is_exported_whether_it_left_a_scan_or_not(
    exported: tuple[DetectionReport, Path],
) -> None:
    report, folder = exported
    launched = lines(folder / "scans.attacks.ndjson")
    assert sum(family.attacks for family in report.detectors[0].families) == len(launched) > 0


def test_the_oracle_reaches_the_ceiling_without_a_false_alert(
    exported: tuple[DetectionReport, Path],
) -> None:
    report, _ = exported
    oracle = report.detectors[-1]
    assert oracle.false.codes == 0
    assert all(f.caught == f.detectable for f in oracle.families)


def test_no_replay_differs(exported: tuple[DetectionReport, Path]) -> None:
    report, _ = exported
    assert report.product.replayed > 0
    assert report.product.replays_differing == 0


def test_two_scans_stay_within_300_bytes(exported: tuple[DetectionReport, Path]) -> None:
    report, _ = exported
    assert 0 < report.product.bytes_two_scans <= 300


def test_many_scans_stay_within_8_kilobytes_and_cost_time() -> None:
    assert 2_000 < bytes_of_many(SEED, scans=5_000) <= 8_192
    assert us_per_scan(SEED, 1_000, DEFAULT_POLICY, runs=1) > 0


def test_the_page_needs_nothing_else(exported: tuple[DetectionReport, Path]) -> None:
    report, _ = exported
    document = page(report)
    assert "<svg" in document
    for loads in ("http://", "https://", "src=", "<link", "@import", "<!DOCTYPE svg"):
        assert loads not in document
    assert document.count("url(") == document.count("url(#"), "references within the page alone"


def test_the_same_report_gives_the_same_page(exported: tuple[DetectionReport, Path]) -> None:
    report, _ = exported
    assert page(report) == page(report)


def test_two_runs_count_the_same(results: dict[int, WorldResult]) -> None:
    seed = SEEDS.fit[0]
    again = run_world(seed, ITEMS, Learned(), DEFAULT_POLICY, workers=1)
    first = results[seed]
    assert again.counts.honest == first.counts.honest
    assert again.counts.false == first.counts.false
    assert again.counts.cases == first.counts.cases
    assert again.entities == first.entities


def test_its_options_are_refused_for_other_benchmarks() -> None:
    result = CliRunner().invoke(app, ["bench", "verify", "--items", "5000"])
    assert result.exit_code == 2
    assert "touchstone bench detect" in result.stderr
