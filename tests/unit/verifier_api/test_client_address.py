"""Which address a request comes from, however a proxy writes it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_api.http.client_address import (
    UNKNOWN,
    Address,
    bucket_keys,
    client_address,
    forwarded_for,
)
from verifier_api.http.problems import Problem

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("nearest", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "nonsense, 198.51.100.1, ,", "198.51.100.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7:49152", "203.0.113.7"),
        ("10.0.0.1", '"[2001:db8::1]:443"', "2001:db8::1"),
        ("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "64:ff9b::203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", None, "fe80::1"),
    ],
)
def test_only_what_our_proxies_wrote_is_believed(
    nearest: str, forwarded: str | None, client: str
) -> None:
    found = client_address({"client": (nearest, 1)}, forwarded, PROXIES)
    assert found == ip_address(client)


def test_without_configured_proxies_the_header_counts_for_nothing() -> None:
    assert client_address({"client": ("10.0.0.1", 1)}, "1.1.1.1", ()) == IPv4Address("10.0.0.1")


def test_a_server_that_gives_no_address_gives_one_client() -> None:
    assert client_address({"client": None}, None, PROXIES) == UNKNOWN


ADDRESSES = st.ip_addresses().filter(lambda address: not any(address in net for net in PROXIES))


def _spellings(address: Address) -> st.SearchStrategy[str]:
    ports = st.integers(0, 65_535)
    plain = str(address)
    if isinstance(address, IPv4Address):
        mapped = IPv6Address(0xFFFF << 32 | int(address))
        translated = IPv6Address(0x64_FF9B << 96 | int(address))
        inside = [str(mapped), f"::ffff:{address}", f"[{mapped}]", str(translated)]
        forms = [st.just(plain), st.sampled_from(inside), ports.map(lambda n: f"{plain}:{n}")]
    else:
        forms = [
            st.sampled_from([plain, address.exploded, plain.upper(), f"[{plain}]"]),
            ports.map(lambda n: f"[{plain}]:{n}"),
        ]
    quoted = st.sampled_from(["{}", '"{}"', " {} ", ' "{}"'])
    return st.builds(lambda text, form: form.format(text), st.one_of(forms), quoted)


def _in_nat64(address: Address) -> bool:
    return int(address) >> 32 in (0x64_FF9B << 64, 0xFFFF)


@given(data=st.data(), address=ADDRESSES.filter(lambda a: a.version == 4 or not _in_nat64(a)))
def test_every_spelling_of_an_address_is_that_address(data: Any, address: Address) -> None:
    text = data.draw(_spellings(address))
    assert client_address({"client": ("10.0.0.1", 1)}, text, PROXIES) == address


@pytest.mark.parametrize(
    "text",
    [
        "nonsense", "unknown", "_hidden", "203.0.113.7:", "203.0.113.7:x", "[2001:db8::1", "203.0",
        "[2001:db8::1]443", "203.0.113.7:123456", "203.0.113.7:65536", "[2001:db8::1]:99999",
        '"203.0.113.7', '203.0.113.7"', '""203.0.113.7""', '"', '"[2001:db8::1]',
        "1.1.1.1 2.2.2.2", "203.0.113.007", "x" * 5_000,
    ],
)  # fmt: skip
def test_a_hop_that_counts_and_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        client_address({"client": ("10.0.0.1", 1)}, f"198.51.100.1, {text}", PROXIES)
    assert refused.value.kind.status == 400
    assert "operator" in refused.value.next_step
    assert len(refused.value.detail) < 200


@given(lines=st.lists(st.lists(ADDRESSES.map(str), min_size=1, max_size=3), min_size=1, max_size=4))
def test_several_lines_are_one_list(lines: list[list[str]]) -> None:
    headers = [(b"x-forwarded-for", ", ".join(line).encode()) for line in lines]
    assert client_address(
        {"client": ("10.0.0.1", 1)}, forwarded_for([(b"host", b"x"), *headers]), PROXIES
    ) == client_address({"client": (lines[-1][-1], 1)}, None, ())


def test_an_endless_chain_of_our_own_proxies_is_read_to_a_bound() -> None:
    chain = ", ".join(["nonsense"] + ["10.0.0.1"] * 10_000)
    assert client_address({"client": ("10.0.0.1", 1)}, chain, PROXIES) == IPv4Address("10.0.0.1")


def test_an_ipv6_address_pays_from_its_64_its_56_and_its_48() -> None:
    one, household, street = (
        {key for key, _ in bucket_keys(IPv6Address(text))}
        for text in ("2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:100::1")
    )
    assert one == {key for key, _ in bucket_keys(IPv6Address("2001:db8::ffff"))}
    assert (len(one), len(one & household), len(one & street)) == (3, 2, 1)
    assert not one & {key for key, _ in bucket_keys(IPv6Address("2001:db8:1::1"))}
    shares = [share for _, share in bucket_keys(IPv6Address("2001:db8::1"))]
    assert shares == sorted(shares)
