"""Databases of addresses in MaxMind's format, from any publisher, and what their records say.

Read are the fields of MaxMind's GeoIP2 and GeoLite2 (City, Country, Enterprise, ISP,
Connection-Type, Anonymous-IP), and flat records with `country_code`, `latitude`, `longitude`.
"""

import math
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import maxminddb
from msgspec import Struct

from authenticity.errors import ConfigurationError
from authenticity.records.network import NetworkClass
from verifier_api.http.client_address import Address

Row = Mapping[str, Any]

UNSTATED_ACCURACY_KM: Final = 100.0
"""For a place whose record names no radius: that of a city and its surroundings, and more."""
_FARTHEST_KM: Final = 20_040.0
_SAMPLE: Final = 512
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_TUNNELS: Final = (
    "is_anonymous_vpn", "is_tor_exit_node", "is_public_proxy", "is_residential_proxy",
    "is_anonymous_proxy",
)  # fmt: skip
_CONNECTIONS: Final = {
    "cable/dsl": NetworkClass.FIXED,
    "corporate": NetworkClass.FIXED,
    "dialup": NetworkClass.FIXED,
    "cellular": NetworkClass.MOBILE,
    "satellite": NetworkClass.MOBILE,  # the gateway may be as far away as a mobile network's
}
_USERS: Final = {
    "hosting": NetworkClass.HOSTING,
    "content_delivery_network": NetworkClass.HOSTING,
    "cellular": NetworkClass.MOBILE,
    "residential": NetworkClass.FIXED,
    "business": NetworkClass.FIXED,
}


class RecordedPlace(Struct, frozen=True):
    """Degrees and km; all of the last three are there, or none."""

    country: str | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_km: float | None = None


NOWHERE: Final = RecordedPlace()


class AddressDatabase:
    """One file, read from a copy of its own: whatever happens to the file, lookups go on.

    A file that is mapped into memory and cut short by somebody would end the process.
    """

    def __init__(self, path: Path) -> None:
        """Raises `ConfigurationError` for a file that cannot be read, or is no such database."""
        self.path = path
        try:
            with tempfile.NamedTemporaryFile(prefix="touchstone-geo-") as copy:
                copy.write(path.read_bytes())
                copy.flush()
                self._reader = maxminddb.open_database(copy.name)
                self.sample = tuple(row for _, row in islice(self._reader, _SAMPLE))
        except OSError as error:
            raise ConfigurationError(
                f"cannot read {path}: {error.strerror or error}",
                next_step="check that the file is there, and who may read it",
            ) from None
        except (maxminddb.InvalidDatabaseError, ValueError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{path} is no database in MaxMind's format, or it is damaged: {error}",
                next_step="put a whole .mmdb file in its place, by renaming it",
            ) from None
        facts = self._reader.metadata()
        self.type: str = facts.database_type
        self.built_at = datetime.fromtimestamp(facts.build_epoch, UTC)

    def record(self, address: Address) -> Row | None:
        """What the file says of this address; None where it says nothing, or nothing legible."""
        try:
            row = self._reader.get(address)
        except (maxminddb.InvalidDatabaseError, ValueError, UnicodeDecodeError):
            return None  # damaged there, or IPv6 in a file of IPv4
        return row if isinstance(row, dict) else None

    def rows(self) -> Iterator[Row]:
        """The record of every network in the file."""
        return (row for _, row in self._reader if isinstance(row, dict))


def place_of(row: Row) -> RecordedPlace:
    """Where this record says that its network is."""
    country = _country(row)
    location = _mapping(row.get("location"))
    lat = _number(location.get("latitude", row.get("latitude", row.get("lat"))), 90.0)
    lon = _number(location.get("longitude", row.get("longitude", row.get("lng"))), 180.0)
    if lat is None or lon is None:
        return RecordedPlace(country)
    radius = _number(location.get("accuracy_radius", row.get("accuracy_radius")), _FARTHEST_KM)
    known = radius is not None and radius > 0
    return RecordedPlace(country, lat, lon, radius if known else UNSTATED_ACCURACY_KM)


def class_of(row: Row) -> NetworkClass | None:
    """Which class of network this record says it is of; None where it has no such field."""
    traits = {**row, **_mapping(row.get("traits"))}
    if any(traits.get(name) is True for name in _TUNNELS):
        return NetworkClass.TUNNEL
    users = _USERS.get(str(traits.get("user_type", "")).lower())
    if traits.get("is_hosting_provider") is True or users is NetworkClass.HOSTING:
        return NetworkClass.HOSTING
    if traits.get("is_anonymous") is True:
        return NetworkClass.TUNNEL
    return _CONNECTIONS.get(str(traits.get("connection_type", "")).lower()) or users


def _country(row: Row) -> str | None:
    """Where its users are; else where it is registered."""
    for name in ("country", "country_code", "registered_country"):
        value = row.get(name)
        code = value.get("iso_code") if isinstance(value, dict) else value
        if isinstance(code, str) and _COUNTRY.fullmatch(code):
            return code
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object, bound: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) <= bound else None
