"""What records of several publishers say, and that no record can do harm."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import ConfigurationError
from authenticity.records.network import NetworkClass, NetworkEvidence
from tests.support.geo import CITIES, CLASSES, write_database
from verifier_api.http.client_address import address_of
from verifier_api.network.databases import (
    UNSTATED_ACCURACY_KM,
    AddressDatabase,
    RecordedPlace,
    class_of,
    place_of,
)
from verifier_api.network.derivation import GeoSources, derive
from verifier_api.network.keyed_hashes import KeyedHashes
from verifier_api.network.locator import evidence_of
from verifier_api.network.relay_ranges import RelayRanges, read_relay_ranges

PLACES: list[tuple[dict[str, Any], RecordedPlace]] = [
    ({"country": {"iso_code": "FR"}}, RecordedPlace("FR")),
    ({"registered_country": {"iso_code": "FR"}}, RecordedPlace("FR")),
    ({"country_code": "FR"}, RecordedPlace("FR")),
    (
        {"country_code": "FR", "latitude": "48.5", "longitude": "2.5"},
        RecordedPlace("FR", 48.5, 2.5, UNSTATED_ACCURACY_KM),
    ),
    (
        {"location": {"latitude": 48.5, "longitude": 2.5, "accuracy_radius": 5}},
        RecordedPlace(None, 48.5, 2.5, 5.0),
    ),
    ({"country_code": "France", "location": {"latitude": 48.5}}, RecordedPlace()),
    ({"location": {"latitude": 91, "longitude": 2}}, RecordedPlace()),
    ({"location": {"latitude": math.nan, "longitude": 2}}, RecordedPlace()),
    ({"location": [1, 2], "country": 7}, RecordedPlace()),
]


@pytest.mark.parametrize(("row", "expected"), PLACES)
def test_the_place_in_a_record(row: dict[str, Any], expected: RecordedPlace) -> None:
    assert place_of(row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"connection_type": "Cable/DSL"}, NetworkClass.FIXED),
        ({"traits": {"connection_type": "Cellular"}}, NetworkClass.MOBILE),
        ({"traits": {"user_type": "hosting"}}, NetworkClass.HOSTING),
        ({"is_hosting_provider": True, "is_anonymous": True}, NetworkClass.HOSTING),
        ({"is_anonymous_vpn": True, "is_hosting_provider": True}, NetworkClass.TUNNEL),
        ({"is_tor_exit_node": True, "connection_type": "Cable/DSL"}, NetworkClass.TUNNEL),
        ({"is_public_proxy": True}, NetworkClass.TUNNEL),
        ({"is_anonymous": True}, NetworkClass.TUNNEL),
        ({"autonomous_system_number": 64496}, None),
        ({"is_anonymous_vpn": "yes", "traits": 3}, None),
    ],
)
def test_the_class_in_a_record(row: dict[str, Any], expected: NetworkClass | None) -> None:
    assert class_of(row) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
KEYS = ["country", "country_code", "location", "latitude", "longitude", "accuracy_radius", "traits"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_record_gives_a_whole_place_within_bounds_or_none(row: dict[str, Any]) -> None:
    place = place_of(row)
    class_of(row)
    assert len({place.lat is None, place.lon is None, place.accuracy_km is None}) == 1
    if place.lat is not None:
        assert place.lon is not None
        assert place.accuracy_km is not None
        assert -90 <= place.lat <= 90
        assert -180 <= place.lon <= 180
        assert 0 < place.accuracy_km <= 20_040


@pytest.fixture
def sources(tmp_path: Path) -> GeoSources:
    city = write_database(tmp_path / "city.mmdb")
    asn = write_database(tmp_path / "asn.mmdb", CLASSES, kind="Test-ASN")
    relays = tmp_path / "relays.csv"
    relays.write_text("# relays\n\n198.51.100.0/28,KR,KR-11,Seoul,\n2001:db8:7::/48\n203.0.113.9\n")
    return GeoSources(AddressDatabase(city), AddressDatabase(asn), read_relay_ranges(relays))


def _evidence(address: str, sources: GeoSources) -> NetworkEvidence:
    parsed = address_of(address)
    assert parsed is not None
    return evidence_of(derive(parsed, sources), KeyedHashes(bytes(32)))


@pytest.mark.parametrize(
    ("address", "kind", "country", "locates"),
    [
        ("192.0.2.7", NetworkClass.FIXED, "FR", True),
        ("192.0.2.200", NetworkClass.HOSTING, "FR", False),
        ("198.51.100.99", NetworkClass.MOBILE, "KR", True),
        ("198.51.100.200", NetworkClass.TUNNEL, "KR", False),
        ("198.51.100.3", NetworkClass.RELAY, "KR", False),
        ("2001:db8:7::1", NetworkClass.RELAY, "KR", False),
        ("2001:db8:8::1", NetworkClass.UNKNOWN, "KR", True),
        ("203.0.113.9", NetworkClass.RELAY, "DE", False),
        ("203.0.113.8", NetworkClass.UNKNOWN, "DE", True),
        ("9.9.9.9", NetworkClass.UNKNOWN, None, False),
        ("10.0.0.1", NetworkClass.UNKNOWN, None, False),
    ],
)
def test_an_address_says_class_and_country_and_whether_its_user_is_there(
    sources: GeoSources, address: str, kind: NetworkClass, country: str | None, locates: bool
) -> None:
    evidence = _evidence(address, sources)
    assert (evidence.kind, evidence.country, evidence.locates) == (kind, country, locates)


def test_a_file_of_countries_gives_their_centre_and_radius(sources: GeoSources) -> None:
    germany = _evidence("203.0.113.8", sources)
    assert (germany.lat, germany.lon, germany.accuracy_km) == (51.1, 10.4, 400.0)


def test_a_country_that_the_place_in_the_file_is_not_in_is_dropped(tmp_path: Path) -> None:
    row = {**CITIES["192.0.2.0/24"], "country": {"iso_code": "KR"}}
    path = write_database(tmp_path / "odd.mmdb", {"192.0.2.0/24": row})
    evidence = _evidence("192.0.2.1", GeoSources(AddressDatabase(path)))
    assert (evidence.country, evidence.lat) == (None, 48.86)


def test_without_files_an_address_is_still_a_network() -> None:
    one, same, other = (
        _evidence(address, GeoSources()) for address in ("192.0.2.7", "192.0.2.9", "192.0.3.9")
    )
    assert one == same != other
    assert (one.kind, one.country, one.locates) == (NetworkClass.UNKNOWN, None, False)


@given(st.lists(st.ip_addresses(), max_size=20), st.ip_addresses(), st.integers(0, 32))
def test_ranges_hold_what_lies_in_any_of_them(
    addresses: list[Any], asked: Any, length: int
) -> None:
    from ipaddress import ip_network

    networks = [ip_network((int(a) if a.version == 4 else a, length), strict=False)
                for a in addresses]  # fmt: skip
    expected = any(asked in network for network in networks)
    assert RelayRanges(networks).holds(asked) == expected


@pytest.mark.parametrize("line", ["no range", "192.0.2.0/33", "300.1.1.1"])
def test_a_line_that_is_no_range_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "relays.txt"
    path.write_text(f"192.0.2.0/24\n{line}\n")
    with pytest.raises(ConfigurationError, match="line 2") as refused:
        read_relay_ranges(path)
    assert "192.0.2.0/24" in refused.value.next_step


def test_a_file_that_is_cut_short_or_overwritten_does_not_disturb_what_was_read(
    tmp_path: Path,
) -> None:
    path = write_database(tmp_path / "city.mmdb")
    database = AddressDatabase(path)
    path.write_bytes(b"")
    address = address_of("192.0.2.1")
    assert address is not None
    assert database.record(address) == CITIES["192.0.2.0/24"]
    with pytest.raises(ConfigurationError, match="damaged"):
        AddressDatabase(path)
