"""Databases of addresses in MaxMind's format, from any publisher, and what their records say.

Read are the fields of MaxMind's GeoIP2 and GeoLite2 (City, Country, Enterprise, ISP,
Connection-Type, Anonymous-IP), and flat records with `country_code`, `latitude`, `longitude`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

from maxminddb.const import MODE_FD
from maxminddb.decoder import Decoder
from maxminddb.reader import Reader
from msgspec import Struct

from authenticity.errors import ConfigurationError
from authenticity.records.countries import COUNTRY_AREAS
from authenticity.records.network import NetworkClass
from verifier_api.http.client_address import Address
from verifier_api.network.bounded_files import read_bounded
from verifier_api.network.search_tree import record_offsets

Row = Mapping[str, Any]

UNSTATED_ACCURACY_KM: Final = 100.0
"""For a place whose record names no radius: that of a city and its surroundings, and more."""
_FARTHEST_KM: Final = 20_040.0
_SAMPLE: Final = 512
_FILE_BYTES: Final = 1_073_741_824
_METADATA: Final = b"\xab\xcd\xefMaxMind.com"
_ADDRESS_BITS: Final = {4: 32, 6: 128}
_DEEPEST: Final = 32
_VALUES_A_BYTE: Final = 64
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
    """One file, held in memory and checked whole: whatever happens to the file, lookups go on.

    Read in Python alone. The reader in C of the same library corrupts memory on some damaged
    files, which ends the process; a lookup here costs 40 to 70 µs, in C 7 to 13 µs.
    """

    def __init__(self, path: Path) -> None:
        """Raises `ConfigurationError` for a file that cannot be read, that others may change,
        or in which an address leads to nothing legible."""
        self.path = path
        raw = read_bounded(path, _FILE_BYTES)
        try:
            self._open(raw)
        except Exception as error:  # whatever the library meets in a damaged file
            reason = error if isinstance(error, _NotLegibleError) else "it cannot be read"
            raise ConfigurationError(
                f"{path} is no database in MaxMind's format, or it is damaged: {reason}",
                next_step="put a whole .mmdb file in its place, by renaming it",
            ) from None

    def _open(self, raw: bytes) -> None:
        marker = raw.rfind(_METADATA)
        if marker < 0:
            raise _NotLegibleError("it has no description at its end")
        begin = marker + len(_METADATA)
        if Decoder(raw, begin).decode(begin)[1] > len(raw):
            raise _NotLegibleError("its description is cut short")
        self._reader = Reader(BytesIO(raw), MODE_FD)
        facts = self._reader.metadata()
        if not isinstance(facts.database_type, str) or facts.ip_version not in _ADDRESS_BITS:
            raise _NotLegibleError("its description is not legible")
        self.type: str = facts.database_type
        self.built_at = _built_at(facts.build_epoch)
        self._ip_version: int = facts.ip_version
        try:
            self._records = record_offsets(
                raw, facts.node_count, facts.record_size, _ADDRESS_BITS[facts.ip_version]
            )
        except ValueError as error:
            raise _NotLegibleError(str(error)) from None
        if any(not facts.search_tree_size + 16 <= at < marker for at in self._records):
            raise _NotLegibleError("its search tree names records outside the file")
        self._decoder = Decoder(raw, facts.search_tree_size + 16)
        self._check_records(_VALUES_A_BYTE * len(raw))
        self.sample = tuple(row for row, _ in islice(self.rows(), _SAMPLE))
        if not self.sample:
            raise _NotLegibleError("it holds no records")

    def _check_records(self, values_left: int) -> None:
        """`values_left`: how many values all records may have; shared parts count each time."""
        for row, _ in self.rows():
            if not isinstance(row, dict):
                raise _NotLegibleError("one of its records is no map")
            values_left -= _count_values(row)
            if values_left < 0:
                raise _NotLegibleError("its records hold more values than such a file can mean")

    def record(self, address: Address) -> Row | None:
        """What the file says of this address; None where it says nothing."""
        if address.version > self._ip_version:
            return None  # IPv6 in a file of IPv4
        found = self._reader.get(address)
        return found if isinstance(found, dict) else None

    def rows(self) -> Iterator[tuple[Row, int]]:
        """Every record of the file, with the number of its networks."""
        decode: Callable[[int], tuple[Any, int]] = self._decoder.decode
        return ((decode(at)[0], count) for at, count in self._records.items())


class _NotLegibleError(Exception):
    """What is wrong with a file, in words of ours."""


def _built_at(epoch: object) -> datetime:
    try:
        return datetime.fromtimestamp(int(str(epoch)), UTC)
    except (ValueError, OverflowError, OSError):
        raise _NotLegibleError("its time of building is no date") from None


def _count_values(value: object, depth: int = 0) -> int:
    """Of maps and lists within each other. One nested deeper could be read at one time and
    not at another, as the stack is."""
    if depth > _DEEPEST:
        raise _NotLegibleError("one of its records is nested too deep")
    if isinstance(value, dict):
        return 1 + sum(_count_values(inner, depth + 1) for inner in value.values())
    if isinstance(value, list):
        return 1 + sum(_count_values(inner, depth + 1) for inner in value)
    return 1


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
        if isinstance(code, str) and code in COUNTRY_AREAS:
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
