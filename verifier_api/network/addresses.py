"""IP addresses of callers: one form each, and the network that stands for a subscriber."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that was reached through NAT64."""
_NOBODY: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
        "::/128", "::1/128", "100::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
"""Private, loopback, link-local and reserved: they are in many places at once, or in none."""


def read_address(text: str) -> Address | None:
    """The address in this text; IPv4 where it was mapped (RFC 4291) or translated into IPv6.

    None for text that is no address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        bare = IPv6Address(int(address))  # without the zone, which is this machine's own
        return IPv4Address(int(bare) & 0xFFFF_FFFF) if bare in _NAT64 else bare
    return address


def network_of(address: Address) -> Network:
    """The /24 or, of IPv6, the /48: what one subscriber or one provider's pool has."""
    if isinstance(address, IPv4Address):
        return IPv4Network((int(address), 24), strict=False)
    return IPv6Network((int(address), 48), strict=False)


def is_somewhere(address: Address) -> bool:
    """Whether the address is in one place of the world, as far as its range says."""
    return not any(address in network for network in _NOBODY)
