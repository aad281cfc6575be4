"""How attackers go about it: outlets, waves, patience, networks."""

from dataclasses import dataclass
from typing import Annotated, Final

from simulation.setting import Setting, share_of


@dataclass(frozen=True, slots=True)
class Attackers:
    """The same for all attackers of a world; each of them draws within.

    A wave lasts between `shortest_wave` and `longest_wave`. A patient colluder passes copies
    until the end of the calendar instead of within a wave. A poisoner has up to two networks of
    his own and up to `poison_exits` exits of a VPN, a fresh one with each session.
    """

    outlets_least: Annotated[int, Setting("cities", 1, 200)] = 1
    outlets_most: Annotated[int, Setting("cities", 1, 200)] = 12
    countries_most: Annotated[int, Setting("countries", 1, 58)] = 6
    shortest_wave: Annotated[float, share_of("the calendar")] = 0.1
    longest_wave: Annotated[float, share_of("the calendar")] = 0.45
    few_copies_most: Annotated[int, Setting("copies of each code", 1, 50)] = 5
    patient: Annotated[float, share_of("colluders")] = 0.0
    poison_exits: Annotated[int, Setting("exits of a VPN", 0, 200)] = 2
    poison_scans_most: Annotated[int, Setting("scans of a code", 4, 1_000)] = 40


USUAL: Final = Attackers()
"""Those of the benchmark."""
