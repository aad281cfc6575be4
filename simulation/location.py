"""The place that a scanner reports, with its errors.

A quarter of phones answer with GPS, some 20 m off; the others are placed by their network
address: three in ten by a fixed line, some kilometres off in the median, the rest by a
mobile address, some hundreds (by country, `simulation.cities.ADDRESSES`). One
address in twenty is a virtual private network that ends in another country. The stated
accuracy knows nothing of that.
"""

from math import cos, pi, sin
from random import Random
from typing import Final

from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Channel
from simulation.cities import ADDRESSES, city_abroad, moved, some_city
from simulation.draws import lognormal
from simulation.visits import Spot

_GPS_SHARE: Final = 0.25
_FIXED_SHARE: Final = 0.30
_GPS_ERROR_KM: Final = 0.02
_FIXED_RADIUS_KM: Final = 20.0
_MOBILE_RADIUS_KM: Final = 200.0
_ERROR_LIMIT_KM: Final = 1_500.0
_EXITS: Final = ("CA", "CH", "DE", "FR", "GB", "JP", "NL", "SE", "SG", "US")
_ADDRESSED: Final = frozenset((Channel.RETAIL, Channel.LOGISTICS, Channel.MAKER))
_USUAL_EXITS: Final = 0.8
"""Four tunnels in five end where most servers stand; the others anywhere abroad."""


def consumer_place(draw: Random, spot: Spot, vpn_share: float) -> tuple[Place, bool]:
    """Where an anonymous phone says it is, and whether that is the far end of a VPN."""
    kind = draw.random()
    if kind < _GPS_SHARE:
        return _off(draw, spot, _GPS_ERROR_KM, 0.5, PlaceSource.GPS, _GPS_ERROR_KM), False
    source, radius_km = PlaceSource.MOBILE_IP, _MOBILE_RADIUS_KM
    if kind < _GPS_SHARE + _FIXED_SHARE:
        source, radius_km = PlaceSource.FIXED_IP, _FIXED_RADIUS_KM
    if draw.random() < vpn_share:
        return _exit_place(draw, spot, source, radius_km), True
    addresses = ADDRESSES[spot.country]
    if source is PlaceSource.FIXED_IP:
        return _off(draw, spot, addresses.fixed_km, 1.0, source, radius_km), False
    return _off(draw, spot, addresses.mobile_km, 0.8, source, radius_km), False


def _exit_place(draw: Random, spot: Spot, source: PlaceSource, radius_km: float) -> Place:
    city = city_abroad(draw, (spot.country,))
    if draw.random() < _USUAL_EXITS:
        city = some_city(draw, tuple(exit_ for exit_ in _EXITS if exit_ != spot.country))
    return _place(city.lat, city.lon, radius_km, source, city.country)


def exact_place(spot: Spot) -> Place:
    """GPS without an error."""
    return _place(spot.lat, spot.lon, _GPS_ERROR_KM, PlaceSource.GPS, spot.country)


def known_place(draw: Random, spot: Spot, channel: Channel) -> Place:
    """Where a known scanner is: tills and warehouses at their address, an officer by GPS."""
    if channel in _ADDRESSED:
        return _place(spot.lat, spot.lon, 0.1, PlaceSource.DECLARED, spot.country)
    return _off(draw, spot, _GPS_ERROR_KM, 0.5, PlaceSource.GPS, _GPS_ERROR_KM)


def _off(
    draw: Random,
    spot: Spot,
    median_km: float,
    sigma: float,
    source: PlaceSource,
    radius_km: float,
) -> Place:
    off_km = min(lognormal(draw, median_km, sigma), _ERROR_LIMIT_KM)
    bearing = draw.uniform(0, 2 * pi)
    lat, lon = moved(spot.lat, spot.lon, off_km * cos(bearing), off_km * sin(bearing))
    return _place(lat, lon, radius_km, source, spot.country)


def _place(lat: float, lon: float, radius_km: float, source: PlaceSource, country: str) -> Place:
    return Place(round(lat, 4), round(lon, 4), radius_km, source, country)
