"""The network that stands for a subscriber, and the ranges that are no place."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import Final

from verifier_api.http.client_address import Address
from verifier_api.settings import Network

_NOBODY: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
        "::/128", "::1/128", "100::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        "64:ff9b:1::/48", "2001::/32", "2002::/16",
    )
)  # fmt: skip
"""Private, loopback, link-local and reserved: they are in many places at once, or in none. So
are the tunnels Teredo and 6to4, in which one IPv4 address is a second network."""


def network_of(address: Address) -> Network:
    """The /24 or, of IPv6, the /48: what one subscriber or one provider's pool has."""
    if isinstance(address, IPv4Address):
        return IPv4Network((int(address), 24), strict=False)
    return IPv6Network((int(address), 48), strict=False)


def is_somewhere(address: Address) -> bool:
    """Whether the address is in one place of the world, as far as its range says."""
    return not any(address in network for network in _NOBODY)
