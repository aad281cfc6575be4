"""What counts as one network, and what is no place."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_api.http.client_address import address_of
from verifier_api.network.addresses import is_somewhere, network_of

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)


@given(V4, st.integers(0, 255))
def test_addresses_of_one_slash_24_are_one_network(address: IPv4Address, last: int) -> None:
    neighbour = IPv4Address(int(address) & ~0xFF | last)
    assert network_of(address) == network_of(neighbour)
    assert network_of(address) != network_of(IPv4Address(int(address) ^ 0x100))


@given(V6, st.integers(0, 2**80 - 1))
def test_addresses_of_one_slash_48_are_one_network(address: IPv6Address, low: int) -> None:
    neighbour = IPv6Address(int(address) >> 80 << 80 | low)
    assert network_of(address) == network_of(neighbour)
    assert network_of(address) != network_of(IPv6Address(int(address) ^ 1 << 80))


@pytest.mark.parametrize(
    "text",
    ["10.1.2.3", "127.0.0.1", "169.254.1.1", "172.31.0.1", "192.168.1.1", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
     "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::8.8.8.8",
     "2001:0:7f00:1::1", "2002:808:808::1"],
)  # fmt: skip
def test_private_and_reserved_addresses_are_nowhere(text: str) -> None:
    address = address_of(text)
    assert address is not None
    assert not is_somewhere(address)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "192.0.2.1", "2001:db8::1", "2001:4860::1", "172.32.0.1"]
)
def test_other_addresses_are_somewhere(text: str) -> None:
    address = address_of(text)
    assert address is not None
    assert is_somewhere(address)
