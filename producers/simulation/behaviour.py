"""What honest people do with a genuine pack, and everything that looks odd about it.

Retries within a session, households with several phones, strangers scanning on a shelf,
resale, travellers by air, returns, inspections. None of it is an attack, and all of it
must pass without an alert.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from authenticity.scan import Act
from producers.simulation.cities import City, another_city, km_between, some_city
from producers.simulation.visits import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    Calendar,
    Reader,
    Spot,
    Subject,
    Visit,
    consumer,
    officer,
    shop,
    spot_in,
)
from producers.simulation.world import Pack

_CRUISE_KMH: Final = 850.0
_AIRPORT_HOURS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Probabilities for one pack, or one visit. `consumer` decides the detection ceiling."""

    consumer: float = 0.3
    retry: float = 0.25
    household: float = 0.10
    shelf: float = 0.03
    resale: float = 0.02
    traveller: float = 0.02
    sale_recorded: float = 0.15
    returned: float = 0.03
    inspected: float = 0.03
    destroyed: float = 0.003


def own_subject(pack: Pack) -> Subject:
    """The genuine pack itself."""
    return Subject(f"pack-{pack.index}", True, pack.item, lambda: pack.code)


def honest_life(pack: Pack, draw: Random, calendar: Calendar, rates: Rates) -> list[Visit]:
    """Every reading of a genuine pack that nobody attacks; often none."""
    subject = own_subject(pack)
    city = some_city(draw, pack.batch.markets)
    released_at = pack.batch.released_at
    first_s = calendar.start_s
    if released_at is not None:
        first_s = min(max(first_s, released_at.timestamp()), calendar.end_s)
    sold_s = draw.uniform(first_s, calendar.end_s)
    visits: list[Visit] = []
    if draw.random() < rates.inspected:
        visits.append(inspection(subject, draw, city, sold_s - draw.uniform(1, 10) * DAY_S))
    if draw.random() < rates.shelf:
        visits += _on_the_shelf(subject, draw, city, sold_s)
    if draw.random() < rates.sale_recorded:
        visits += _sale(subject, draw, city, sold_s, rates)
    if draw.random() < rates.consumer:
        opened_s = sold_s + draw.expovariate(1 / (12 * HOUR_S)) + HOUR_S
        visits += at_home(subject, draw, city, opened_s, rates)
        visits += _later(subject, draw, pack, city, opened_s, rates)
    if draw.random() < rates.destroyed:
        return calendar.within(_until_destroyed(subject, draw, city, visits, sold_s))
    return calendar.within(visits)


def at_home(subject: Subject, draw: Random, city: City, at_s: float, rates: Rates) -> list[Visit]:
    """A consumer's first look, with retries, and sometimes a second phone of the household."""
    home = spot_in(draw, city)
    visits = _looks(subject, consumer(draw), draw, home, at_s, rates, "first look")
    if draw.random() < rates.household:
        for _ in range(draw.randint(1, 2)):
            later_s = at_s + draw.uniform(1 * MINUTE_S, 2 * DAY_S)
            visits += _looks(subject, consumer(draw), draw, home, later_s, rates, "household")
    return visits


def inspection(subject: Subject, draw: Random, city: City, at_s: float) -> Visit:
    """An officer finds nothing wrong."""
    reader, spot = officer(draw, city), spot_in(draw, city)
    return Visit(subject, reader, at_s, spot, "inspection", Act.INSPECT_CONFORMANT)


def recorded_sale(subject: Subject, draw: Random, city: City, at_s: float) -> Visit:
    """A till takes the item out of stock."""
    return Visit(subject, shop(draw, city), at_s, spot_in(draw, city), "sale", Act.SELL)


def _looks(
    subject: Subject,
    reader: Reader,
    draw: Random,
    spot: Spot,
    at_s: float,
    rates: Rates,
    behaviour: str,
) -> list[Visit]:
    visits = [Visit(subject, reader, at_s, spot, behaviour)]
    if draw.random() < rates.retry:
        for _ in range(draw.randint(1, 3)):
            at_s += draw.uniform(2, 3 * MINUTE_S)
            visits.append(Visit(subject, reader, at_s, spot, "retry"))
    return visits


def _on_the_shelf(subject: Subject, draw: Random, city: City, sold_s: float) -> list[Visit]:
    """Strangers in a shop, in the days before it was sold."""
    spot = spot_in(draw, city)
    return [
        Visit(subject, consumer(draw), sold_s - draw.uniform(0, 5) * DAY_S, spot, "shelf")
        for _ in range(draw.randint(1, 4))
    ]


def _sale(subject: Subject, draw: Random, city: City, sold_s: float, rates: Rates) -> list[Visit]:
    """Once, or brought back, put in stock again and sold by the same shop."""
    sale = recorded_sale(subject, draw, city, sold_s)
    if draw.random() >= rates.returned:
        return [sale]
    back_s = sold_s + draw.uniform(1, 5) * DAY_S
    back = sale._replace(at_s=back_s, behaviour="return", act=Act.REACTIVATE)
    return [sale, back, sale._replace(at_s=back_s + draw.uniform(0.1, 3) * DAY_S)]


def _later(
    subject: Subject, draw: Random, pack: Pack, city: City, opened_s: float, rates: Rates
) -> list[Visit]:
    """The same item, honestly, somewhere else: no faster than an aeroplane."""
    visits: list[Visit] = []
    if draw.random() < rates.traveller:
        there = another_city(draw, city)
        flight_s = (km_between(city, there) / _CRUISE_KMH + _AIRPORT_HOURS) * HOUR_S
        at_s = opened_s + flight_s + draw.uniform(0, 48) * HOUR_S
        spot = spot_in(draw, there)
        visits += _looks(subject, consumer(draw), draw, spot, at_s, rates, "traveller")
    if draw.random() < rates.resale:
        there = another_city(draw, city, pack.batch.markets)
        at_s = opened_s + draw.uniform(7, 60) * DAY_S
        spot = spot_in(draw, there)
        visits += _looks(subject, consumer(draw), draw, spot, at_s, rates, "resale")
    return visits


def _until_destroyed(
    subject: Subject, draw: Random, city: City, visits: list[Visit], sold_s: float
) -> list[Visit]:
    """Taken off the shelf instead of sold: nobody sees it afterwards."""
    reader, spot = officer(draw, city), spot_in(draw, city)
    end = Visit(subject, reader, sold_s, spot, "destruction", Act.DESTROY)
    before = [visit for visit in visits if visit.at_s < sold_s and visit.act is not Act.SELL]
    return [*before, end]
