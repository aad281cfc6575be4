"""The scans of one code as the offline reference reads them: each once, in order, at places.

Nothing is bounded and nothing is taken from the product's own sessions or histories.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.sessions import is_of_own_chain
from authenticity.history.observation import SOURCES, Observation, accuracy_km, distance_km
from authenticity.records.batch import Batch
from authenticity.records.place import PlaceSource
from benchmarks.detection.dataset import Example

APART_KM: Final = 50.0
"""Places nearer to each other than this, after both radii, are one."""
_RADII: Final = 3.0
"""A network's place is often off by more than its stated radius."""
_FACTORS: Final = {PlaceSource.GPS: 1.0, PlaceSource.WIFI: 1.0}


class Spot(NamedTuple):
    """One scan with a place; the device was within `radius_km` of it."""

    scan: Observation
    radius_km: float


@dataclass(frozen=True, slots=True)
class CodeScans:
    """The scans of one code, each once, by capture time.

    `known` are those of known scanners, `chain` those of them within the maker's own supply
    chain. `spots` are anonymous scans that the service itself can place, `claims` those whose
    device alone says where it is.
    """

    batch: Batch
    every: tuple[Observation, ...]
    anonymous: tuple[Observation, ...]
    known: tuple[Observation, ...]
    chain: tuple[Observation, ...]
    spots: tuple[Spot, ...]
    claims: tuple[Spot, ...]
    places: tuple[tuple[Spot, ...], ...]


def scans_of(example: Example) -> CodeScans:
    """Of what arrived in any order; of a scan that arrived again, the first arrival."""
    unique: dict[int, Observation] = {}
    for arrival in sorted(example.arrivals, key=lambda each: _arrival_order(each.observation)):
        unique.setdefault(arrival.observation.id, arrival.observation)
    every = tuple(sorted(unique.values(), key=lambda each: (each.captured_ms, each.content)))
    anonymous = tuple(scan for scan in every if not scan.authorised)
    known = tuple(scan for scan in every if scan.authorised)
    spots = tuple(spot_of(scan) for scan in anonymous if scan.is_network_derived)
    return CodeScans(
        example.batch,
        every,
        anonymous,
        known,
        tuple(scan for scan in known if is_of_own_chain(scan, DEFAULT_POLICY)),
        spots,
        tuple(spot_of(scan) for scan in anonymous if scan.source and not scan.is_network_derived),
        places_of(spots),
    )


def _arrival_order(scan: Observation) -> tuple[int, tuple[object, ...]]:
    return scan.arrived_ms, scan.content


def spot_of(scan: Observation) -> Spot:
    """Where this scan has its device, which must have a place."""
    source = SOURCES[scan.source]
    factor = _FACTORS.get(source, _RADII) if source else _RADII
    return Spot(scan, factor * accuracy_km(scan))


def apart_km(one: Spot, other: Spot) -> float:
    """Kilometres that remain after both radii, at least 0."""
    return max(0.0, distance_km(one.scan, other.scan) - one.radius_km - other.radius_km)


def places_of(spots: Iterable[Spot]) -> tuple[tuple[Spot, ...], ...]:
    """Spots gathered into places, the most scanned first: each goes to the first place whose
    first spot it reaches, the most precise spots first."""
    places: list[list[Spot]] = []
    found: dict[tuple[int, int, float], list[Spot]] = {}
    for spot in sorted(spots, key=lambda each: (each.radius_km, each.scan.content)):
        key = spot.scan.lat, spot.scan.lon, spot.radius_km
        place = found.get(key)
        if place is None:
            near = (some for some in places if apart_km(some[0], spot) <= APART_KM)
            place = next(near, None)
            if place is None:
                places.append(place := [])
            found[key] = place
        place.append(spot)
    return tuple(map(tuple, sorted(places, key=lambda each: (-len(each), each[0].scan.content))))
