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
    Observation,
    accuracy_km,
    degrees_of,
)
from authenticity.records.scan import Channel, PlaceSource

MOST_KNOWN: Final = 6
MOST_OTHERS: Final = 12
_OFFICIAL: Final = frozenset({Channel.CUSTOMS, Channel.POLICE})


class LocationConfidence(IntEnum):
    """How much a look's place is worth, most first."""

    TRUSTED = 0
    PRECISE = 1
    FIXED_LINE = 2
    MOBILE = 3
    NOWHERE = 4


_SURETY: Final = {
    PlaceSource.GPS: LocationConfidence.PRECISE,
    PlaceSource.WIFI: LocationConfidence.PRECISE,
    PlaceSource.FIXED_IP: LocationConfidence.FIXED_LINE,
    PlaceSource.MOBILE_IP: LocationConfidence.MOBILE,
    PlaceSource.DECLARED: LocationConfidence.NOWHERE,
    None: LocationConfidence.NOWHERE,
}


class ScanSession(NamedTuple):
    """`at_ms` since 1970 UTC. `x`, `y`, `z`: the place as a unit vector from the earth's
    centre; `radius_km` around it the device was, by its source's factor. All 0 nowhere."""

    at_ms: int
    session: int
    confidence: LocationConfidence
    x: float
    y: float
    z: float
    radius_km: float
    country: str
    is_own: bool
    is_official: bool
    inconsistent_location: bool


@lru_cache(64)
def own_numbers(own_supply_chain: frozenset[Channel]) -> frozenset[int]:
    """These channels, as observations have them."""
    return frozenset(CHANNELS.index(channel) for channel in own_supply_chain)


def scan_sessions(genuine: Sequence[Observation], policy: Policy) -> list[ScanSession]:
    """One for each session, by capture time. Takes issued observations sorted by capture.

    Of more sessions than can be weighed: the latest `MOST_KNOWN` of known scanners, and of
    the others `MOST_OTHERS`, spread evenly over their order in time.
    """
    by_session: dict[int, list[Observation]] = {}
    for observation in genuine:
        by_session.setdefault(observation.session, []).append(observation)
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


def apart_km(one: ScanSession, other: ScanSession) -> float:
    """Kilometres between two places that remain after both radii, at least 0."""
    cosine = one.x * other.x + one.y * other.y + one.z * other.z
    arc_km = EARTH_RADIUS_KM * acos(cosine) if -1.0 < cosine < 1.0 else (cosine < 0) * 20_015.0
    return max(0.0, arc_km - one.radius_km - other.radius_km)


def places_of(looks: Iterable[ScanSession], policy: ClonePolicy) -> list[list[ScanSession]]:
    """Looks gathered into places that lie apart, each by its surest look, which comes first.

    A look whose radius reaches a place belongs to it, the surest places first: the least
    number of places that these looks can come from, by a greedy rule.
    """
    places: list[list[ScanSession]] = []
    for look in sorted(looks, key=lambda look: (look.confidence, look.at_ms, look.session)):
        for place in places:
            if apart_km(place[0], look) <= policy.apart_km:
                place.append(look)
                break
        else:
            places.append([look])
    return places


def impossible_travel_outliers(
    looks: Sequence[ScanSession], policy: ClonePolicy
) -> Iterator[ScanSession]:
    """Looks that are not part of the likeliest journey: the surest chain of looks through
    which one item can have been carried at `speed_limit_kmh`. Takes looks sorted by time."""
    best: list[int] = []
    came_from: list[int] = []
    for number, look in enumerate(looks):
        weight, origin = 0, -1
        for earlier in range(number):
            if best[earlier] > weight and is_reachable(looks[earlier], look, policy):
                weight, origin = best[earlier], earlier
        best.append(weight + _WEIGHT[look.confidence])
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
    LocationConfidence.TRUSTED: 40,
    LocationConfidence.PRECISE: 20,
    LocationConfidence.FIXED_LINE: 11,
    LocationConfidence.MOBILE: 10,
}


_NEAR: Final = 0.99999
"""The cosine of some 28 km on the earth: no clock tells whether that was too fast."""


def is_reachable(earlier: ScanSession, later: ScanSession, policy: ClonePolicy) -> bool:
    """Whether one item can have been carried from one to the other in time."""
    if earlier.x * later.x + earlier.y * later.y + earlier.z * later.z > _NEAR:
        return True
    km = apart_km(earlier, later)
    if km <= policy.apart_km:
        return True
    hours = ((later.at_ms - earlier.at_ms) / 1000 + 2 * policy.clock_tolerance_s) / 3600
    return km <= policy.speed_limit_kmh * hours


def _of_session(observations: list[Observation], policy: Policy) -> ScanSession:
    if len(observations) == 1:
        return _look(observations[0], policy)
    looks = [_look(observation, policy) for observation in observations]
    placed = [look for look in looks if look.confidence is not LocationConfidence.NOWHERE]
    if not placed:
        return looks[0]
    most_confident = min(placed, key=lambda look: look.confidence)
    inconsistent_location = any(
        apart_km(most_confident, look) > 2 * policy.clone.apart_km for look in placed
    )
    if most_confident.confidence is LocationConfidence.TRUSTED:
        inconsistent_location = False
    return most_confident._replace(
        at_ms=looks[0].at_ms, inconsistent_location=inconsistent_location
    )


def _look(observation: Observation, policy: Policy) -> ScanSession:
    source = SOURCES[observation.source]
    channel = CHANNELS[observation.channel]
    own, official = channel in policy.own_supply_chain, channel in _OFFICIAL
    confidence = _SURETY[source]
    if observation.authorised and source is not None:
        confidence = LocationConfidence.TRUSTED
    if confidence is LocationConfidence.NOWHERE:
        return ScanSession(
            observation.captured_ms, observation.session, confidence,
            0.0, 0.0, 0.0, 0.0, observation.country, own, official, False,
        )  # fmt: skip
    assert source is not None
    lat, lon = degrees_of(observation)
    lat, lon = radians(lat), radians(lon)
    level = cos(lat)
    return ScanSession(
        observation.captured_ms, observation.session, confidence,
        level * cos(lon), level * sin(lon), sin(lat),
        accuracy_km(observation) * policy.clone.radius_factor.get(source, 1.0),
        observation.country, own, official, False,
    )  # fmt: skip
