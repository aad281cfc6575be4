"""An item's sightings as looks: who looked at it when, from where, and how surely there.

A session is one look, however often it scanned: its first capture, at the surest place it
named. A session whose own places lie apart is no witness of place: a phone does not jump,
so it stands for a device that invents its places, or hides them.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from math import acos, cos, radians, sin
from typing import Final, NamedTuple

from authenticity.detection.policy import ClonePolicy, Policy
from authenticity.history.observation import (
    CHANNELS,
    EARTH_RADIUS_KM,
    SOURCES,
    Sighting,
    accuracy_km,
    degrees_of,
)
from authenticity.records.scan import Channel, PlaceSource

MOST_KNOWN: Final = 6
MOST_OTHERS: Final = 12
_OFFICIAL: Final = frozenset({Channel.CUSTOMS, Channel.POLICE})


class Surety(IntEnum):
    """How much a look's place is worth, most first."""

    TRUSTED = 0
    PRECISE = 1
    FIXED_LINE = 2
    MOBILE = 3
    NOWHERE = 4


_SURETY: Final = {
    PlaceSource.GPS: Surety.PRECISE,
    PlaceSource.WIFI: Surety.PRECISE,
    PlaceSource.FIXED_IP: Surety.FIXED_LINE,
    PlaceSource.MOBILE_IP: Surety.MOBILE,
    PlaceSource.DECLARED: Surety.NOWHERE,
    None: Surety.NOWHERE,
}


class Look(NamedTuple):
    """`at_ms` since 1970 UTC. `x`, `y`, `z`: the place as a unit vector from the earth's
    centre; `radius_km` around it the device was, by its source's factor. All 0 nowhere."""

    at_ms: int
    session: int
    surety: Surety
    x: float
    y: float
    z: float
    radius_km: float
    country: str
    is_own: bool
    is_official: bool
    jumps: bool


@lru_cache(64)
def own_numbers(own_supply_chain: frozenset[Channel]) -> frozenset[int]:
    """These channels, as sightings have them."""
    return frozenset(CHANNELS.index(channel) for channel in own_supply_chain)


def looks_of(genuine: Sequence[Sighting], policy: Policy) -> list[Look]:
    """One for each session, by capture time. Takes issued sightings sorted by capture.

    Of more sessions than can be weighed: the latest `MOST_KNOWN` of known scanners, and of
    the others `MOST_OTHERS`, spread evenly over their order in time.
    """
    by_session: dict[int, list[Sighting]] = {}
    for sighting in genuine:
        by_session.setdefault(sighting.session, []).append(sighting)
    if len(by_session) > MOST_OTHERS:
        known = [session for session, some in by_session.items() if some[0].authorised]
        others = [session for session, some in by_session.items() if not some[0].authorised]
        kept = {*known[-MOST_KNOWN:], *_spread(others, MOST_OTHERS)}
        return [
            _of_session(by_session[session], policy) for session in by_session if session in kept
        ]
    return [_of_session(some, policy) for some in by_session.values()]


def _spread(sessions: Sequence[int], most: int) -> Iterable[int]:
    if len(sessions) <= most:
        return sessions
    return (sessions[number * (len(sessions) - 1) // (most - 1)] for number in range(most))


def apart_km(one: Look, other: Look) -> float:
    """Kilometres between two places that remain after both radii, at least 0."""
    cosine = one.x * other.x + one.y * other.y + one.z * other.z
    arc_km = EARTH_RADIUS_KM * acos(cosine) if -1.0 < cosine < 1.0 else (cosine < 0) * 20_015.0
    return max(0.0, arc_km - one.radius_km - other.radius_km)


def places_of(looks: Iterable[Look], policy: ClonePolicy) -> list[list[Look]]:
    """Looks gathered into places that lie apart, each by its surest look, which comes first.

    A look whose radius reaches a place belongs to it, the surest places first: the least
    number of places that these looks can come from, by a greedy rule.
    """
    places: list[list[Look]] = []
    for look in sorted(looks, key=lambda look: (look.surety, look.at_ms, look.session)):
        for place in places:
            if apart_km(place[0], look) <= policy.apart_km:
                place.append(look)
                break
        else:
            places.append([look])
    return places


def strays(looks: Sequence[Look], policy: ClonePolicy) -> Iterator[Look]:
    """Looks that are not part of the likeliest journey: the surest chain of looks through
    which one item can have been carried at `speed_limit_kmh`. Takes looks sorted by time."""
    best: list[int] = []
    came_from: list[int] = []
    for number, look in enumerate(looks):
        weight, origin = 0, -1
        for earlier in range(number):
            if best[earlier] > weight and can_follow(looks[earlier], look, policy):
                weight, origin = best[earlier], earlier
        best.append(weight + _WEIGHT[look.surety])
        came_from.append(origin)
    if not best:
        return
    last = max(range(len(best)), key=lambda number: (best[number], number))
    journey = set()
    while last >= 0:
        journey.add(last)
        last = came_from[last]
    yield from (look for number, look in enumerate(looks) if number not in journey)


_WEIGHT: Final = {
    Surety.TRUSTED: 40, Surety.PRECISE: 20, Surety.FIXED_LINE: 11, Surety.MOBILE: 10,
}  # fmt: skip


_NEAR: Final = 0.99999
"""The cosine of some 28 km on the earth: no clock tells whether that was too fast."""


def can_follow(earlier: Look, later: Look, policy: ClonePolicy) -> bool:
    """Whether one item can have been carried from one to the other in time."""
    if earlier.x * later.x + earlier.y * later.y + earlier.z * later.z > _NEAR:
        return True
    km = apart_km(earlier, later)
    if km <= policy.apart_km:
        return True
    hours = ((later.at_ms - earlier.at_ms) / 1000 + 2 * policy.clock_tolerance_s) / 3600
    return km <= policy.speed_limit_kmh * hours


def _of_session(sightings: list[Sighting], policy: Policy) -> Look:
    if len(sightings) == 1:
        return _look(sightings[0], policy)
    looks = [_look(sighting, policy) for sighting in sightings]
    placed = [look for look in looks if look.surety is not Surety.NOWHERE]
    if not placed:
        return looks[0]
    surest = min(placed, key=lambda look: look.surety)
    jumps = any(apart_km(surest, look) > 2 * policy.clone.apart_km for look in placed)
    if surest.surety is Surety.TRUSTED:
        jumps = False
    return surest._replace(at_ms=looks[0].at_ms, jumps=jumps)


def _look(sighting: Sighting, policy: Policy) -> Look:
    source = SOURCES[sighting.source]
    channel = CHANNELS[sighting.channel]
    own, official = channel in policy.own_supply_chain, channel in _OFFICIAL
    surety = _SURETY[source]
    if sighting.authorised and source is not None:
        surety = Surety.TRUSTED
    if surety is Surety.NOWHERE:
        return Look(sighting.captured_ms, sighting.session, surety, 0.0, 0.0, 0.0, 0.0,
                    sighting.country, own, official, False)  # fmt: skip
    assert source is not None
    lat, lon = degrees_of(sighting)
    lat, lon = radians(lat), radians(lon)
    level = cos(lat)
    return Look(
        sighting.captured_ms, sighting.session, surety,
        level * cos(lon), level * sin(lon), sin(lat),
        accuracy_km(sighting) * policy.clone.radius_factor.get(source, 1.0),
        sighting.country, own, official, False,
    )  # fmt: skip
