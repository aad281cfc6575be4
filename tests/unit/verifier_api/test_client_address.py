"""Whose bucket pays."""

from ipaddress import ip_network

import pytest

from verifier_api.http.client_address import bucket_name, client_address
from verifier_api.http.problems import Problem
from verifier_api.http.rate_limit import RateLimiter

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("nearest", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
    ],
)
def test_only_what_our_proxies_wrote_is_believed(
    nearest: str, forwarded: str | None, client: str
) -> None:
    assert client_address({"client": (nearest, 1)}, forwarded, PROXIES) == client


def test_without_configured_proxies_the_header_counts_for_nothing() -> None:
    assert client_address({"client": ("10.0.0.1", 1)}, "1.1.1.1", ()) == "10.0.0.1"


def test_a_household_of_ipv6_shares_one_bucket() -> None:
    assert bucket_name("2001:db8::1") == bucket_name("2001:db8::ffff")
    assert bucket_name("2001:db8::1") != bucket_name("2001:db8:0:1::1")


def _limiter(addresses: int = 10) -> RateLimiter:
    return RateLimiter(per_minute=60, burst=3, addresses=addresses)


def test_a_burst_is_allowed_and_then_one_a_second() -> None:
    limiter = _limiter()
    for _ in range(3):
        limiter.take("192.0.2.1", 100.0)
    with pytest.raises(Problem) as refused:
        limiter.take("192.0.2.1", 100.5)
    assert refused.value.headers["Retry-After"] == "1"
    limiter.take("192.0.2.1", 101.1)
    limiter.take("192.0.2.2", 101.1)


def test_a_request_that_could_never_be_paid_is_told_to_bring_a_token() -> None:
    with pytest.raises(Problem) as refused:
        _limiter().take("a", 0.0, cost=4)
    assert "token" in refused.value.next_step


def test_addresses_are_bounded_and_the_oldest_is_forgotten() -> None:
    limiter = _limiter(addresses=2)
    for number in range(50):
        limiter.take(f"10.0.0.{number}", float(number))
    assert len(limiter) == 2


def test_a_clock_that_stands_still_earns_nothing() -> None:
    limiter = _limiter()
    for _ in range(3):
        limiter.take("192.0.2.1", 5.0)
    with pytest.raises(Problem):
        limiter.take("192.0.2.1", 4.0)
