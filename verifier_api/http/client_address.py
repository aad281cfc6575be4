"""The client's address, read through trusted proxies; the buckets it pays from."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

from verifier_api.http.problems import FORWARDED, Problem
from verifier_api.settings import Network

Address = IPv4Address | IPv6Address
UNKNOWN: Final = IPv4Address(0)
"""Where the server gives no address: all such connections count as one client."""

_FORWARDED_FOR: Final = b"x-forwarded-for"
_HOPS: Final = 32
"""Hops that are looked at; a chain of proxies is shorter."""
_LONGEST_HOP: Final = 64
_NAT64: Final = IPv6Network("64:ff9b::/96")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_PORT_DIGITS: Final = 5
_LARGEST_PORT: Final = 65_535


class ForwardedProblem(Problem):
    """A hop that counts is no address. `nearest`: the proxy that wrote it."""

    nearest: Address = UNKNOWN


def forwarded_for(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Every X-Forwarded-For line of an ASGI scope as one list (RFC 9110, 5.3); None without."""
    lines = [value for name, value in headers if name == _FORWARDED_FOR]
    return b",".join(lines).decode("latin-1") if lines else None


def client_address(
    scope: Mapping[str, Any], forwarded: str | None, proxies: tuple[Network, ...]
) -> Address:
    """The nearest address that is none of our own proxies.

    `forwarded` (`forwarded_for`) is read from its right end, where our proxies wrote, and
    only while each hop is a configured proxy: everything left of the first stranger was
    written by that stranger. IPv4 inside IPv6 (mapped, NAT64) counts as IPv4.

    Raises `ForwardedProblem`, a 400, for a hop that counts and is no address: if all such
    callers counted as one address, any of them could use up what the others may do.
    """
    client = scope.get("client")
    nearest = address_of(str(client[0])) if client else UNKNOWN
    if nearest is None:
        return UNKNOWN
    if not proxies or not forwarded:
        return nearest
    for hop in reversed(forwarded.rsplit(",", _HOPS)[-_HOPS:]):
        if not any(nearest in network for network in proxies):
            break
        if text := hop.strip():  # an empty element of a list is none (RFC 9110, 5.6.1.2)
            nearest = _forwarded_address(text, nearest)
    return nearest


def _forwarded_address(hop: str, nearest: Address) -> Address:
    address = address_of(hop) if len(hop) <= _LONGEST_HOP else None
    if address is None:
        problem = ForwardedProblem(
            FORWARDED,
            f"X-Forwarded-For names {hop[:_LONGEST_HOP]!r}, which is no IP address",
            "the operator's proxy must write the address it sees there, like 203.0.113.7, "
            "203.0.113.7:49152 or [2001:db8::1]:443",
        )
        problem.nearest = nearest
        raise problem
    return address


@lru_cache(maxsize=4_096)
def address_of(text: str) -> Address | None:
    """The address in this text of at most 64 characters, without port, brackets or quotes; None
    where there is none. IPv4 inside IPv6 (mapped, NAT64) is given as IPv4."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    try:
        address = ip_address(_without_port(text))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or address in _MAPPED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return IPv6Address(int(address))  # without its zone: that is a name of our own network card


def _without_port(text: str) -> str:
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            raise ValueError("not a bracketed address")
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(":" + port):
            raise ValueError("not a port")
    return text


def _is_port(text: str) -> bool:
    digits = text[1:]
    if text[0] != ":" or not 0 < len(digits) <= _PORT_DIGITS:
        return False
    return digits.isascii() and digits.isdigit() and int(digits) <= _LARGEST_PORT


BucketKeys = tuple[tuple[Any, int], ...]
"""The buckets that one client pays from, and how many times the usual allowance each holds."""

_LEVELS: Final = ((64, 1), (56, 4), (48, 16))
"""IPv6: prefix lengths and shares. A site holds a /48: counting /64 alone would give it 65,536
allowances; a /48 of an access network holds many households, hence its larger share."""


def bucket_keys(address: Address) -> BucketKeys:
    """One bucket for an IPv4 address; for IPv6 one each of its /64, /56 and /48."""
    number = int(address)
    if isinstance(address, IPv4Address):
        return ((number, 1),)
    return tuple(((length, number >> (128 - length)), share) for length, share in _LEVELS)
