"""The networks that people scan from, and what a service would derive of them.

Neighbours share the network of their lines; a mobile carrier has a few networks in a city,
which all its customers there share; a VPN provider has a few at each of its exits. A database
says one thing of a network, so that its errors are the same for everybody in it.
"""

from functools import lru_cache
from math import cos, pi, sin
from random import Random
from typing import Final

from authenticity.records.countries import is_in_country
from authenticity.records.network import NetworkClass, NetworkEvidence
from simulation.cities import ADDRESSES, City, cities_of, city_abroad, moved, some_city
from simulation.draws import lognormal, stamp_of, stream_of
from simulation.visits import Spot, Uplink, UplinkKind

_LINES_IN_A_CELL: Final = 4
"""Networks of lines in a hundredth of a degree each way, about a square kilometre."""
_CARRIERS: Final = 4
_LEAST_NETWORKS_OF_A_CARRIER: Final = 2
_NETWORKS_AT_AN_EXIT: Final = 8
_FIXED_RADIUS_KM: Final = 20.0
_MOBILE_RADIUS_KM: Final = 200.0
_ERROR_LIMIT_KM: Final = 1_500.0
_EXITS: Final = ("CA", "CH", "DE", "FR", "GB", "JP", "NL", "SE", "SG", "US")
_USUAL_EXITS: Final = 0.8
"""Four tunnels in five end where most servers stand; the others anywhere abroad."""
_EXIT_CLASSES: Final = (
    *2 * (NetworkClass.TUNNEL,), *2 * (NetworkClass.HOSTING,), NetworkClass.FIXED,
)  # fmt: skip
"""What a database says of an exit: one in five passes for a line where it ends."""


def line_at(spot: Spot) -> Uplink:
    """The line of whoever lives at this spot: the same for all devices there."""
    number = round((spot.lat + spot.lon) * 10_000) % _LINES_IN_A_CELL
    lat, lon = round(spot.lat, 2), round(spot.lon, 2)
    return Uplink(UplinkKind.LINE, lat, lon, spot.country, number)


def mobile_at(draw: Random, spot: Spot) -> Uplink:
    """A network of one of the carriers, for a phone on the move in the nearest city."""
    city = _nearest_city(spot)
    networks = max(_LEAST_NETWORKS_OF_A_CARRIER, round(city.millions))
    number = draw.randrange(_CARRIERS * networks)
    return Uplink(UplinkKind.MOBILE, city.lat, city.lon, city.country, number)


def exit_abroad(draw: Random, spot: Spot) -> Uplink:
    """The far end of a VPN, in another country than the spot's."""
    city = city_abroad(draw, (spot.country,))
    if draw.random() < _USUAL_EXITS:
        city = some_city(draw, tuple(exit_ for exit_ in _EXITS if exit_ != spot.country))
    number = draw.randrange(_NETWORKS_AT_AN_EXIT)
    return Uplink(UplinkKind.EXIT, city.lat, city.lon, city.country, number)


@lru_cache(maxsize=65_536)
def evidence_of(seed: int, uplink: Uplink, *, errors: bool = True) -> NetworkEvidence:
    """What the service derives of an address in this network: no country that its place is
    not in. Without `errors` the place is the true one."""
    draw = stream_of(seed, "network", *uplink)
    network = stamp_of(seed, "network", *uplink)
    kind, radius_km = NetworkClass.FIXED, _FIXED_RADIUS_KM
    median_km, sigma = ADDRESSES[uplink.country].fixed_km, 1.0
    if uplink.kind is UplinkKind.MOBILE:
        kind, radius_km = NetworkClass.MOBILE, _MOBILE_RADIUS_KM
        median_km, sigma = ADDRESSES[uplink.country].mobile_km, 0.8
    elif uplink.kind is UplinkKind.EXIT:
        kind, errors = draw.choice(_EXIT_CLASSES), False
    lat, lon = uplink.lat, uplink.lon
    if errors:
        off_km = min(lognormal(draw, median_km, sigma), _ERROR_LIMIT_KM)
        bearing = draw.uniform(0, 2 * pi)
        lat, lon = moved(lat, lon, off_km * cos(bearing), off_km * sin(bearing))
    lat, lon = round(lat, 4), round(lon, 4)
    agrees = is_in_country(uplink.country, lat, lon, radius_km)
    return NetworkEvidence(
        network, kind, uplink.country if agrees else None, lat, lon, radius_km
    )  # fmt: skip


def _nearest_city(spot: Spot) -> City:
    def off(city: City) -> float:
        return (city.lat - spot.lat) ** 2 + (city.lon - spot.lon) ** 2

    return min(cities_of((spot.country,)), key=off)
