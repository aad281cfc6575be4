"""One form of each address, and what counts as one network."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_api.network.addresses import is_somewhere, network_of, read_address

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)


@given(V4)
def test_an_address_inside_ipv6_is_the_ipv4_address_however_it_was_written(
    address: IPv4Address,
) -> None:
    inside = (f"::ffff:{address}", f"64:ff9b::{address}")
    assert {read_address(text) for text in (str(address), *inside)} == {address}


@given(st.text(max_size=40))
def test_text_is_an_address_or_none(text: str) -> None:
    try:
        expected = ip_address(text)
    except ValueError:
        assert read_address(text) is None
    else:
        assert expected is not None
        assert read_address(text) is not None


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


def test_the_zone_of_an_address_is_left_out() -> None:
    assert read_address("fe80::1%eth0") == IPv6Address("fe80::1")


@pytest.mark.parametrize(
    "text",
    ["10.1.2.3", "127.0.0.1", "169.254.1.1", "172.31.0.1", "192.168.1.1", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
     "::ffff:10.0.0.1", "64:ff9b::127.0.0.1"],
)  # fmt: skip
def test_private_and_reserved_addresses_are_nowhere(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert not is_somewhere(address)


@pytest.mark.parametrize("text", ["8.8.8.8", "192.0.2.1", "2001:db8::1", "172.32.0.1"])
def test_other_addresses_are_somewhere(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert is_somewhere(address)
