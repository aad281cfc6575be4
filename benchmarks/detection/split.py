"""The seeds and the worlds to fit on, to choose thresholds on, and to test on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from simulation.attacks import AttackFamily
from simulation.presets import DRAWN, KEPT_OUT, scenario_named
from simulation.traffic import BENCHMARK, Scenario

FIT: Final = (101, 102, 103, 104)
"""Models and tables are learned on these seeds product."""
VALIDATE: Final = (201, 202)
"""Thresholds are chosen on these."""
TEST: Final = (301, 302, 303, 304)
"""Frozen: what is published comes from these, and nothing is chosen by them."""

DRAWN_FIT: Final = tuple(range(1_101, 1_149))
"""Seeds of drawn worlds: 48 to fit on, 16 to validate on and 12 to test on."""
DRAWN_VALIDATE: Final = tuple(range(1_201, 1_217))
DRAWN_TEST: Final = tuple(range(1_301, 1_313))
KEPT_OUT_SEED: Final = 1_401
"""Of every preset that is kept out, and of nothing else."""
DEFAULT_WORLD_ITEMS: Final = 100_000

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


class NamedWorld(NamedTuple):
    """A world that is run once. `part` is what it is for."""

    name: str
    part: str
    seed: int

    @property
    def title(self) -> str:
        """Name and seed, for a line of progress."""
        return f"{self.name} {self.seed}"

    def scenario(self, items: int) -> Scenario:
        """Everything that decides it."""
        return scenario_named(self.name, self.seed, items)


class Worlds(StrEnum):
    """Which worlds a run tests on."""

    BENCHMARK = "benchmark"
    DRAWN = "drawn"
    PRESETS = "presets"
    ALL = "all"


def drawn_worlds(part: str) -> tuple[NamedWorld, ...]:
    """The drawn worlds to `fit`, to `validate` or to `test` on."""
    seeds = {"fit": DRAWN_FIT, "validate": DRAWN_VALIDATE, "test": DRAWN_TEST}[part]
    return tuple(NamedWorld(DRAWN, part, seed) for seed in seeds)


def tested_worlds(worlds: Worlds, drawn: int) -> Iterator[NamedWorld]:
    """The benchmark's own world, the first `drawn` of the drawn ones, those kept out."""
    if worlds in (Worlds.BENCHMARK, Worlds.ALL):
        yield NamedWorld("benchmark", "as fitted", TEST[0])
    if worlds in (Worlds.DRAWN, Worlds.ALL):
        yield from drawn_worlds("test")[:drawn]
    if worlds in (Worlds.PRESETS, Worlds.ALL):
        yield from (NamedWorld(name, "kept out", KEPT_OUT_SEED) for name in KEPT_OUT)
