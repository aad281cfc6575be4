"""Small cuts of the benchmark world."""

from dataclasses import replace
from typing import Any

from simulation.attacks import AttackFamily
from simulation.noise import SILENCE
from simulation.traffic import BENCHMARK, Line, Scenario, Traffic


def scenario(items: int = 4_000, *, seed: int = 21, **changes: Any) -> Scenario:
    """The benchmark world without attacks and noise, but for what is asked for."""
    quiet: dict[str, Any] = {"attack_rate": 0.0, "noise": SILENCE, "makers": 2}
    return replace(BENCHMARK, seed=seed, items=items, **(quiet | changes))


def attacked_by(family: AttackFamily, *, items: int = 2_000, **changes: Any) -> Traffic:
    """Many attacks of one family; a third of the packs are scanned by consumers."""
    small: dict[str, Any] = {
        "attack_rate": 0.01, "families": (family,), "scan_rates": (0.3,), "most_copies": 200,
        "most_times": 2.0,
    }  # fmt: skip
    return Traffic(scenario(items, **(small | changes)))


def everything(traffic: Traffic) -> list[Line]:
    """All lines, pack by pack."""
    return [line for index in range(traffic.scenario.items) for line in traffic.of_pack(index)]
