"""Writes scans, truth and alerts, for scoring the detectors with another program.

One folder for each seed: scans, truth, attacks, trust list, roots and batches as
`touchstone simulate` writes them, and `alerts.DETECTOR.ndjson` for each detector.
docs/reference/detection-benchmark.md describes the files.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from authenticity.gs1.item import EntityId, ItemId
from benchmarks.detection.evaluation.run_worlds import CAMPAIGN, DETECTORS, WorldResult
from benchmarks.detection.split import scenario_of
from simulation.files import SimulationFiles, simulate


class ExportedAlert(Struct, frozen=True):
    """One alert on one code. `at_ms`: arrival of the scan that raised it, since 1970 UTC;
    `scan`: its number among the code's arrivals, from 1. `stands`: in the end."""

    item: ItemId
    at_ms: int
    scan: int
    stands: bool
    kinds: tuple[str, ...]


class ExportedEntityAlert(Struct, frozen=True):
    """One alert on a batch or a scanner, and the codes that support it. JSON key: `subject`."""

    subject: EntityId
    at_ms: int
    stands: bool
    kinds: tuple[str, ...]
    items: tuple[ItemId, ...]


def export(result: WorldResult, folder: Path, *, workers: int = 1) -> None:
    """Write one world. Files that exist are replaced."""
    place = folder / f"seed-{result.seed}"
    place.mkdir(parents=True, exist_ok=True)
    files = SimulationFiles(place / "scans.ndjson", place / "scans.truth.ndjson")
    simulate(scenario_of(result.seed, result.items), files, processes=workers)
    for name in DETECTORS:
        lines = sorted(
            (alert.at_ms, alert.item, alert)
            for alert in result.counts.alerts
            if alert.detector == name
        )
        _write(
            place / f"alerts.{file_name(name)}.ndjson",
            (ExportedAlert(a.item, a.at_ms, a.scan + 1, a.stands, a.kinds) for _, _, a in lines),
        )
    _write(
        place / f"alerts.{file_name(CAMPAIGN)}.ndjson",
        (
            ExportedEntityAlert(
                alert.entity,
                alert.first_ms,
                alert.stands,
                tuple(sorted(alert.kinds)),
                tuple(sorted(alert.items)),
            )
            for alert in sorted(result.entities, key=lambda alert: (alert.entity, alert.first_ms))
        ),
    )


def file_name(detector: str) -> str:
    """`touchstone + campaign` → `touchstone-campaign`."""
    return "-".join("".join(c if c.isalnum() else " " for c in detector).split())


def _write(path: Path, lines: Iterable[Struct]) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        file.writelines(encoder.encode(line) + b"\n" for line in lines)
