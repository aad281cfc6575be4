"""Small databases of addresses for tests: the ranges that are reserved for documentation."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet

PARIS: Final = {
    "country": {"iso_code": "FR"},
    "location": {"latitude": 48.86, "longitude": 2.35, "accuracy_radius": 20},
}
SEOUL: Final = {
    "country": {"iso_code": "KR"},
    "location": {"latitude": 37.57, "longitude": 126.98, "accuracy_radius": 50},
}
GERMANY: Final = {"country_code": "DE"}
Rows = Mapping[str, Mapping[str, Any]]

CITIES: Final[Rows] = MappingProxyType(
    {"192.0.2.0/24": PARIS, "198.51.100.0/24": SEOUL, "203.0.113.0/24": GERMANY,
     "2001:db8::/32": SEOUL}
)  # fmt: skip
CLASSES: Final[Rows] = MappingProxyType(
    {
        "192.0.2.0/25": {"connection_type": "Cable/DSL"},
        "192.0.2.128/25": {"is_anonymous": True, "is_hosting_provider": True},
        "198.51.100.0/25": {"traits": {"connection_type": "Cellular"}},
        "198.51.100.128/25": {"is_anonymous_vpn": True, "is_hosting_provider": True},
    }
)


def write_database(path: Path, rows: Rows = CITIES, *, kind: str = "Test-City") -> Path:
    """A file in MaxMind's format that says this of these networks, put there by renaming."""
    writer = MMDBWriter(6, kind, ipv4_compatible=True, description="for tests", float_type="f64")
    for network, row in rows.items():
        writer.insert_network(IPSet([IPNetwork(str(ip_network(network)))]), dict(row))
    beside = path.with_name(path.name + ".new")
    writer.to_db_file(str(beside))
    return beside.replace(path)
