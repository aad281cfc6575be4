"""The networks that people scan from, and what a service would derive of them.

Neighbours share the network of their lines; a mobile carrier has a few networks in a city,
which all its customers there share; a VPN provider has a few at each of its exits. A database
says one thing of a network, so that its errors are the same for everybody in it.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, exp, pi, sin
from random import Random
from typing import Annotated, Final, NamedTuple

from authenticity.records.countries import COUNTRY_AREAS
from authenticity.records.network import NetworkClass, NetworkEvidence
from simulation.cities import (
    ADDRESSES,
    City,
    cities_of,
    city_abroad,
    km_between,
    moved,
    some_city,
)
from simulation.draws import lognormal, stamp_of, stream_of
from simulation.setting import Setting, share_of
from simulation.visits import Spot, Uplink, UplinkKind

_LINES_IN_A_CELL: Final = 4
"""Networks of lines in a hundredth of a degree each way, about a square kilometre."""
_CARRIERS: Final = 4
_LEAST_NETWORKS_OF_A_CARRIER: Final = 2
_NETWORKS_AT_AN_EXIT: Final = 8
_FIXED_RADIUS_KM: Final = 20.0
_MOBILE_RADIUS_KM: Final = 200.0
_ERROR_LIMIT_KM: Final = 1_500.0
_COUNTRY_TOLERANCE_KM: Final = 100.0
_EXITS: Final = ("CA", "CH", "DE", "FR", "GB", "JP", "NL", "SE", "SG", "US")
_ROAMING_HUBS: Final = ("FR", "GB", "HK", "NL", "PL", "SG")
"""Where the data of an eSIM that is sold abroad leaves the carrier's network."""
_GROUND_STATIONS: Final = ("AU", "BR", "CL", "DE", "ES", "GB", "JP", "NG", "PH", "US")
_RELAYS_OF_A_CITY: Final = 20
_GATEWAYS_OF_A_CITY: Final = 50
_NEIGHBOUR_KM: Final = 600.0


@dataclass(frozen=True, slots=True)
class Uplinks:
    """What connects phones to the Internet, and what a database knows of it.

    `relay`, `gateway`, `satellite` and `esim` are shares of the phones without a tunnel, `line`
    is that of the rest; what is left is on a mobile network. `border`: of these, some are in
    the network of the nearest foreign carrier. `roaming`: of owners abroad, some keep an
    address of the country at home. With `one_gateway` all mobile phones of a country share
    the networks of one city. `habit`: in which share of their sessions those with a tunnel use
    it. What a database says of an exit: a tunnel, a data centre, or, unnoticed, a line.
    """

    line: Annotated[float, share_of("phones without the ones below")] = 0.4
    relay: Annotated[float, share_of("phones without a tunnel")] = 0.0
    gateway: Annotated[float, share_of("phones without a tunnel")] = 0.0
    satellite: Annotated[float, share_of("phones without a tunnel")] = 0.0
    esim: Annotated[float, share_of("phones without a tunnel")] = 0.0
    roaming: Annotated[float, share_of("owners abroad")] = 0.0
    border: Annotated[float, share_of("mobile sessions")] = 0.0
    one_gateway: Annotated[bool, Setting("yes or no", 0, 1)] = False
    habit: Annotated[float, Setting("share of a tunnel user's sessions", 0.05, 1)] = 1.0
    usual_exits: Annotated[float, share_of("tunnels, in ten countries with most servers")] = 0.8
    exits_as_tunnel: Annotated[int, Setting("parts of all exits", 0, 20)] = 2
    exits_as_hosting: Annotated[int, Setting("parts of all exits", 0, 20)] = 2
    exits_unnoticed: Annotated[int, Setting("parts of all exits", 0, 20)] = 1
    fixed_error: Annotated[float, Setting("times the country's median", 0.1, 20)] = 1.0
    mobile_error: Annotated[float, Setting("times the country's median", 0.1, 20)] = 1.0
    country_spread: Annotated[float, Setting("sd of the logarithm, by country", 0, 2)] = 0.0
    wrong_country: Annotated[float, share_of("networks")] = 0.0
    carriers_networks: Annotated[float, Setting("a million inhabitants", 0.05, 50)] = 1.0


USUAL: Final = Uplinks()
"""Those of the benchmark."""


class Connected(NamedTuple):
    """The uplink of a phone, and the noise that it is, or an empty text."""

    uplink: Uplink
    noise: str


def line_at(spot: Spot) -> Uplink:
    """The line of whoever lives at this spot: the same for all devices there."""
    number = round((spot.lat + spot.lon) * 10_000) % _LINES_IN_A_CELL
    lat, lon = round(spot.lat, 2), round(spot.lon, 2)
    return Uplink(UplinkKind.LINE, lat, lon, spot.country, number)


def mobile_at(draw: Random, spot: Spot, uplinks: Uplinks = USUAL) -> Uplink:
    """A network of one of the carriers, for a phone on the move in the nearest city."""
    city = _largest_city(spot.country) if uplinks.one_gateway else _nearest_city(spot)
    return _mobile_of(draw, city, uplinks)


def _mobile_of(draw: Random, city: City, uplinks: Uplinks) -> Uplink:
    millions = city.millions * uplinks.carriers_networks
    networks = max(_LEAST_NETWORKS_OF_A_CARRIER, round(millions))
    number = draw.randrange(_CARRIERS * networks)
    return Uplink(UplinkKind.MOBILE, city.lat, city.lon, city.country, number)


def exit_abroad(draw: Random, spot: Spot, uplinks: Uplinks = USUAL) -> Uplink:
    """The far end of a VPN, in another country than the spot's."""
    city = city_abroad(draw, (spot.country,))
    if draw.random() < uplinks.usual_exits:
        city = some_city(draw, tuple(exit_ for exit_ in _EXITS if exit_ != spot.country))
    number = draw.randrange(_NETWORKS_AT_AN_EXIT)
    return Uplink(UplinkKind.EXIT, city.lat, city.lon, city.country, number)


def connected(draw: Random, spot: Spot, vpn: float, uplinks: Uplinks) -> Connected:
    """What a phone at this spot is connected by; `vpn` is the share behind a tunnel."""
    if draw.random() < vpn:
        return Connected(exit_abroad(draw, spot, uplinks), "vpn")
    return connected_openly(draw, draw, spot, uplinks)


def connected_openly(habit: Random, draw: Random, spot: Spot, uplinks: Uplinks) -> Connected:
    """The same without a tunnel. `habit` decides what lasts, `draw` what may differ today."""
    rare = uplinks.relay + uplinks.gateway + uplinks.satellite + uplinks.esim
    if rare and (chance := habit.random()) < rare:
        return _rarely(habit, draw, spot, uplinks, chance)
    if draw.random() < uplinks.line:
        return Connected(line_at(spot), "")
    if uplinks.border and draw.random() < uplinks.border:
        return Connected(_mobile_of(draw, _nearest_abroad(spot), uplinks), "border")
    return Connected(mobile_at(draw, spot, uplinks), "")


def _rarely(habit: Random, draw: Random, spot: Spot, uplinks: Uplinks, chance: float) -> Connected:
    """A relay in the country, a company's gateway, a satellite, or an eSIM sold abroad."""
    if chance < uplinks.relay:
        city, number = some_city(draw, (spot.country,)), draw.randrange(_RELAYS_OF_A_CITY)
        return Connected(_at_city(UplinkKind.RELAY, city, number), "relay")
    chance -= uplinks.relay
    if chance < uplinks.gateway:
        city = some_city(habit, (spot.country,) if habit.random() < 0.5 else ())
        number = habit.randrange(_GATEWAYS_OF_A_CITY)
        return Connected(_at_city(UplinkKind.GATEWAY, city, number), "gateway")
    chance -= uplinks.gateway
    if chance < uplinks.satellite:
        station = _nearest_of(spot, cities_of(_GROUND_STATIONS))
        number = draw.randrange(_NETWORKS_AT_AN_EXIT)
        return Connected(_at_city(UplinkKind.SATELLITE, station, number), "satellite")
    hub = some_city(habit, tuple(each for each in _ROAMING_HUBS if each != spot.country))
    return Connected(_mobile_of(draw, hub, uplinks), "foreign-esim")


def _at_city(kind: UplinkKind, city: City, number: int) -> Uplink:
    return Uplink(kind, city.lat, city.lon, city.country, number)


@lru_cache(maxsize=65_536)
def evidence_of(
    seed: int, uplink: Uplink, *, errors: bool = True, uplinks: Uplinks = USUAL
) -> NetworkEvidence:
    """What the service derives of an address in this network: no country that its place is
    not in. Without `errors` the place is the true one."""
    draw = stream_of(seed, "network", *uplink)
    network = stamp_of(seed, "network", *uplink)
    kind, radius_km = NetworkClass.FIXED, _FIXED_RADIUS_KM
    median_km, sigma = ADDRESSES[uplink.country].fixed_km, 1.0
    if uplink.kind is UplinkKind.MOBILE:
        kind, radius_km = NetworkClass.MOBILE, _MOBILE_RADIUS_KM
        median_km, sigma = ADDRESSES[uplink.country].mobile_km, 0.8
    elif uplink.kind in _EXITS_OF_OTHERS:
        kind, errors = _class_of_exit(uplink.kind, draw, uplinks), False
    lat, lon, country = uplink.lat, uplink.lon, uplink.country
    if errors and uplinks.wrong_country and draw.random() < uplinks.wrong_country:
        wrong = city_abroad(draw, (country,))
        lat, lon, country = wrong.lat, wrong.lon, wrong.country
    median_km *= _error_factor(seed, uplink, uplinks)
    if errors:
        off_km = min(lognormal(draw, median_km, sigma), _ERROR_LIMIT_KM)
        bearing = draw.uniform(0, 2 * pi)
        lat, lon = moved(lat, lon, off_km * cos(bearing), off_km * sin(bearing))
    lat, lon = round(lat, 4), round(lon, 4)
    agrees = _may_lie_in(country, lat, lon, radius_km)
    return NetworkEvidence(
        network, kind, country if agrees else None, lat, lon, radius_km
    )  # fmt: skip


_EXITS_OF_OTHERS: Final = frozenset(
    (UplinkKind.EXIT, UplinkKind.RELAY, UplinkKind.GATEWAY, UplinkKind.SATELLITE)
)
"""Uplinks that end where their provider is; the database has that place right."""


def _class_of_exit(kind: UplinkKind, draw: Random, uplinks: Uplinks) -> NetworkClass:
    if kind is UplinkKind.RELAY:
        return NetworkClass.RELAY
    if kind is UplinkKind.GATEWAY:
        return NetworkClass.HOSTING
    if kind is UplinkKind.SATELLITE:
        return NetworkClass.FIXED
    return draw.choice(
        uplinks.exits_as_tunnel * (NetworkClass.TUNNEL,)
        + uplinks.exits_as_hosting * (NetworkClass.HOSTING,)
        + uplinks.exits_unnoticed * (NetworkClass.FIXED,)
    )


def _error_factor(seed: int, uplink: Uplink, uplinks: Uplinks) -> float:
    """By how much addresses of this country are further off than published."""
    factor = uplinks.mobile_error if uplink.kind is UplinkKind.MOBILE else uplinks.fixed_error
    if uplinks.country_spread:
        draw = stream_of(seed, "address errors", uplink.country)
        factor *= exp(draw.gauss(0, uplinks.country_spread))
    return factor


def _may_lie_in(country: str, lat: float, lon: float, radius_km: float) -> bool:
    """As the service had it when the benchmark's world was made. Its own rule has become a
    little stricter for large radii in small countries; the world's bytes stay as they were."""
    within_km = radius_km + _COUNTRY_TOLERANCE_KM
    return any(box.holds(lat, lon, within_km) for box in COUNTRY_AREAS[country].boxes)


@lru_cache(maxsize=256)
def _largest_city(country: str) -> City:
    return max(cities_of((country,)), key=lambda city: city.millions)


def _nearest_city(spot: Spot) -> City:
    return _nearest_of(spot, cities_of((spot.country,)))


def _nearest_abroad(spot: Spot) -> City:
    """The nearest foreign city within reach of a border, otherwise the nearest at home."""
    home = _nearest_city(spot)
    near = _foreign_neighbour(home)
    return home if near is None else near


@lru_cache(maxsize=256)
def _foreign_neighbour(city: City) -> City | None:
    foreign = [each for each in cities_of(()) if each.country != city.country]
    near = min(foreign, key=lambda each: km_between(city, each))
    return near if km_between(city, near) <= _NEIGHBOUR_KM else None


def _nearest_of(spot: Spot, cities: tuple[City, ...]) -> City:
    def off(city: City) -> float:
        return (city.lat - spot.lat) ** 2 + (city.lon - spot.lon) ** 2

    return min(cities, key=off)
