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
TOKYO: Final = {
    "country": {"iso_code": "JP"},
    "location": {"latitude": 35.68, "longitude": 139.65, "accuracy_radius": 20},
}
NEW_YORK: Final = {
    "country": {"iso_code": "US"},
    "location": {"latitude": 40.71, "longitude": -74.01, "accuracy_radius": 20},
}
SYDNEY: Final = {
    "country": {"iso_code": "AU"},
    "location": {"latitude": -33.87, "longitude": 151.21, "accuracy_radius": 20},
}
Rows = Mapping[str, Mapping[str, Any]]

CITIES: Final[Rows] = MappingProxyType(
    {"192.0.2.0/24": PARIS, "198.51.100.0/24": SEOUL, "203.0.113.0/24": GERMANY,
     "2001:db8::/32": SEOUL}
)  # fmt: skip
WORLD: Final[Rows] = MappingProxyType(
    {
        **CITIES,
        "3fff:1::/32": PARIS,
        "3fff:2::/32": TOKYO,
        "3fff:3::/32": NEW_YORK,
        "3fff:4::/32": SYDNEY,
        "3fff:5::/32": SEOUL,
        "3fff:a::/32": NEW_YORK,
        "3fff:b::/32": SYDNEY,
        "2001::/32": TOKYO,
        "2002::/16": TOKYO,
    }
)
"""`CITIES`, and 65,536 networks of each city in the range of IPv6 for documentation. Of
3fff:f::/32 nothing is known. What is embedded in IPv6 by Teredo and 6to4 is placed, as
files of MaxMind's do."""
CLASSES: Final[Rows] = MappingProxyType(
    {
        "192.0.2.0/25": {"connection_type": "Cable/DSL"},
        "192.0.2.128/25": {"is_anonymous": True, "is_hosting_provider": True},
        "198.51.100.0/25": {"traits": {"connection_type": "Cellular"}},
        "198.51.100.128/25": {"is_anonymous_vpn": True, "is_hosting_provider": True},
    }
)
CLASSES_OF_WORLD: Final[Rows] = MappingProxyType(
    {
        **CLASSES,
        "3fff:1::/32": {"connection_type": "Cable/DSL"},
        "3fff:2::/32": {"connection_type": "Cable/DSL"},
        "3fff:a::/32": {"is_anonymous": True, "is_hosting_provider": True},
        "3fff:b::/32": {"is_anonymous_vpn": True},
    }
)
"""`CLASSES`, with data centres in 3fff:a::/32 and tunnels in 3fff:b::/32. The cities of
3fff:3::/32 to 3fff:5::/32 have no class."""


def write_database(path: Path, rows: Rows = CITIES, *, kind: str = "Test-City") -> Path:
    """A file in MaxMind's format that says this of these networks, put there by renaming."""
    writer = MMDBWriter(6, kind, ipv4_compatible=True, description="for tests", float_type="f64")
    for network, row in rows.items():
        writer.insert_network(IPSet([IPNetwork(str(ip_network(network)))]), dict(row))
    beside = path.with_name(path.name + ".new")
    writer.to_db_file(str(beside))
    beside.chmod(0o644)  # others may read it, not change it, whatever the umask
    return beside.replace(path)
