"""One pack's whole traffic: its visits, attacks on it, noise, and the truth about each scan.

When a perfect observer, who sees what is held at each reading but not the attacker, could
first know (`Truth.first_detectable_at`), by arrival and for each code of its own:

* a code on several packs: the second of them is read. A reading of a case's label is no
  reading of the packs in it, and a picture on a screen is no pack;
* a code that was never issued: it is read;
* diversion: the pack is read outside its batch's markets;
* relabelling: the print is read;
* poisoning: a picture of the code is scanned.

A text that a scanner mangled is no reading of any code.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Annotated, Final, NamedTuple

from authenticity.gs1.item import ItemId
from authenticity.records.batch import Batch
from authenticity.records.scan import Scan, from_epoch_ms
from simulation.attacked import attacked_life, record_of
from simulation.attackers import Attackers
from simulation.attacks import (
    COPYING,
    FAMILIES,
    Attack,
    AttackFamily,
    AttackPlan,
    plan_attacks,
)
from simulation.behaviour import Rates, honest_life
from simulation.ceiling import AttackRecord
from simulation.chain import Chain, Routes
from simulation.draws import stream_of
from simulation.noise import MANGLING, Noise, Report, reports_of
from simulation.scene import Life, Scene
from simulation.setting import Setting, check_settings, share_of
from simulation.truth import TRUTH_FORMAT, Thing, Truth
from simulation.visits import Calendar, ScannedObject
from simulation.world import DEFAULT_START, Pack, World


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that decides a simulation. The defaults are a small and lively world.

    `attack_rate` is attacks per item, of `families` in turn. `scan_rates`: each product has
    one of them as its share of packs that a consumer scans; empty for `rates.consumer`.
    `chain` None: packs are in the shops from the first day. `production_days` 0: all are
    made before it. One serial goes on `most_copies` packs at most, and an attack on many
    packs takes up to `most_times` as many as `PACKS_TAKEN`.
    """

    seed: int
    items: int
    makers: Annotated[int, Setting("makers", 1, 100)] = 2
    days: Annotated[int, Setting("days", 1, 3_650)] = 30
    attack_rate: Annotated[float, Setting("attacks for each pack", 0, 1)] = 0.005
    start: datetime = DEFAULT_START
    rates: Rates = field(default_factory=Rates)
    noise: Noise = field(default_factory=Noise)
    families: tuple[AttackFamily, ...] = FAMILIES
    scan_rates: Annotated[tuple[float, ...], share_of("packs, by product")] = ()
    chain: Chain | None = None
    production_days: Annotated[int, Setting("days", 0, 3_650)] = 0
    most_copies: Annotated[int, Setting("packs with one serial", 1, 100_000)] = 200
    most_times: Annotated[float, Setting("times the fewest packs", 1, 100)] = 1.0
    attackers: Attackers = field(default_factory=Attackers)


BENCHMARK: Final = Scenario(
    seed=1,
    items=1_000_000,
    makers=20,
    days=300,
    attack_rate=0.0005,
    rates=Rates(inspected=0.01, shown=2e-5, viral=1e-5),
    noise=Noise(late_officers=1.0),
    scan_rates=(0.01, 0.05, 0.10, 0.30),
    chain=Chain(),
    production_days=150,
    most_copies=10_000,
    most_times=10.0,
)
"""The world of docs/reference/detection-benchmark.md; `replace` seed and items."""


class Line(NamedTuple):
    """One line of the scans file and the line of the truth file beside it."""

    scan: Scan
    truth: Truth


class Traffic:
    """The scans of any pack of a scenario, in any order and any process the same."""

    def __init__(self, scenario: Scenario) -> None:
        check_settings(scenario)
        self.scenario = scenario
        chain = scenario.chain
        self.world = World(
            scenario.seed,
            scenario.items,
            makers=scenario.makers,
            days=scenario.days,
            start=scenario.start,
            production_days=scenario.production_days,
            late_manifests=scenario.noise.late_manifests,
            parallel_trade=chain.parallel_batches if chain else 0.0,
            undated=scenario.noise.undated,
        )
        self.plan: AttackPlan = plan_attacks(
            scenario.seed,
            scenario.items,
            scenario.attack_rate,
            batches=len(self.world.batches),
            families=scenario.families,
            most_times=scenario.most_times,
            case_packs=chain.case_packs if chain else 24,
        )
        end = scenario.start + timedelta(days=scenario.days)
        self._calendar = Calendar(scenario.start.timestamp(), end.timestamp())
        self._routes = Routes(self.world, chain) if chain else None
        self._shelf_days = chain.shelf_days if chain else 0.0
        self._rates = {rate: replace(scenario.rates, consumer=rate) for rate in scenario.scan_rates}

    def of_pack(self, index: int) -> list[Line]:
        """What arrives of this pack and of the false ones that go by its name."""
        seed, noise = self.scenario.seed, self.scenario.noise
        pack, attack = self.world.pack(index), self._attack_on(index)
        draw = stream_of(seed, "pack", index)
        if attack is not None:
            life = self._attacked(attack, pack, draw)
            return lines_of(reports_of(life.visits, draw, noise, seed), attack, life, pack)
        route = self._routes.route_of(index) if self._routes else None
        visits = honest_life(
            pack, draw, self._calendar, self.rates_of(index), route, shelf_days=self._shelf_days
        )
        return honest_lines(reports_of(visits, draw, noise, seed))

    def attack(self, number: int) -> AttackRecord | None:
        """The record of an attack, 0 to `plan.count` - 1; None if it cannot take place."""
        attack, taken = self.plan.attack(number)
        if self._attack_on(taken.start) is None:
            return None
        seed = self.scenario.seed
        lives = (
            self._attacked(attack, self.world.pack(index), stream_of(seed, "pack", index))
            for index in taken
        )
        return record_of(attack, lives)

    def attacks(self) -> Iterator[AttackRecord]:
        """The records of all attacks, whether or not they left a scan."""
        for number in range(self.plan.count):
            if (record := self.attack(number)) is not None:
                yield record

    def headers(self) -> list[tuple[datetime, Batch]]:
        """Every statement about a batch with its arrival, UTC, in that order."""
        headers = [each for number in self.world.batches for each in self.world.headers(number)]
        return sorted(headers, key=lambda header: (header[0], header[1].batch_id))

    def rates_of(self, index: int) -> Rates:
        """Probabilities for this pack, with its product's share of consumers who scan."""
        if not self._rates:
            return self.scenario.rates
        return self._rates[self.scan_probability(index)]

    def scan_probability(self, index: int) -> float:
        """With which a consumer scans a pack of this product."""
        if not self._rates:
            return self.scenario.rates.consumer
        return self._product_rate(self.world.product_number(self.world.batch_number(index)))

    @cache  # noqa: B019 - a few hundred products, and a Traffic lives as long as its process
    def _product_rate(self, product: int) -> float:
        """Every few products hold each rate once, in an order of their own."""
        rates = self.scenario.scan_rates
        turn, place = divmod(product, len(rates))
        return stream_of(self.scenario.seed, "scan rates", turn).sample(rates, len(rates))[place]

    def _attack_on(self, index: int) -> Attack | None:
        """The attack on this pack; None for a diversion of a pack that may be sold anywhere."""
        attack = self.plan.attack_on(index)
        if attack is None or attack.family is not AttackFamily.DIVERSION:
            return attack
        return attack if self.world.pack(index).batch.markets else None

    def _attacked(self, attack: Attack, pack: Pack, draw: Random) -> Life:
        scene = Scene(
            attack=attack,
            pack=pack,
            draw=draw,
            common=stream_of(self.scenario.seed, "common", attack.id),
            calendar=self._calendar,
            rates=self.rates_of(pack.index),
            forger=self.world.forger,
            thief=self.world.maker_of(self.world.batch_number(pack.index)).key,
            route=self._routes.route_of(pack.index) if self._routes else None,
            shelf_days=self._shelf_days,
            most_copies=self.scenario.most_copies,
            attackers=self.scenario.attackers,
        )
        return attacked_life(scene)


def honest_lines(reports: Sequence[Report]) -> list[Line]:
    """The reports of a pack that nobody attacks, with their labels."""
    return [Line(report.scan, _truth(report, None, None)) for report in reports]


def lines_of(reports: Sequence[Report], attack: Attack, life: Life, pack: Pack) -> list[Line]:
    """The reports of a pack under attack, with their labels: codes that the attack is not
    about are honest."""
    concerned = {concern.item for concern in life.concerns}
    known = first_detectable(reports, attack, pack.batch.markets)
    return [
        Line(report.scan, _truth(report, attack, known.get(report.visit.scanned.item)))
        if report.visit.scanned.item in concerned
        else Line(report.scan, _truth(report, None, None))
        for report in reports
    ]


def first_detectable(
    reports: Iterable[Report], attack: Attack, markets: Sequence[str]
) -> dict[ItemId, datetime]:
    """By code, the arrival with which a perfect observer could know."""
    packs: dict[ItemId, set[str]] = {}
    known: dict[ItemId, datetime] = {}
    for report in sorted(reports, key=lambda each: each.scan.received_at):
        visit = report.visit
        item = visit.scanned.item
        if item in known or visit.operation or not MANGLING.isdisjoint(report.noise):
            continue
        if not visit.scanned.on_screen:
            packs.setdefault(item, set()).add(visit.scanned.physical)
        if _reveals(report, attack.family, markets, len(packs.get(item, ()))):
            known[item] = report.scan.received_at
    return known


def _reveals(report: Report, family: AttackFamily, markets: Sequence[str], packs: int) -> bool:
    visit = report.visit
    if family in COPYING:
        return packs > 1
    match family:
        case AttackFamily.DIVERSION:
            return visit.spot.country not in markets
        case AttackFamily.RELABELLED:
            return visit.behaviour == "print read"
        case AttackFamily.POISONING:
            return visit.behaviour == "poisoning"
        case _:
            return not visit.scanned.genuine


def _truth(report: Report, attack: Attack | None, detectable_at: datetime | None) -> Truth:
    scan, visit = report.scan, report.visit
    scanned = visit.scanned
    return Truth(
        v=TRUTH_FORMAT,
        scan_id=scan.scan_id,
        publisher=scan.publisher,
        item=scanned.item,
        physical=scanned.physical,
        thing=_thing(scanned),
        genuine=scanned.genuine,
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


def _thing(scanned: ScannedObject) -> Thing:
    if scanned.on_screen:
        return Thing.SCREEN
    return Thing.PACK if scanned.genuine else Thing.FAKE
