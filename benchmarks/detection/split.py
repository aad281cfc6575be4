"""The seeds to fit on, to choose thresholds on, and to test on."""

from dataclasses import dataclass, replace
from typing import Final

from simulation.attacks import AttackFamily
from simulation.traffic import BENCHMARK, Scenario

FIT: Final = (101, 102, 103, 104)
"""Models and tables are learned on these seeds product."""
VALIDATE: Final = (201, 202)
"""Thresholds are chosen on these."""
TEST: Final = (301, 302, 303, 304)
"""Frozen: what is published comes from these, and nothing is chosen by them."""

HELD_OUT: Final = AttackFamily.BEFORE_SALE
"""Never used for fitting: would the detector catch what it was not taught?"""

ATTACKS_PER_ITEM: Final = BENCHMARK.attack_rate
DEFAULT_ITEMS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Seeds:
    """Seeds by what they are for, in the order in which they are run."""

    fit: tuple[int, ...]
    validate: tuple[int, ...]
    test: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        """Every seed once."""
        return (*self.fit, *self.validate, *self.test)


def share_out(count: int) -> Seeds:
    """`count` seeds, 3 to 10, in about the proportions of the whole split, each part at least one.

    Raises `ValueError` for fewer or more.
    """
    most = len(FIT) + len(VALIDATE) + len(TEST)
    if not 3 <= count <= most:
        raise ValueError(f"a run takes 3 to {most} seeds: to fit, to validate and to test")
    validate = 1 if count < 8 else len(VALIDATE)
    test = min(len(TEST), (count - validate + 1) // 2)
    return Seeds(FIT[: count - validate - test], VALIDATE[:validate], TEST[:test])


def scenario_of(seed: int, items: int) -> Scenario:
    """The benchmark's world under this seed."""
    return replace(BENCHMARK, seed=seed, items=items)
