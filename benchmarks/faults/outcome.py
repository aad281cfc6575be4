"""What a scenario did to the results: scans lost or counted twice, lines that differ."""

import json
import time
from dataclasses import dataclass, field
from typing import Final

from benchmarks.faults.site import Site

DRAINS_WITHIN_S: Final = 240.0


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
    exported = site.drain(within_s=DRAINS_WITHIN_S)
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
    """The sum of the scans that all standings of an export count."""
    values = (json.loads(line) for line in lines.splitlines())
    return sum(value["scans"] for value in values if value["type"] == "standing")
