"""Worlds that are drawn: from a seed, a value for every assumption that is a guess.

The priors are wide on purpose. What is fitted on worlds drawn from them has seen most of what
honest people may do; what it has not seen is in `simulation.presets`.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final, NamedTuple

from simulation import draws
from simulation.draws import stream_of
from simulation.setting import value_at
from simulation.traffic import BENCHMARK, Scenario


class Prior(NamedTuple):
    """How the value at `path` of a scenario is drawn; `text` says the same for a reader."""

    path: str
    text: str
    draw: Callable[[Random], Any]


def uniform(path: str, least: float, most: float) -> Prior:
    """Each value as likely as the others."""
    return Prior(path, f"U({least:g}, {most:g})", lambda draw: _short(draw.uniform(least, most)))


def log_uniform(path: str, least: float, most: float) -> Prior:
    """Each order of magnitude as likely as the others."""
    text = f"LU({least:g}, {most:g})"
    return Prior(path, text, lambda draw: _short(draws.log_uniform(draw, least, most)))


def whole(path: str, least: int, most: int) -> Prior:
    """A whole number, each order of magnitude as likely as the others."""
    text = f"LU({least}, {most}), rounded"
    return Prior(path, text, lambda draw: round(draws.log_uniform(draw, least, most)))


def sometimes(path: str, share: float, least: float, most: float) -> Prior:
    """0 in the other worlds; in this share of them any order of magnitude."""
    text = f"0, in {share:.0%} of worlds LU({least:g}, {most:g})"

    def draw_one(draw: Random) -> float:
        happens, value = draw.random() < share, draws.log_uniform(draw, least, most)
        return _short(value) if happens else 0.0

    return Prior(path, text, draw_one)


def one_of(path: str, *values: Any) -> Prior:
    """Each as likely as the others; the same value may stand twice."""
    return Prior(path, f"one of {', '.join(map(str, values))}", lambda draw: draw.choice(values))


def several(path: str, number: int, least: float, most: float) -> Prior:
    """So many values, each of any order of magnitude."""

    def draw_all(draw: Random) -> tuple[float, ...]:
        return tuple(_short(draws.log_uniform(draw, least, most)) for _ in range(number))

    return Prior(path, f"{number} of LU({least:g}, {most:g})", draw_all)


def _short(value: float) -> float:
    """Four significant digits, so that a record of it is read back as the same number."""
    return float(f"{value:.4g}")


PRIORS: Final = (
    # the calendar
    whole("days", 20, 400),
    whole("production_days", 1, 200),
    # how packs are scanned
    several("scan_rates", 4, 0.01, 0.5),
    uniform("rates.retry", 0.05, 0.5),
    uniform("rates.household", 0.02, 0.3),
    log_uniform("rates.shelf", 0.005, 0.1),
    log_uniform("rates.resale", 0.002, 0.08),
    log_uniform("rates.traveller", 0.002, 0.08),
    log_uniform("rates.inspected", 0.002, 0.05),
    uniform("rates.returned", 0.0, 0.1),
    # what owners do later
    uniform("rates.owners.again", 0.0, 0.6),
    log_uniform("rates.owners.again_days", 5, 60),
    log_uniform("rates.owners.again_for_days", 20, 250),
    sometimes("rates.owners.regular", 0.5, 0.02, 0.4),
    one_of("rates.owners.regular_days", 1.0, 7.0, 14.0, 30.0),
    log_uniform("rates.owners.regular_for_days", 20, 200),
    uniform("rates.owners.elsewhere", 0.0, 0.5),
    log_uniform("rates.owners.holiday", 0.002, 0.1),
    log_uniform("rates.owners.moved", 0.001, 0.03),
    whole("rates.owners.household_most", 1, 5),
    one_of("rates.owners.session_days", 365.0, 365.0, 30.0, 7.0, 0.0),
    # what others do with a pack
    sometimes("rates.handling.clinics", 0.5, 0.005, 0.15),
    whole("rates.handling.clinic_staff_most", 3, 15),
    sometimes("rates.handling.clerks", 0.5, 0.01, 0.3),
    sometimes("rates.handling.parcels", 0.7, 0.005, 0.1),
    sometimes("rates.handling.unbooked_returns", 0.7, 0.002, 0.05),
    sometimes("rates.handling.double_sales", 0.7, 0.001, 0.03),
    sometimes("rates.handling.listed", 0.7, 5e-6, 5e-4),
    whole("rates.handling.listed_viewers_most", 3, 200),
    uniform("rates.handling.listed_abroad", 0.0, 0.6),
    sometimes("rates.handling.displayed", 0.7, 2e-5, 1e-3),
    whole("rates.handling.displayed_visitors_most", 4, 200),
    sometimes("rates.handling.refused", 0.7, 0.01, 0.3),
    sometimes("rates.handling.refused_seized", 0.7, 0.02, 0.5),
    uniform("rates.handling.grounds_stated", 0.0, 1.0),
    sometimes("rates.handling.grounds_wrong", 0.7, 0.005, 0.2),
    sometimes("rates.handling.releases_unrecorded", 0.7, 0.02, 0.5),
    # partners and tills
    uniform("chain.sharing", 0.0, 1.0),
    uniform("chain.tills", 0.0, 1.0),
    log_uniform("chain.shelf_days", 5, 60),
    uniform("chain.parallel_batches", 0.0, 0.3),
    # networks
    log_uniform("noise.vpn", 0.01, 0.30),
    uniform("noise.uplinks.habit", 0.4, 1.0),
    uniform("noise.uplinks.line", 0.15, 0.7),
    sometimes("noise.uplinks.relay", 0.7, 0.01, 0.25),
    sometimes("noise.uplinks.gateway", 0.7, 0.005, 0.1),
    sometimes("noise.uplinks.satellite", 0.5, 0.002, 0.05),
    sometimes("noise.uplinks.esim", 0.7, 0.002, 0.05),
    uniform("noise.uplinks.roaming", 0.2, 1.0),
    uniform("noise.uplinks.usual_exits", 0.4, 1.0),
    one_of("noise.uplinks.exits_unnoticed", 0, 1, 2, 4),
    log_uniform("noise.uplinks.fixed_error", 0.5, 4),
    log_uniform("noise.uplinks.mobile_error", 0.3, 2.5),
    uniform("noise.uplinks.country_spread", 0.0, 0.6),
    log_uniform("noise.uplinks.wrong_country", 0.0005, 0.02),
    log_uniform("noise.uplinks.carriers_networks", 0.2, 5),
    uniform("noise.positioning.asked", 0.1, 1.0),
    uniform("noise.positioning.refused", 0.3, 0.95),
    uniform("noise.positioning.coarse", 0.0, 0.4),
    # clocks, uploads and headers
    uniform("noise.late_officers", 0.2, 1.0),
    sometimes("noise.wrong_clocks", 0.5, 0.01, 0.1),
    log_uniform("noise.wrong_clock_limit_s", 300, 86_400),
    uniform("noise.late_manifests", 0.0, 0.05),
    sometimes("noise.undated", 0.5, 0.02, 0.5),
    # attackers
    log_uniform("attack_rate", 0.0002, 0.002),
    one_of("attackers.outlets_most", 1, 3, 12, 50),
    one_of("attackers.countries_most", 1, 3, 6, 20),
    uniform("attackers.shortest_wave", 0.02, 0.2),
    uniform("attackers.longest_wave", 0.2, 0.9),
    whole("attackers.few_copies_most", 1, 10),
    uniform("attackers.patient", 0.0, 1.0),
    one_of("attackers.poison_exits", 0, 2, 4, 10),
    whole("attackers.poison_scans_most", 10, 100),
    log_uniform("most_copies", 100, 10_000),
)
"""Everything that differs between drawn worlds; all else is as in the benchmark."""


def drawn_scenario(seed: int, items: int) -> Scenario:
    """The world of this seed. Each value has a random stream of its own, by its path."""
    scenario = replace(BENCHMARK, seed=seed, items=items)
    for prior in PRIORS:
        value = prior.draw(stream_of(seed, "prior", prior.path))
        if isinstance(value_at(scenario, prior.path), int):
            value = round(value)
        scenario = with_value(scenario, prior.path, value)
    return replace(scenario, production_days=min(scenario.production_days, scenario.days // 2))


def drawn_values(scenario: Scenario) -> dict[str, Any]:
    """What was drawn for this world, by path."""
    return {prior.path: value_at(scenario, prior.path) for prior in PRIORS}


def with_value(settings: Any, path: str, value: Any) -> Any:
    """The same settings but for the value at this path."""
    name, _, rest = path.partition(".")
    if rest:
        value = with_value(getattr(settings, name), rest, value)
    return replace(settings, **{name: value})
