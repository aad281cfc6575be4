"""What the service adds to a scan, and what it does not take from whoever sends one."""

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from authenticity.errors import InputError
from authenticity.records.countries import is_in_country, known_country
from authenticity.records.network import NetworkClass, NetworkEvidence
from authenticity.records.place import Country, Place, PlaceSource
from authenticity.records.scan import Text
from verifier_api.auth.principals import Principal
from verifier_api.http.problems import FORBIDDEN, INVALID, Problem
from verifier_api.network.derivation import centre_of
from verifier_api.network.keyed_hashes import KeyedHashes

DEVICE_SOURCES: Final = (PlaceSource.GPS, PlaceSource.WIFI, PlaceSource.DECLARED)
"""What a device can say about itself; a place by its address is the service's own to derive."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the service knows of one request, whatever its body says: `by` whom its scans are,
    and the network it came from. None where the address is none, and of a gateway, whose own
    address says nothing of its users' networks. `hashes` are those of the installation."""

    by: Principal
    hashes: KeyedHashes
    network: NetworkEvidence | None


class PassedNetwork(Struct, frozen=True, forbid_unknown_fields=True):
    """The network of a gateway's user, as `NetworkEvidence`. `network`: any name of it that
    is the same for the same network; the service keeps a hash of it that is the gateway's own.
    """

    network: Text
    kind: NetworkClass
    country: Country | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    accuracy_km: Annotated[float, Meta(ge=0, le=20_040)] | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for a part of a place."""
        if len({self.lat is None, self.lon is None, self.accuracy_km is None}) > 1:
            raise ValueError("`lat`, `lon` and `accuracy_km` belong together")


def require_gateway(principal: Principal) -> None:
    """Raise `Problem` 403 unless this principal may pass the networks of its users."""
    if not principal.is_gateway:
        raise Problem(
            FORBIDDEN,
            "`network` may be passed with a gateway's token alone: of anybody else the service "
            "takes it from the address",
            "leave `network` out, or use a token made by `touchstone tokens create --gateway`",
        )


def passed_evidence(passed: PassedNetwork, gateway: str, hashes: KeyedHashes) -> NetworkEvidence:
    """What a gateway says of its user's network, under a hash of its own; without a country
    that the place is not in. Raises `Problem` 422 for a country that there is not."""
    network = hashes.passed_network(gateway, passed.network)
    country, lat, lon, accuracy_km = (
        _known(passed.country),
        passed.lat,
        passed.lon,
        passed.accuracy_km,
    )
    if lat is None or lon is None or accuracy_km is None:
        if country is not None:
            centre = centre_of(country)
            lat, lon, accuracy_km = centre.lat, centre.lon, centre.accuracy_km
    elif country is not None and not is_in_country(country, lat, lon, accuracy_km):
        country = None
    return NetworkEvidence(network, passed.kind, country, lat, lon, accuracy_km)


def reported_place(place: Place | None, *, believed: bool) -> Place | None:
    """The place that a device reports, without a country that it is not in.

    Raises `Problem` 422 for a country that there is not, and for a place by address unless a
    known scanner is `believed`.
    """
    if place is None:
        return None
    if not believed and place.source not in DEVICE_SOURCES:
        raise Problem(
            INVALID,
            f"the source {place.source} of `place` is the service's own to derive",
            f"send a place with source {', '.join(DEVICE_SOURCES)}, or none",
        )
    country = _known(place.country)
    if country is not None and not is_in_country(country, place.lat, place.lon, place.accuracy_km):
        return msgspec.structs.replace(place, country=None)
    return place


def _known(country: str | None) -> str | None:
    if country is None:
        return None
    try:
        return known_country(country)
    except InputError as error:
        raise Problem(INVALID, f"`country`: {error}", error.next_step) from None
