"""An item's observations as scan sessions: who scanned it when, from where, and how surely there.

A session counts once, however often it scanned from one network: at its first capture, at the
place of most confidence that it named. A session whose own places lie apart is no witness of
place: no phone is in two, so it stands for a device that invents its places, or hides them.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from math import acos, cos, radians, sin
from typing import Final, NamedTuple

from authenticity.detection.policy import ClonePolicy, Policy
from authenticity.history.observation import (
    ACTS,
    CHANNELS,
    DEGREE_PARTS,
    EARTH_RADIUS_KM,
    SOURCES,
    Observation,
    accuracy_km,
)
from authenticity.records.place import PlaceSource
from authenticity.records.scan import Act, Channel

MOST_KNOWN: Final = 6
MOST_OTHERS: Final = 12
_OFFICIAL: Final = frozenset(CHANNELS.index(each) for each in (Channel.CUSTOMS, Channel.POLICE))


class LocationConfidence(IntEnum):
    """How much a session's place is worth, most first."""

    TRUSTED = 0
    PRECISE = 1
    FIXED_LINE = 2
    MOBILE = 3
    NOWHERE = 4


_CONFIDENCE_OF_SOURCE: Final = {
    PlaceSource.GPS: LocationConfidence.PRECISE,
    PlaceSource.WIFI: LocationConfidence.PRECISE,
    PlaceSource.FIXED_IP: LocationConfidence.FIXED_LINE,
    PlaceSource.MOBILE_IP: LocationConfidence.MOBILE,
    PlaceSource.DECLARED: LocationConfidence.NOWHERE,
}
_CONFIDENCE: Final = tuple(
    _CONFIDENCE_OF_SOURCE[source] if source else LocationConfidence.NOWHERE for source in SOURCES
)
"""Of a network-derived observation, by the number of its source."""
_OF_CLAIM: Final = tuple(
    LocationConfidence.NOWHERE if each is LocationConfidence.NOWHERE else LocationConfidence.PRECISE
    for each in _CONFIDENCE
)
"""Of an anonymous observation that is not: the address that it states is a claim too."""


class ScanSession(NamedTuple):
    """One session with an item.

    `at_ms`: its first capture, since 1970 UTC. `network`: that of its observations. `x`, `y`,
    `z`: its place as a unit vector from the earth's centre; the device was within `radius_km`
    of it, the stated radius times its source's factor. All 0 where there is no place.
    `inconsistent_location`: its places lie apart. `arrived_ms`: when its first capture arrived,
    since 1970 UTC, which no anonymous scanner chooses. `is_return`: a known scanner took it back,
    so that others had it before.
    """

    at_ms: int
    session: int
    network: int
    confidence: LocationConfidence
    x: float
    y: float
    z: float
    radius_km: float
    country: str
    is_own: bool
    is_official: bool
    inconsistent_location: bool
    arrived_ms: int
    is_return: bool = False


@lru_cache(64)
def own_numbers(own_supply_chain: frozenset[Channel]) -> frozenset[int]:
    """These channels, as observations have them."""
    return frozenset(CHANNELS.index(channel) for channel in own_supply_chain)


def is_of_own_chain(observation: Observation, policy: Policy) -> bool:
    """Whether the maker's own supply chain made it: a known scanner on a channel of that chain.
    Nobody else speaks for one, whatever channel a scan of an earlier version names."""
    return observation.actor != 0 and observation.channel in own_numbers(policy.own_supply_chain)


def is_official(observation: Observation) -> bool:
    """Whether customs or police made it: they look at items that others hold."""
    return observation.authorised and observation.channel in _OFFICIAL


def scan_sessions(genuine: Sequence[Observation], policy: Policy) -> list[ScanSession]:
    """One for each session, by capture time. Takes believed observations by capture time.

    Of more sessions than are compared: the latest `MOST_KNOWN` of chain and shops, as many of
    customs and police, and of the others `MOST_OTHERS`, spread evenly over their order in time.
    """
    by_session: dict[int, list[Observation]] = {}
    for observation in genuine:
        by_session.setdefault(session_key(observation), []).append(observation)
    if len(by_session) > MOST_OTHERS:
        officials, holders, others = list[int](), list[int](), list[int]()
        for session, some in by_session.items():
            first = some[0]
            known = officials if first.channel in _OFFICIAL else holders
            (known if first.authorised else others).append(session)
        kept = {*officials[-MOST_KNOWN:], *holders[-MOST_KNOWN:], *_spread(others, MOST_OTHERS)}
        return [
            _session_of(by_session[session], policy) for session in by_session if session in kept
        ]
    return [_session_of(some, policy) for some in by_session.values()]


def session_key(observation: Observation) -> int:
    """One for each session in each network, so that every session is of one network; and one
    for each scan of a known scanner: a till may keep its session for years."""
    if observation.actor:
        return ~observation.id
    return observation.network << 32 | observation.session


def _spread(sessions: Sequence[int], most: int) -> Iterable[int]:
    if len(sessions) <= most:
        return sessions
    return (sessions[number * (len(sessions) - 1) // (most - 1)] for number in range(most))


def apart_km(one: ScanSession, other: ScanSession) -> float:
    """Kilometres between two places that remain after both radii, at least 0."""
    cosine = one.x * other.x + one.y * other.y + one.z * other.z
    arc_km = EARTH_RADIUS_KM * acos(cosine) if -1.0 < cosine < 1.0 else (cosine < 0) * 20_015.0
    return max(0.0, arc_km - one.radius_km - other.radius_km)


def _surest_first(each: ScanSession) -> tuple[float, int, int, int]:
    return each.radius_km, each.at_ms, each.session, each.network


def places_of(sessions: Iterable[ScanSession], policy: ClonePolicy) -> list[list[ScanSession]]:
    """Sessions gathered into places that lie apart, the one with the smallest radius first in each.

    A session whose radius reaches a place belongs to it, the places with the smallest radius
    first: the least number of places that these sessions can come from, by a greedy rule. So a
    session that may be anywhere in a country joins a place, and gathers none.
    """
    places: list[list[ScanSession]] = []
    for session in sorted(sessions, key=_surest_first):
        for place in places:
            if apart_km(place[0], session) <= policy.apart_km:
                place.append(session)
                break
        else:
            places.append([session])
    return places


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


def _session_of(observations: list[Observation], policy: Policy) -> ScanSession:
    first = session_of_observation(observations[0], policy)
    if len(observations) == 1:
        return first
    placed = [
        each
        for each in (first, *(session_of_observation(each, policy) for each in observations[1:]))
        if each.confidence is not LocationConfidence.NOWHERE
    ]
    if not placed:
        return first
    most_confident = min(placed, key=lambda each: each.confidence)
    inconsistent_location = any(
        apart_km(most_confident, each) > 2 * policy.clone.apart_km for each in placed
    )
    if most_confident.confidence is LocationConfidence.TRUSTED:
        inconsistent_location = False
    return most_confident._replace(
        at_ms=first.at_ms,
        arrived_ms=first.arrived_ms,
        inconsistent_location=inconsistent_location,
    )


def session_of_observation(observation: Observation, policy: Policy) -> ScanSession:
    """A session of this observation alone."""
    source, own = observation.source, is_of_own_chain(observation, policy)
    official = is_official(observation)
    if observation.actor:
        confidence = LocationConfidence.TRUSTED if source else LocationConfidence.NOWHERE
    else:
        confidence = (_CONFIDENCE if observation.is_network_derived else _OF_CLAIM)[source]
    if confidence is LocationConfidence.NOWHERE:
        return ScanSession(
            observation.captured_ms, observation.session, observation.network, confidence,
            0.0, 0.0, 0.0, 0.0, observation.country, own, official, False, observation.arrived_ms,
        )  # fmt: skip
    x, y, z = _unit_vector(observation.lat, observation.lon)
    named = SOURCES[source]
    factor = policy.clone.radius_factor.get(named, 1.0) if named else 1.0
    return ScanSession(
        observation.captured_ms, observation.session, observation.network, confidence,
        x, y, z, accuracy_km(observation) * factor,
        observation.country, own, official, False, observation.arrived_ms,
        ACTS[observation.act] is Act.REACTIVATE,
    )  # fmt: skip


@lru_cache(8_192)
def _unit_vector(lat: int, lon: int) -> tuple[float, float, float]:
    """From the earth's centre, of latitude and longitude as observations have them: shops,
    warehouses and network addresses come again and again."""
    lat_rad, lon_rad = radians(lat / DEGREE_PARTS), radians(lon / DEGREE_PARTS)
    level = cos(lat_rad)
    return level * cos(lon_rad), level * sin(lon_rad), sin(lat_rad)
