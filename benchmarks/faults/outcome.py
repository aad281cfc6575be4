"""What came out of a scenario, and how scans are published while it goes on."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.faults.site import Site

SETTLES_WITHIN_S: Final = 240.0
_PORTION: Final = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lost` and `counted_twice`: scans too few and too many in the exported standings;
    `differing_lines`: those that only one of export and replay has. `alerts_amiss`: alerts
    of which the topic's highest version is not the ledger's newest."""

    name: str
    faults: int
    scans: int
    lost: int
    counted_twice: int
    differing_lines: int
    alerts_amiss: int
    seconds: float
    details: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def unharmed(self) -> bool:
        """Whether everything ended as if nothing had happened."""
        harm = (self.lost, self.counted_twice, self.differing_lines, self.alerts_amiss)
        return not any(harm)


def outcome_of(name: str, site: Site, faults: int, began: float, **details: float | str) -> Outcome:
    exported = site.settle(within_s=SETTLES_WITHIN_S)
    seconds = time.monotonic() - began
    expected = site.traffic.replayed
    excess = scans_counted(exported) - scans_counted(expected)
    differing = set(exported.splitlines()) ^ set(expected.splitlines())
    return Outcome(
        name, faults, len(site.traffic.scans), max(0, -excess), max(0, excess), len(differing),
        site.alerts_amiss(), round(seconds, 1), {k: round(v, 2) if isinstance(v, float) else v
                            for k, v in details.items()},
    )  # fmt: skip


def scans_counted(lines: bytes) -> int:
    """What the standings say they have counted, all together."""
    values = (json.loads(line) for line in lines.splitlines())
    return sum(value["scans"] for value in values if value["type"] == "standing")


def publish_in_portions(site: Site) -> None:
    """All scans; the batches in the middle of them, late for some and early for others."""
    scans = site.traffic.scans
    for start in range(0, len(scans), _PORTION):
        site.publish_scans(scans[start : start + _PORTION])
        if start <= len(scans) // 2 < start + _PORTION:
            site.publish_batches()
        time.sleep(0.1)


def publish_at_rate(site: Site, per_second: int) -> None:
    began = time.monotonic()
    portion = max(1, per_second // 10)
    for start in range(0, len(site.traffic.scans), portion):
        site.publish_scans(site.traffic.scans[start : start + portion])
        time.sleep(max(0.0, began + (start + portion) / per_second - time.monotonic()))


def in_background(work: Callable[[], None]) -> Callable[[], None]:
    """Start it; what is returned waits for its end and raises what it raised."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="publishing", daemon=True)
    thread.start()

    def wait() -> None:
        thread.join()
        if failed:
            raise failed[0]

    return wait
