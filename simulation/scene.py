"""What an attack takes place in, and the steps that several families share."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final, NamedTuple

from authenticity.gs1.item import ItemId
from authenticity.records.scan import Act
from simulation.attackers import USUAL, Attackers
from simulation.attacks import Attack
from simulation.behaviour import (
    Rates,
    at_home,
    first_sale,
    honest_life,
    sale_time,
)
from simulation.ceiling import any_of
from simulation.chain import Route
from simulation.cities import City, cities_of, some_city
from simulation.handling import Handling, with_ground
from simulation.visits import DAY_S, Calendar, ScannedObject, Visit, officer, spot_in
from simulation.world import CodeSigner, Pack

_MARGIN_DAYS: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One pack under attack. Chance comes from `draw` and `common` alone.

    `common` is the same for all packs of one attack: families draw from it first, and the
    same numbers whichever pack it is. `thief` is the maker's own key, stolen, where the
    simulation holds it. One serial goes on `most_copies` packs at most.
    """

    attack: Attack
    pack: Pack
    draw: Random
    common: Random
    calendar: Calendar
    rates: Rates
    forger: CodeSigner
    thief: CodeSigner | None = None
    route: Route | None = None
    shelf_days: float = 20.0
    most_copies: int = 200
    attackers: Attackers = USUAL

    @property
    def available_s(self) -> float:
        """From when on the pack can be met in a shop."""
        return first_sale(self.pack, self.calendar, self.route)

    @property
    def latest_s(self) -> float:
        """What is sold by then is opened before the last day ends."""
        return self.calendar.end_s - min(_MARGIN_DAYS, 0.1 * self.calendar.days) * DAY_S


class Concern(NamedTuple):
    """One code that an attack is about, and how likely its scans are to tell.

    `fakes` packs carry it beside the original, each scanned with `scan_probability`.
    """

    item: ItemId
    fakes: int
    scan_probability: float
    original_scan_probability: float
    ceiling: float


class Life(NamedTuple):
    """Every visit to a victim and to everything that carries its code.

    `begins_s` is when the attackers' goods or scans first appear. `publisher` and
    `sessions` are the attackers' own, where they scan.
    """

    visits: list[Visit]
    concerns: tuple[Concern, ...]
    begins_s: float
    style: str = ""
    publisher: str | None = None
    sessions: tuple[str, ...] = ()


class Wave(NamedTuple):
    """When false packs are sold."""

    begins_s: float
    ends_s: float


def wave_after(scene: Scene, after_s: float) -> Wave:
    """A part of the calendar, after this moment. Draws from `common`."""
    attackers = scene.attackers
    share = scene.common.uniform(attackers.shortest_wave, attackers.longest_wave)
    shift = scene.common.random()
    room_s = max(0.05 * scene.calendar.days * DAY_S, scene.latest_s - after_s)
    length_s = min(share * scene.calendar.days * DAY_S, room_s)
    begins_s = min(after_s, scene.latest_s) + shift * max(0.0, room_s - length_s)
    return Wave(begins_s, max(begins_s, min(begins_s + length_s, scene.latest_s)))


def outlets(scene: Scene) -> list[City]:
    """Cities in some countries, by inhabitants, the same one perhaps twice. Draws from
    `common`."""
    common, attackers = scene.common, scene.attackers
    most_countries = common.randint(1, attackers.countries_most)
    countries = {some_city(common).country for _ in range(most_countries)}
    cities = cities_of(tuple(sorted(countries)))
    number = common.randint(attackers.outlets_least, attackers.outlets_most)
    return common.choices(cities, [city.millions for city in cities], k=number)


def untouched(
    scene: Scene,
    *,
    sold_s: float | None = None,
    city: City | None = None,
    scanned: ScannedObject | None = None,
) -> list[Visit]:
    """What happens to a pack meanwhile, which is sold before the last days."""
    if sold_s is None:
        draw, route = scene.draw, scene.route
        sold_s = sale_time(scene.pack, draw, scene.calendar, route, scene.shelf_days)
    return honest_life(
        scene.pack,
        scene.draw,
        scene.calendar,
        replace(scene.rates, destroyed=0.0, shown=0.0, viral=0.0),
        scene.route,
        sold_s=max(scene.calendar.start_s, min(sold_s, scene.latest_s)),
        city=city,
        scanned=scanned,
    )


def original_seen(scene: Scene) -> float:
    """P(the genuine pack is scanned as an item, by anybody at all)."""
    rates, route, handling = scene.rates, scene.route, scene.rates.handling
    recorded = float(route.shop.records) if route else rates.sale_recorded
    by_others = any_of(
        handling.clinics, handling.clerks, handling.aid, handling.parcels * rates.consumer
    )
    return any_of(rates.consumer, rates.shelf, recorded, rates.inspected, by_others)


def fake_seen(scene: Scene) -> float:
    """P(one false pack is scanned): by a consumer, or by an officer before."""
    return any_of(scene.rates.consumer, scene.rates.inspected)


def copies_of(pack: Pack, number: int) -> list[ScannedObject]:
    """False packs that carry this pack's code."""
    return [
        ScannedObject(f"copy-{pack.index}-{n}", False, pack.item, lambda: pack.code)
        for n in range(number)
    ]


def sold(
    scene: Scene, scanned_objects: list[ScannedObject], where: Callable[[], City], wave: Wave
) -> list[Visit]:
    """False packs reach consumers within one wave; few of them are ever scanned."""
    visits: list[Visit] = []
    for scanned in scanned_objects:
        consumer_scans = scene.draw.random() < scene.rates.consumer
        inspected = scene.draw.random() < scene.rates.inspected
        if consumer_scans or inspected:
            at_s = scene.draw.uniform(*wave)
            visits += sold_one(scene, scanned, where(), at_s, consumer_scans, inspected)
    return scene.calendar.within(visits)


def sold_one(
    scene: Scene,
    scanned: ScannedObject,
    city: City,
    at_s: float,
    consumer_scans: bool,
    inspected: bool,
) -> list[Visit]:
    """An officer may see that it is false, and take it; otherwise a consumer may scan it."""
    draw = scene.draw
    visits: list[Visit] = []
    if inspected:
        scanner, spot = officer(draw, city), spot_in(draw, city)
        inspection = Visit(scanned, scanner, at_s, spot, "inspection", Act.INSPECT_CONFORMANT)
        if draw.random() < scene.rates.fake_found:
            seized_s = at_s + draw.uniform(60, 3_600)
            return _found_false(inspection, seized_s, scene.rates.handling)
        visits.append(inspection)
    if consumer_scans:
        opened_s = at_s + draw.uniform(0.1, 2) * DAY_S
        visits += at_home(scanned, draw, city, opened_s, scene.rates)
    return visits


def _found_false(inspection: Visit, seized_s: float, handling: Handling) -> list[Visit]:
    """The officer refuses it and takes it, for the same ground."""
    refusal = inspection._replace(act=Act.INSPECT_NONCONFORMANT)
    refusal = with_ground(refusal, handling, is_false=True)
    return [refusal, refusal._replace(at_s=seized_s, behaviour="seizure", act=Act.SEIZE)]
