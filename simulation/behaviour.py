"""Honest scans of a genuine pack, including behaviour that resembles an attack.

Retries within a session, households with several phones, strangers scanning on a shelf,
resale, travellers by air, returns, inspections, a shown pack, a photo that goes round; and
what `simulation.owners` and `simulation.handling` add. None of it is an attack, and all of it
must pass without an alert.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Final

from authenticity.records.scan import Act
from simulation import handling as handled
from simulation.chain import Route
from simulation.cities import City, another_city, km_between, some_city
from simulation.draws import lognormal
from simulation.handling import NO_HANDLING, Handling
from simulation.journey import AIRPORT_HOURS, CRUISE_KMH, possible
from simulation.owners import ONE_LOOK, Owners, looks_again, sold_on, with_phone
from simulation.setting import share_of
from simulation.visits import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    Calendar,
    ScannedObject,
    ScannerSession,
    Spot,
    Visit,
    consumer,
    officer,
    shop,
    spot_in,
    till,
)
from simulation.world import Pack

_RESALE_MEDIAN_DAYS: Final = 45.0
_LEAST_RESALE_DAYS: Final = 7.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Probabilities for one pack, or one visit; each may be 0.

    `consumer` decides the detection ceiling. `sale_recorded` counts where no chain says
    which shops take part. `shown`: a shop's demonstration pack; `viral`: a photo of its
    code goes round. `fake_found` is an officer's chance to see that a pack is false.
    """

    consumer: Annotated[float, share_of("packs")] = 0.3
    retry: Annotated[float, share_of("sessions")] = 0.25
    household: Annotated[float, share_of("first looks")] = 0.10
    shelf: Annotated[float, share_of("packs")] = 0.03
    resale: Annotated[float, share_of("first looks")] = 0.02
    traveller: Annotated[float, share_of("first looks")] = 0.02
    sale_recorded: Annotated[float, share_of("packs")] = 0.15
    returned: Annotated[float, share_of("recorded sales")] = 0.03
    inspected: Annotated[float, share_of("packs")] = 0.03
    destroyed: Annotated[float, share_of("packs")] = 0.003
    shown: Annotated[float, share_of("packs")] = 0.0
    viral: Annotated[float, share_of("packs")] = 0.0
    fake_found: Annotated[float, share_of("inspected false packs")] = 0.5
    owners: Owners = field(default_factory=Owners)
    handling: Handling = field(default_factory=Handling)

    @property
    def are_plain(self) -> bool:
        """Whether there is nothing beside the shares of this class, as in the benchmark."""
        return self.owners == ONE_LOOK and self.handling == NO_HANDLING


def genuine_pack(pack: Pack) -> ScannedObject:
    """The genuine pack itself."""
    return ScannedObject(f"pack-{pack.index}", True, pack.item, lambda: pack.code)


def picture_of(pack: Pack) -> ScannedObject:
    """A picture of its code: a scan of it is no scan of a pack."""
    return ScannedObject(
        f"picture-{pack.index}", True, pack.item, lambda: pack.code, on_screen=True
    )


def home_city(pack: Pack, draw: Random, route: Route | None) -> City:
    """Where the pack is sold: at its shop, or somewhere in its markets."""
    return route.shop.city if route else some_city(draw, pack.batch.markets)


def sale_time(
    pack: Pack, draw: Random, calendar: Calendar, route: Route | None, shelf_days: float
) -> float:
    """When a pack that nobody touches is sold; with a route, perhaps after the last day."""
    if route is not None:
        return route.arrives_s + (0.1 + draw.expovariate(1 / shelf_days)) * DAY_S
    return draw.uniform(first_sale(pack, calendar, None), calendar.end_s)


def first_sale(pack: Pack, calendar: Calendar, route: Route | None) -> float:
    """The earliest moment at which the pack may be in a shop."""
    if route is not None:
        return route.arrives_s
    released_at = pack.batch.released_at
    if released_at is None:
        return calendar.start_s
    return min(max(calendar.start_s, released_at.timestamp()), calendar.end_s)


def honest_life(
    pack: Pack,
    draw: Random,
    calendar: Calendar,
    rates: Rates,
    route: Route | None = None,
    *,
    shelf_days: float = 20.0,
    sold_s: float | None = None,
    city: City | None = None,
    scanned: ScannedObject | None = None,
) -> list[Visit]:
    """Every reading of a genuine pack that nobody attacks; often none.

    `sold_s` and `city` fix the sale; otherwise they are drawn. `scanned` stands in the
    pack's place.
    """
    scanned = scanned or genuine_pack(pack)
    city = city or home_city(pack, draw, route)
    if sold_s is None:
        sold_s = sale_time(pack, draw, calendar, route, shelf_days)
    visits = shipment(scanned, route) if route else []
    if draw.random() < rates.inspected:
        inspected_s = route.border_s if route else sold_s - draw.uniform(1, 10) * DAY_S
        inspected = inspection(scanned, draw, city, inspected_s)
        if rates.handling.refused and draw.random() < rates.handling.refused:
            visits += handled.refused(inspected, draw, sold_s, rates.handling)
        else:
            visits.append(inspected)
    if draw.random() < rates.shelf:
        visits += _on_the_shelf(scanned, draw, city, sold_s, route)
    if draw.random() < (route.shop.records if route else rates.sale_recorded):
        visits += _sale(scanned, draw, city, sold_s, rates, route)
    around = _handled(scanned, draw, pack, calendar, city, sold_s, rates, route)
    visits += around
    if draw.random() < rates.consumer:
        opened_s = sold_s + draw.expovariate(1 / (12 * HOUR_S)) + HOUR_S
        opened_s = handled.opened_between(opened_s, sold_s, around)
        visits += at_home(scanned, draw, city, opened_s, rates)
        visits += _later(scanned, draw, pack, city, opened_s, rates)
    if draw.random() < rates.destroyed:
        visits = _until_destroyed(scanned, draw, city, visits, sold_s)
    elif (rare := draw.random()) < rates.shown:
        visits += _shown(scanned, draw, city, sold_s)
    elif rare < rates.shown + rates.viral:
        visits += _viral(picture_of(pack), draw, calendar, sold_s)
    return calendar.within(visits if rates.are_plain else possible(visits))


def shipment(scanned: ScannedObject, route: Route) -> list[Visit]:
    """What partners report of the case that this pack is in."""
    return [
        Visit(
            scanned, reading.scanner, reading.at_s, reading.spot,
            "parallel-trade" if reading.act else "shipment", reading.act, route.sscc,
        )
        for reading in route.readings
    ]  # fmt: skip


def at_home(
    scanned: ScannedObject, draw: Random, city: City, at_s: float, rates: Rates
) -> list[Visit]:
    """A consumer's first scan, with retries, and sometimes a second phone of the household."""
    home, owner, owners = spot_in(draw, city), consumer(draw), rates.owners
    visits = _session_scans(scanned, owner, draw, home, at_s, rates, "first look")
    if draw.random() < rates.household:
        for _ in range(draw.randint(1, owners.household_most)):
            later_s = at_s + draw.uniform(1 * MINUTE_S, 2 * DAY_S)
            visits += _session_scans(
                scanned, consumer(draw), draw, home, later_s, rates, "household"
            )
    if owners.have_phones:
        visits += looks_again(scanned, owner, draw, city, home, at_s, owners)
    if owners.sold_on:
        visits += sold_on(scanned, draw, city, at_s, owners)
    return visits if rates.are_plain else possible(visits)


def inspection(scanned: ScannedObject, draw: Random, city: City, at_s: float) -> Visit:
    """An officer finds nothing wrong."""
    scanner, spot = officer(draw, city), spot_in(draw, city)
    return Visit(scanned, scanner, at_s, spot, "inspection", Act.INSPECT_CONFORMANT)


def recorded_sale(
    scanned: ScannedObject, draw: Random, city: City, at_s: float, route: Route | None = None
) -> Visit:
    """A till takes the item out of stock."""
    if route is not None:
        scanner, spot = till(draw, route.shop.name), route.shop.spot
    else:
        scanner, spot = shop(draw, city), spot_in(draw, city)
    return Visit(scanned, scanner, at_s, spot, "sale", Act.SELL)


def _session_scans(
    scanned: ScannedObject,
    scanner: ScannerSession,
    draw: Random,
    spot: Spot,
    at_s: float,
    rates: Rates,
    behaviour: str,
) -> list[Visit]:
    owners = rates.owners
    visits = [Visit(scanned, with_phone(scanner, owners, at_s), at_s, spot, behaviour)]
    if draw.random() < rates.retry:
        for _ in range(draw.randint(1, 3)):
            at_s += draw.uniform(2, 3 * MINUTE_S)
            visits.append(Visit(scanned, with_phone(scanner, owners, at_s), at_s, spot, "retry"))
    return visits


def _handled(
    scanned: ScannedObject,
    draw: Random,
    pack: Pack,
    calendar: Calendar,
    city: City,
    sold_s: float,
    rates: Rates,
    route: Route | None,
) -> list[Visit]:
    """What others than buyers and partners do with it. Draws nothing for a share of 0."""
    handling, owners, visits = rates.handling, rates.owners, list[Visit]()

    def happens(share: float) -> bool:
        return share > 0 and draw.random() < share

    if happens(handling.clerks):
        shop_name, spot = (
            (route.shop.name, route.shop.spot) if route else (city.name, spot_in(draw, city))
        )
        visits.append(handled.at_the_counter(scanned, draw, shop_name, spot, sold_s, owners))
    stays = list[Visit]()  # one of the three at most: their union is as likely as if all might be
    if happens(handling.clinics):
        stays += handled.at_clinic(scanned, draw, city, sold_s, calendar, handling, owners)
    if happens(handling.aid) and not stays:
        nurse = f"{pack.batch.batch_id}-{pack.index // handling.aid_packs}"
        stays.append(handled.aid(scanned, draw, city, sold_s, calendar, nurse, owners))
    if happens(handling.parcels * rates.consumer) and not stays:
        stays.append(handled.parcel(scanned, draw, city, sold_s, calendar))
    visits += stays
    if happens(handling.listed):
        visits += handled.listed(picture_of(pack), draw, city, sold_s, handling)
    if happens(handling.displayed):
        spot = route.shop.spot if route else spot_in(draw, city)
        shelved_s = first_sale(pack, calendar, route)
        visits += handled.displayed(scanned, draw, spot, shelved_s, sold_s, handling)
    return visits


def _on_the_shelf(
    scanned: ScannedObject, draw: Random, city: City, sold_s: float, route: Route | None
) -> list[Visit]:
    """Strangers in a shop, in the days before it was sold."""
    spot = route.shop.spot if route else spot_in(draw, city)
    shelved_s = route.arrives_s if route else sold_s - 5 * DAY_S
    first_s = max(shelved_s, sold_s - 5 * DAY_S)
    return [
        Visit(scanned, consumer(draw), draw.uniform(first_s, sold_s), spot, "shelf")
        for _ in range(draw.randint(1, 4))
    ]


def _sale(
    scanned: ScannedObject,
    draw: Random,
    city: City,
    sold_s: float,
    rates: Rates,
    route: Route | None,
) -> list[Visit]:
    """Once, or brought back, put in stock again and sold by the same shop."""
    sale = recorded_sale(scanned, draw, city, sold_s, route)
    if again := list(handled.sold_twice(sale, draw, rates.handling)):
        return [sale, *again]
    if draw.random() >= rates.returned:
        return [sale]
    back_s = sold_s + draw.uniform(1, 5) * DAY_S
    back = sale._replace(at_s=back_s, behaviour="return", act=Act.REACTIVATE)
    return [sale, back, sale._replace(at_s=back_s + draw.uniform(0.1, 3) * DAY_S)]


def _later(
    scanned: ScannedObject, draw: Random, pack: Pack, city: City, opened_s: float, rates: Rates
) -> list[Visit]:
    """The same item, honestly, somewhere else: no faster than an aeroplane."""
    visits: list[Visit] = []
    if draw.random() < rates.traveller:
        there = another_city(draw, city)
        flight_s = (km_between(city, there) / CRUISE_KMH + AIRPORT_HOURS) * HOUR_S
        at_s = opened_s + flight_s + draw.uniform(0, 48) * HOUR_S
        spot = spot_in(draw, there)
        visits += _session_scans(scanned, consumer(draw), draw, spot, at_s, rates, "traveller")
    if draw.random() < rates.resale:
        there = another_city(draw, city, pack.batch.markets)
        days = max(_LEAST_RESALE_DAYS, lognormal(draw, _RESALE_MEDIAN_DAYS, 0.8))
        spot = spot_in(draw, there)
        at_s = opened_s + days * DAY_S
        visits += _session_scans(scanned, consumer(draw), draw, spot, at_s, rates, "resale")
    return visits


def _until_destroyed(
    scanned: ScannedObject, draw: Random, city: City, visits: list[Visit], sold_s: float
) -> list[Visit]:
    """Taken off the shelf instead of sold: nobody sees it afterwards."""
    scanner, spot = officer(draw, city), spot_in(draw, city)
    end = Visit(scanned, scanner, sold_s, spot, "destruction", Act.DESTROY)
    before = [visit for visit in visits if visit.at_s < sold_s and visit.act is not Act.SELL]
    return [*before, end]


def _shown(scanned: ScannedObject, draw: Random, city: City, from_s: float) -> list[Visit]:
    """A shop's demonstration pack: hundreds of visitors scan it in one place."""
    spot = spot_in(draw, city)
    until_s = from_s + draw.uniform(5, 40) * DAY_S
    return [
        Visit(scanned, consumer(draw), draw.uniform(from_s, until_s), spot, "shown")
        for _ in range(draw.randint(100, 600))
    ]


def _viral(picture: ScannedObject, draw: Random, calendar: Calendar, from_s: float) -> list[Visit]:
    """A photo of one code goes round: scanned from the screen, anywhere, within days."""
    from_s = max(from_s, calendar.start_s)
    days = draw.uniform(2, 8)
    return [
        Visit(
            picture, consumer(draw), from_s + min(draw.expovariate(3 / days), 3 * days) * DAY_S,
            spot_in(draw, some_city(draw)), "viral",
        )
        for _ in range(draw.randint(200, 1_500))
    ]  # fmt: skip
