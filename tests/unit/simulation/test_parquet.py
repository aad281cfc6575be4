"""Parquet holds what NDJSON holds, line by line."""

from pathlib import Path

import pyarrow.parquet as pq

from authenticity.records.scan import decode_scan
from simulation.behaviour import Rates
from simulation.files import SimulationFiles, simulate
from simulation.handling import Handling
from simulation.parquet import SCAN_SCHEMA, TRUTH_SCHEMA, as_parquet
from simulation.truth import Truth, decode_truth
from tests.support.benchmark_world import scenario

REFUSING = Rates(inspected=0.2, handling=Handling(refused=0.5, grounds_stated=0.5))


def written(folder: Path, items: int = 300) -> SimulationFiles:
    files = SimulationFiles(folder / "s.ndjson", folder / "s.truth.ndjson")
    simulate(scenario(items, attack_rate=0.05, rates=REFUSING), files)
    return files


def test_scans_as_parquet_are_the_scans(tmp_path: Path) -> None:
    files = written(tmp_path)
    table = pq.read_table(as_parquet(files.scans, SCAN_SCHEMA))
    scans = [decode_scan(line) for line in files.scans.read_bytes().splitlines()]
    assert len(scans) > 200
    for name in (
        "scan_id",
        "code",
        "captured_at",
        "received_at",
        "act",
        "operation",
        "selection",
        "clamped",
    ):
        assert table[name].to_pylist() == [getattr(scan, name) for scan in scans]
    for column in ("place", "network"):
        values = [getattr(scan, column) for scan in scans]
        assert any(values)
        for row, value in zip(table[column].to_pylist(), values, strict=True):
            assert row == (value and {name: getattr(value, name) for name in row})
    grounds = [scan.refused_for or None for scan in scans]
    assert any(grounds)
    assert table["refused_for"].to_pylist() == grounds


def test_truths_as_parquet_are_the_truths(tmp_path: Path) -> None:
    files = written(tmp_path)
    table = pq.read_table(as_parquet(files.truth, TRUTH_SCHEMA))
    truths = [decode_truth(line) for line in files.truth.read_bytes().splitlines()]
    for name in Truth.__struct_fields__:
        values = [getattr(truth, name) for truth in truths]
        assert table[name].to_pylist() == (
            [list(each) for each in values] if name == "noise" else values
        )


def test_no_scans_make_an_empty_table(tmp_path: Path) -> None:
    nothing = tmp_path / "none.ndjson"
    nothing.write_bytes(b"")
    assert pq.read_table(as_parquet(nothing, SCAN_SCHEMA)).num_rows == 0
