"""Ranges of relays: networks that many people come out of, wherever they are."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from authenticity.errors import ConfigurationError
from verifier_api.http.client_address import Address
from verifier_api.network.bounded_files import read_bounded
from verifier_api.settings import Network

_FILE_BYTES: Final = 64 * 1_048_576
_BITS: Final = {4: 32, 6: 128}


class RelayRanges:
    """A list in memory; a lookup costs one step for each length of prefix that occurs."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._prefixes: dict[int, dict[int, set[int]]] = {4: {}, 6: {}}
        self.count = 0
        for network in networks:
            prefix = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            self._prefixes[network.version].setdefault(network.prefixlen, set()).add(prefix)
            self.count += 1

    def holds(self, address: Address) -> bool:
        """Whether the address is in one of the ranges."""
        number, bits = int(address), _BITS[address.version]
        prefixes: Mapping[int, set[int]] = self._prefixes[address.version]
        return any(number >> (bits - length) in known for length, known in prefixes.items())


def read_relay_ranges(path: Path) -> RelayRanges:
    """A range (CIDR) or an address a line. What follows a comma is left out, as are empty
    lines and those that begin with #.

    Raises `ConfigurationError` naming the line, and as `read_bounded`.
    """
    try:
        text = read_bounded(path, _FILE_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"cannot read {path}: it is no text",
            next_step="give a text file with a range a line, such as 192.0.2.0/24",
        ) from None
    return RelayRanges(_networks(path, text))


def _networks(path: Path, text: str) -> Iterable[Network]:
    for number, line in enumerate(text.splitlines(), 1):
        written = line.partition(",")[0].strip()
        if not written or written.startswith("#"):
            continue
        try:
            yield ip_network(written, strict=False)
        except ValueError:
            raise ConfigurationError(
                f"{path}, line {number}: {written[:60]!r} is no range of addresses",
                next_step="write a range a line, such as 192.0.2.0/24, or take the line out",
            ) from None
