"""The place that a scanner itself reports, with its errors.

A quarter of phones answer with GPS, some 20 m off; the others state none. Known scanners
always state theirs. What a network address tells is in `simulation.networks`.
"""

from math import cos, pi, sin
from random import Random
from typing import Final

from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Channel
from simulation.cities import moved
from simulation.draws import lognormal
from simulation.visits import Spot

_GPS_SHARE: Final = 0.25
_GPS_ERROR_KM: Final = 0.02
_ADDRESSED: Final = frozenset((Channel.RETAIL, Channel.LOGISTICS, Channel.MAKER))


def consumer_place(draw: Random, spot: Spot) -> Place | None:
    """Where an anonymous phone says it is, if its owner lets it."""
    return _near(draw, spot) if draw.random() < _GPS_SHARE else None


def exact_place(spot: Spot) -> Place:
    """GPS without an error."""
    return _place(spot.lat, spot.lon, _GPS_ERROR_KM, PlaceSource.GPS, spot.country)


def known_place(draw: Random, spot: Spot, channel: Channel) -> Place:
    """Where a known scanner is: tills and warehouses at their address, an officer by GPS."""
    if channel in _ADDRESSED:
        return _place(spot.lat, spot.lon, 0.1, PlaceSource.DECLARED, spot.country)
    return _near(draw, spot)


def _near(draw: Random, spot: Spot) -> Place:
    off_km = lognormal(draw, _GPS_ERROR_KM, 0.5)
    bearing = draw.uniform(0, 2 * pi)
    lat, lon = moved(spot.lat, spot.lon, off_km * cos(bearing), off_km * sin(bearing))
    return _place(lat, lon, _GPS_ERROR_KM, PlaceSource.GPS, spot.country)


def _place(lat: float, lon: float, radius_km: float, source: PlaceSource, country: str) -> Place:
    return Place(round(lat, 4), round(lon, 4), radius_km, source, country)
