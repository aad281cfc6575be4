"""What the owner of a pack does after the first look: looks again, travels, moves, sells it on.

Each owner has one phone. Its habits (a tunnel, GPS, a clock that is off) last, its session
lives for some time, and its network and place follow from where it is: see `simulation.phones`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Annotated, Final, NamedTuple

from simulation.cities import City, another_city, city_abroad
from simulation.draws import lognormal, stamp_of
from simulation.journey import travel_s
from simulation.setting import Setting, share_of
from simulation.visits import (
    DAY_S,
    ScannedObject,
    ScannerSession,
    Spot,
    Visit,
    consumer,
    phone_session,
    spot_in,
)

_MOST_LOOKS: Final = 100
_MOST_OWNERS: Final = 12


@dataclass(frozen=True, slots=True)
class Owners:
    """What those do who scanned a pack once. All 0: nothing more, as in the benchmark.

    `again` look when they please, the days between two looks being exponential, for
    `again_for_days`; `regular` at a fixed distance, give or take 15 %. A share `elsewhere` of
    these looks is made from another spot of the city. A `session_days` of 0 is a new session
    at every scan. `sold_on` is the mean number of further owners, each in another city of the
    world, who look once.
    """

    again: Annotated[float, share_of("owners")] = 0.0
    again_days: Annotated[float, Setting("days between looks, mean", 0.1, 365)] = 20.0
    again_for_days: Annotated[float, Setting("days", 1, 1_000)] = 150.0
    regular: Annotated[float, share_of("owners")] = 0.0
    regular_days: Annotated[float, Setting("days between looks", 0.5, 90)] = 7.0
    regular_for_days: Annotated[float, Setting("days", 1, 1_000)] = 120.0
    elsewhere: Annotated[float, share_of("later looks")] = 0.0
    holiday: Annotated[float, share_of("owners")] = 0.0
    moved: Annotated[float, share_of("owners, to another country for good")] = 0.0
    household_most: Annotated[int, Setting("more phones of a household", 1, 20)] = 2
    session_days: Annotated[float, Setting("days that a session lives", 0, 1_000)] = 365.0
    sold_on: Annotated[float, Setting("further owners of a pack, mean", 0, 10)] = 0.0
    sold_on_days: Annotated[float, Setting("days with each owner, median", 1, 365)] = 40.0

    @property
    def have_phones(self) -> bool:
        """Whether anything depends on which phone it was."""
        shares = self.again + self.regular + self.holiday + self.moved
        return shares > 0 or self.session_days != _ONE_SESSION


_ONE_SESSION: Final = 365.0
ONE_LOOK: Final = Owners()
"""Those of the benchmark."""


class Stay(NamedTuple):
    """Where an owner is for some time; between two stays they travel and scan nothing."""

    from_s: float
    until_s: float
    spot: Spot
    behaviour: str


def with_phone(scanner: ScannerSession, owners: Owners, at_s: float) -> ScannerSession:
    """The session that this person's phone is in at that time."""
    if not owners.have_phones:
        return scanner
    return phone_session(scanner.phone or scanner.session, at_s, owners.session_days)


def looks_again(
    scanned: ScannedObject,
    scanner: ScannerSession,
    draw: Random,
    city: City,
    home: Spot,
    at_s: float,
    owners: Owners,
) -> Iterator[Visit]:
    """All looks of the owner after the one at `at_s`; the calendar's end is not checked."""
    stays = _stays(draw, city, home, at_s, owners)
    work = spot_in(draw, city)
    for look_s, behaviour in sorted(_looks(draw, at_s, stays, owners)):
        stay = next((each for each in stays if each.from_s <= look_s < each.until_s), None)
        if stay is None:
            continue
        spot = stay.spot
        if spot is home and owners.elsewhere and draw.random() < owners.elsewhere:
            spot = work
        now = with_phone(scanner, owners, look_s)
        yield Visit(
            scanned, now, look_s, spot, stay.behaviour or behaviour,
            home=home if stay.behaviour else None,
        )  # fmt: skip


def _stays(draw: Random, city: City, home: Spot, at_s: float, owners: Owners) -> tuple[Stay, ...]:
    """At home; or on a holiday between; or in another country from some day on."""
    chance = draw.random()
    if chance >= owners.holiday + owners.moved:
        return (Stay(-inf, inf, home, ""),)
    there = city_abroad(draw, (city.country,))
    spot = spot_in(draw, there)
    leaves_s = at_s + draw.uniform(0.1, 60) * DAY_S
    flight_s = travel_s(home, spot)
    first = Stay(-inf, leaves_s, home, "")
    if chance < owners.moved:
        return first, Stay(leaves_s + flight_s, inf, spot, "moved")
    back_s = leaves_s + flight_s + draw.uniform(3, 21) * DAY_S
    return (
        first,
        Stay(leaves_s + flight_s, back_s, spot, "holiday"),
        Stay(back_s + flight_s, inf, home, ""),
    )


def _looks(
    draw: Random, at_s: float, stays: tuple[Stay, ...], owners: Owners
) -> Iterator[tuple[float, str]]:
    """When the owner looks, and why. Whoever goes abroad looks there up to three times."""
    chance = draw.random()
    if chance < owners.again:
        until_s = at_s + owners.again_for_days * DAY_S
        look_s = at_s + draw.expovariate(1 / owners.again_days) * DAY_S
        for _ in range(_MOST_LOOKS):
            if look_s >= until_s:
                break
            yield look_s, "looks again"
            look_s += draw.expovariate(1 / owners.again_days) * DAY_S
    elif chance < owners.again + owners.regular:
        until_s = at_s + owners.regular_for_days * DAY_S
        look_s = at_s + owners.regular_days * DAY_S
        for _ in range(_MOST_LOOKS):
            if look_s >= until_s:
                break
            yield look_s, "regular look"
            look_s += owners.regular_days * draw.uniform(0.85, 1.15) * DAY_S
    for stay in stays[1:2]:
        for _ in range(draw.randint(1, 3)):
            until_s = min(stay.until_s, stay.from_s + 30 * DAY_S)
            yield draw.uniform(stay.from_s, until_s), stay.behaviour


def sold_on(
    scanned: ScannedObject, draw: Random, city: City, at_s: float, owners: Owners
) -> Iterator[Visit]:
    """One owner after another, each in another city, each looks once in a session of their own."""
    another = owners.sold_on / (1 + owners.sold_on)
    for _ in range(_MOST_OWNERS):
        if draw.random() >= another:
            return
        city = another_city(draw, city)
        at_s += max(3.0, lognormal(draw, owners.sold_on_days, 0.8)) * DAY_S
        yield Visit(scanned, consumer(draw), at_s, spot_in(draw, city), "sold on")


def phone_of(*name: str | int) -> str:
    """The id of a phone that is known by name, such as a nurse's."""
    return stamp_of(0, "phone", *name)
