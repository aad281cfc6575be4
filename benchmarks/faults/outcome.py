"""What a scenario did to the results: scans lost or counted twice, lines that differ."""

import json
import time
from dataclasses import dataclass, field

from benchmarks.faults.site import Site
from benchmarks.faults.traffic import HANGS_AFTER_S, Traffic


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
        """Whether the results are the same as without any fault."""
        harm = (self.lost, self.counted_twice, self.differing_lines, self.alerts_amiss)
        return not any(harm)


def outcome_of(name: str, site: Site, faults: int, began: float, **details: float | str) -> Outcome:
    """Drain the site, and compare its export with the replay of its traffic."""
    exported = site.drain(within_s=HANGS_AFTER_S)
    seconds = time.monotonic() - began
    return compare(
        name, site.traffic, exported, faults, seconds, alerts_amiss=site.alerts_amiss(), **details
    )


def compare(
    name: str, traffic: Traffic, exported: bytes, faults: int, seconds: float,
    *, alerts_amiss: int, **details: float | str,
) -> Outcome:  # fmt: skip
    """What an export has too few or too many of, beside the replay of the traffic."""
    excess = scans_counted(exported) - scans_counted(traffic.replayed)
    differing = set(exported.splitlines()) ^ set(traffic.replayed.splitlines())
    rounded = {k: round(v, 2) if isinstance(v, float) else v for k, v in details.items()}
    return Outcome(
        name, faults, len(traffic.scans), max(0, -excess), max(0, excess), len(differing),
        alerts_amiss, round(seconds, 1), rounded,
    )  # fmt: skip


def scans_counted(lines: bytes) -> int:
    """The sum of the scans that all standings of an export count."""
    values = (json.loads(line) for line in lines.splitlines())
    return sum(value["scans"] for value in values if value["type"] == "standing")
