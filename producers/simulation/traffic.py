"""One pack's whole traffic: its visits, attacks on it, noise, and the truth about each scan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from authenticity.scan import Scan, from_epoch_ms
from producers.simulation.attacks import (
    Attack,
    AttackFamily,
    AttackPlan,
    Scene,
    attacked_life,
    plan_attacks,
)
from producers.simulation.behaviour import Rates, honest_life
from producers.simulation.draws import stream_of
from producers.simulation.noise import Noise, Report, reports_of
from producers.simulation.truth import TRUTH_FORMAT, Truth
from producers.simulation.visits import Calendar
from producers.simulation.world import DEFAULT_START, Pack, World


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that decides a simulation. `attack_rate` is attacks per item."""

    seed: int
    items: int
    makers: int = 2
    days: int = 30
    attack_rate: float = 0.005
    start: datetime = DEFAULT_START
    rates: Rates = field(default_factory=Rates)
    noise: Noise = field(default_factory=Noise)


class Line(NamedTuple):
    """One line of the scans file and the line of the truth file beside it."""

    scan: Scan
    truth: Truth


class Traffic:
    """The scans of any pack of a scenario, in any order and any process the same."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.world = World(
            scenario.seed,
            scenario.items,
            makers=scenario.makers,
            days=scenario.days,
            start=scenario.start,
        )
        self.plan: AttackPlan = plan_attacks(scenario.seed, scenario.items, scenario.attack_rate)
        end = scenario.start + timedelta(days=scenario.days)
        self._calendar = Calendar(scenario.start.timestamp(), end.timestamp())

    def of_pack(self, index: int) -> list[Line]:
        """What arrives of this pack and of the false ones that go by its name."""
        seed = self.scenario.seed
        pack, attack = self.world.pack(index), self.plan.attack_on(index)
        if attack is not None and not _is_possible(attack, pack):
            attack = None
        draw = stream_of(seed, "pack", index)
        rates = self.scenario.rates
        if attack is None:
            visits = honest_life(pack, draw, self._calendar, rates)
        else:
            scene = Scene(pack, draw, self._calendar, rates, self.world.forger)
            visits = attacked_life(attack, scene)
        reports = reports_of(visits, draw, self.scenario.noise, seed)
        return lines_of(reports, attack, pack.batch.markets)


def lines_of(
    reports: Sequence[Report], attack: Attack | None, markets: Sequence[str]
) -> list[Line]:
    """The reports of the codes that one attack, or none, is about, with their labels."""
    detectable_at = first_detectable_at(reports, attack, markets) if attack else None
    return [Line(each.scan, _truth(each, attack, detectable_at)) for each in reports]


def first_detectable_at(
    reports: Iterable[Report], attack: Attack, markets: Sequence[str]
) -> datetime | None:
    """The arrival with which a perfect observer could know; see `Truth`."""
    physical: set[str] = set()
    for report in sorted(reports, key=lambda each: each.scan.received_at):
        subject = report.visit.subject
        physical.add(subject.physical)
        match attack.family:
            case AttackFamily.FORGED | AttackFamily.UNSIGNED:
                known = not subject.genuine and "mangled" not in report.noise
            case AttackFamily.DIVERSION:
                known = report.visit.spot.country not in markets
            case AttackFamily.COPIES | AttackFamily.FEW_COPIES | AttackFamily.REPLAY:
                known = len(physical) > 1
        if known:
            return report.scan.received_at
    return None


def _is_possible(attack: Attack, pack: Pack) -> bool:
    """What is meant for every market cannot be diverted."""
    return attack.family is not AttackFamily.DIVERSION or bool(pack.batch.markets)


def _truth(report: Report, attack: Attack | None, detectable_at: datetime | None) -> Truth:
    scan, visit = report.scan, report.visit
    return Truth(
        v=TRUTH_FORMAT,
        scan_id=scan.scan_id,
        publisher=scan.publisher,
        item=visit.subject.item,
        physical=visit.subject.physical,
        genuine=visit.subject.genuine,
        attack=attack.family if attack else None,
        attack_id=attack.id if attack else None,
        behaviour=visit.behaviour,
        noise=report.noise,
        true_at=from_epoch_ms(round(visit.at_s * 1000)),
        true_lat=round(visit.spot.lat, 4),
        true_lon=round(visit.spot.lon, 4),
        true_country=visit.spot.country,
        first_detectable_at=detectable_at,
    )
