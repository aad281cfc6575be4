"""`touchstone bench fire`: every fault scenario in its long form, one after another."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.faults.engine_faults import killed_engines
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.server_faults import backlog, killed_servers, killed_service, lost_brokers
from benchmarks.faults.traffic import Traffic, make_traffic
from benchmarks.faults.worker_faults import (
    endless_rebalances,
    killed_workers,
    sleeping_worker,
    worker_stopped_in_its_write,
)
from benchmarks.machine import machine
from benchmarks.registry import Say

_ROUNDS: Final = (("kafka",), ("postgres",), ("kafka", "postgres")) * 3


@dataclass(frozen=True, slots=True)
class FaultReport:
    """What `touchstone bench fire --json` prints: the sums, and the outcome of each scenario."""

    name: str
    faults: int
    scans: int
    lost: int
    counted_twice: int
    differing_lines: int
    machine: str
    scenarios: list[Outcome]


def measure(*, quick: bool, say: Say) -> FaultReport:
    """About 35 minutes; `quick`: 9. Needs Java, Maven and PostgreSQL."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="touchstone-faults-") as name:
        folder = Path(name)
        for number, (title, scenario) in enumerate(_scenarios(folder, quick=quick, say=say)):
            say(f"{title} …")
            place = folder / f"scenario-{number}"
            place.mkdir()
            outcome = scenario(place)
            outcomes.append(outcome)
            say(f"{title}: {'unharmed' if outcome.unharmed else 'HARMED'} {outcome}")
    return FaultReport(
        "fire",
        sum(outcome.faults for outcome in outcomes),
        sum(outcome.scans for outcome in outcomes),
        sum(outcome.lost for outcome in outcomes),
        sum(outcome.counted_twice for outcome in outcomes),
        sum(outcome.differing_lines for outcome in outcomes),
        machine(),
        outcomes,
    )


def _scenarios(
    folder: Path, *, quick: bool, say: Say
) -> list[tuple[str, Callable[[Path], Outcome]]]:
    def traffic(scans: int) -> Traffic:
        count = max(2_000, scans // 10) if quick else scans
        say(f"making {count:,} scans, and their replay")
        place = folder / f"traffic-{scans}"
        place.mkdir(exist_ok=True)
        return make_traffic(place, count)

    few, many = traffic(10_000), traffic(100_000)
    some = 10 if quick else 100
    return [
        ("killed workers", lambda at: killed_workers(at, many, workers=3, kills=some)),
        ("killed workers, two", lambda at: killed_workers(at, few, workers=2, kills=some // 5)),
        ("sleeping worker", lambda at: sleeping_worker(at, few)),
        ("stopped in its write", lambda at: worker_stopped_in_its_write(at, few)),
        ("killed servers", lambda at: killed_servers(at, many, rounds=_ROUNDS)),
        ("killed service", lambda at: killed_service(at, few, kills=some // 4)),
        ("rebalances", lambda at: endless_rebalances(
            at, many, rebalances=some // 5, every_s=3.0, per_second=2_000)),
        ("lost brokers", lambda at: lost_brokers(at, few)),
        ("killed engines, embedded", lambda at: killed_engines(at, many, kills=some)),
        ("backlog", lambda at: backlog(at, traffic(1_000_000))),
    ]  # fmt: skip
