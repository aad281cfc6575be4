"""What an address says about its network, and from which file each part is."""

from dataclasses import dataclass

from authenticity.records.countries import COUNTRY_AREAS, is_in_country
from authenticity.records.network import NetworkClass
from verifier_api.http.client_address import Address
from verifier_api.network.addresses import is_somewhere, network_of
from verifier_api.network.databases import (
    NOWHERE,
    AddressDatabase,
    RecordedPlace,
    Row,
    class_of,
    place_of,
)
from verifier_api.network.relay_ranges import RelayRanges
from verifier_api.settings import Network


@dataclass(frozen=True, slots=True)
class GeoSources:
    """The files in force; None for what is not there."""

    city: AddressDatabase | None = None
    asn: AddressDatabase | None = None
    relays: RelayRanges | None = None


@dataclass(frozen=True, slots=True)
class Derivation:
    """`why` says in words where class and place come from, for whoever set up the files."""

    address: Address
    network: Network
    kind: NetworkClass
    place: RecordedPlace
    why: tuple[str, ...]


def derive(address: Address, sources: GeoSources) -> Derivation:
    """Class, country and place of the network of this address, which is unmapped already."""
    network = network_of(address)
    if not is_somewhere(address):
        why = "the address is private or reserved: it is no place"
        return Derivation(address, network, NetworkClass.UNKNOWN, NOWHERE, (why,))
    city = sources.city.record(address) if sources.city else None
    asn = sources.asn.record(address) if sources.asn else None
    kind, kind_why = _class(address, sources, city, asn)
    place, place_why = _place(sources, city)
    return Derivation(address, network, kind, place, (kind_why, *place_why))


def _class(
    address: Address, sources: GeoSources, city: Row | None, asn: Row | None
) -> tuple[NetworkClass, str]:
    if sources.relays is not None and sources.relays.holds(address):
        return NetworkClass.RELAY, "class: the list of relay ranges has it"
    for name, row in (("network", asn), ("city or country", city)):
        kind = class_of(row) if row is not None else None
        if kind is not None:
            return kind, f"class: the {name} file says so"
    return NetworkClass.UNKNOWN, "class: no file says what kind of network it is"


def _place(sources: GeoSources, row: Row | None) -> tuple[RecordedPlace, tuple[str, ...]]:
    if sources.city is None:
        return NOWHERE, ("place: there is no city or country file",)
    place = place_of(row) if row is not None else NOWHERE
    country, lat, lon = place.country, place.lat, place.lon
    if lat is not None and lon is not None and place.accuracy_km is not None:
        if country is not None and not is_in_country(country, lat, lon, place.accuracy_km):
            dropped = f"country: dropped, for the place is not in {country}"
            return RecordedPlace(None, lat, lon, place.accuracy_km), (_CITY, dropped)
        return place, (_CITY,)
    if country is None:
        return NOWHERE, ("place: the city or country file says nothing of this address",)
    return centre_of(country), (
        f"place: the file names the country {country} alone; its centre and radius stand in",
    )


def centre_of(country: str) -> RecordedPlace:
    """The country with its centre and radius, without them where they are not known."""
    area = COUNTRY_AREAS.get(country)
    if area is None:
        return RecordedPlace(country)
    return RecordedPlace(country, area.lat, area.lon, area.radius_km)


_CITY = "place: from the city or country file"
