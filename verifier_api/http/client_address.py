"""The client's address, read through trusted proxies."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from verifier_api.settings import Network


def client_address(
    scope: Mapping[str, Any], forwarded_for: str | None, proxies: tuple[Network, ...]
) -> str:
    """The nearest address that is none of our own proxies.

    X-Forwarded-For is read from its right end, where our proxies wrote, and only
    while each hop is a configured proxy: everything left of the first stranger was
    written by that stranger.
    """
    client = scope.get("client")
    nearest = str(client[0]) if client else ""
    if not proxies or not forwarded_for:
        return nearest
    for hop in reversed(forwarded_for[-1024:].split(",")):
        if not _is_within(nearest, proxies):
            break
        nearest = hop.strip()
    return nearest


@lru_cache(maxsize=4_096)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


@lru_cache(maxsize=4_096)
def bucket_name(address: str) -> str:
    """One bucket an IPv4 address; one a /64 of IPv6, for a household holds all of it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False).network_address)
    return address
