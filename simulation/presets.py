"""Worlds by name. All but the first three are kept out of every fit.

`drawn` is another world for each seed. The kept-out ones are kinds of worlds: what is in them
was chosen by what could go wrong, not from the priors of `simulation.priors`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from simulation.priors import drawn_scenario, with_value
from simulation.traffic import BENCHMARK, Scenario

DRAWN: Final = "drawn"
_AGAIN: Final = MappingProxyType(
    {
        "rates.owners.again": 0.5,
        "rates.owners.again_days": 20.0,
        "rates.owners.again_for_days": 200.0,
        "rates.owners.elsewhere": 0.2,
        "rates.owners.session_days": 30.0,
        "rates.owners.holiday": 0.02,
        "rates.owners.moved": 0.003,
        "noise.uplinks.habit": 0.6,
        "noise.uplinks.roaming": 0.5,
    }
)
"""Owners who look again when they please; half of the time a tunnel is on."""


class Preset(NamedTuple):
    """A world by name: one line of what it is, and how a seed and a number of packs make it."""

    says: str
    scenario: Callable[[int, int], Scenario]
    is_kept_out: bool = True


def _small(seed: int, items: int) -> Scenario:
    return Scenario(seed, items)


def _changed(says: str, *changes: Mapping[str, Any]) -> Preset:
    """The benchmark's world with other values at these paths; the later ones count."""
    values = {path: value for change in changes for path, value in change.items()}

    def scenario(seed: int, items: int) -> Scenario:
        made = replace(BENCHMARK, seed=seed, items=items)
        for path, value in values.items():
            made = with_value(made, path, value)
        return made

    return Preset(says, scenario)


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "small": Preset("two makers, 30 days, many attacks", _small, False),
        "benchmark": Preset(
            "the world of the detection benchmark, always the same",
            lambda seed, items: replace(BENCHMARK, seed=seed, items=items),
            False,
        ),
        DRAWN: Preset("another world for each seed, from wide priors", drawn_scenario, False),
        "look-again": _changed("tunnels as in the benchmark; owners look when they please", _AGAIN),
        "tunnels": _changed("the same with 19 % of sessions behind tunnels", _AGAIN, {
            "noise.vpn": 0.19,
        }),
        "weekly": _changed("long-term medicine, one look a week for months", _AGAIN, {
            "rates.owners.again": 0.1,
            "rates.owners.regular": 0.7,
            "rates.owners.regular_days": 7.0,
            "rates.owners.regular_for_days": 180.0,
        }),
        "bare": _changed("no partner shares readings, 10 % GPS", _AGAIN, {
            "chain.sharing": 0.0,
            "noise.positioning.refused": 0.9,
        }),
        "fresh-sessions": _changed("a new session at every scan", _AGAIN, {
            "rates.owners.session_days": 0.0,
        }),
        "single-looks": _changed("hardly any second look at a pack", {
            "rates.retry": 0.02,
            "rates.household": 0.01,
            "rates.shelf": 0.002,
            "rates.resale": 0.002,
            "rates.traveller": 0.002,
        }),
        "aid": _changed("an aid programme: one nurse's phone scans hundreds of packs", _AGAIN, {
            "rates.handling.aid": 0.6,
            "rates.handling.aid_packs": 300,
            "noise.uplinks.line": 0.1,
            "noise.uplinks.satellite": 0.15,
            "chain.tills": 0.0,
        }),
        "border": _changed("phones flip between two countries' carriers", _AGAIN, {
            "noise.uplinks.border": 0.5,
            "noise.uplinks.line": 0.2,
            "rates.handling.parcels": 0.05,
        }),
        "one-gateway": _changed("a country's phones share the networks of one city", _AGAIN, {
            "noise.uplinks.one_gateway": True,
            "noise.uplinks.line": 0.05,
            "noise.uplinks.carriers_networks": 0.05,
        }),
        "collectables": _changed("packs are sold on and on, and shown in offers", _AGAIN, {
            "rates.owners.sold_on": 2.0,
            "rates.owners.sold_on_days": 25.0,
            "rates.handling.listed": 0.02,
            "rates.handling.listed_viewers_most": 30,
            "rates.handling.listed_abroad": 0.5,
        }),
    }
)  # fmt: skip
KEPT_OUT: Final = tuple(name for name, preset in PRESETS.items() if preset.is_kept_out)


def scenario_named(name: str, seed: int, items: int) -> Scenario:
    """The world of this name. Raises `KeyError` for a name that is none of `PRESETS`."""
    return PRESETS[name].scenario(seed, items)
