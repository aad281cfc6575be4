"""How much a client may ask."""

from ipaddress import IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_api.http.client_address import BucketKeys, bucket_keys
from verifier_api.http.problems import Problem
from verifier_api.http.rate_limit import RateLimiter


class Clock:
    """Stands where it is set."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def _limiter(clock: Clock | None = None, **changes: Any) -> RateLimiter:
    limits = {"per_minute": 60, "burst": 3, "buckets": 10} | changes
    return RateLimiter("this address", monotonic_s=clock or Clock(), **limits)


def _of(text: str) -> BucketKeys:
    return bucket_keys(ip_address(text))


def _taken(limiter: RateLimiter, keys: BucketKeys, cost: float = 1) -> bool:
    try:
        limiter.take(keys, cost)
    except Problem:
        return False
    return True


def test_a_burst_is_allowed_and_then_one_a_second() -> None:
    clock = Clock()
    limiter = _limiter(clock)
    for _ in range(3):
        limiter.take(_of("192.0.2.1"))
    clock.now_s += 0.5
    with pytest.raises(Problem) as refused:
        limiter.take(_of("192.0.2.1"))
    assert refused.value.headers["Retry-After"] == "1"
    clock.now_s += 0.6
    limiter.take(_of("192.0.2.1"))
    limiter.take(_of("192.0.2.2"))


def test_a_request_that_could_never_be_paid_is_told_so() -> None:
    for asked in ({"cost": 4}, {"cost": 1, "in_all": 4}):
        with pytest.raises(Problem) as refused:
            _limiter().take(_of("192.0.2.1"), **asked)
        assert "at most 3" in refused.value.detail


def test_buckets_are_bounded_and_the_oldest_is_forgotten() -> None:
    limiter = _limiter(buckets=2)
    for number in range(50):
        limiter.take(_of(f"10.0.0.{number}"))
    assert len(limiter) == 2


def test_a_clock_that_goes_back_earns_nothing() -> None:
    clock = Clock()
    limiter = _limiter(clock)
    for _ in range(3):
        limiter.take(_of("192.0.2.1"))
    clock.now_s -= 1
    assert not _taken(limiter, _of("192.0.2.1"))


def test_what_is_refused_at_one_level_takes_nothing_from_the_others() -> None:
    limiter = _limiter()
    for _ in range(8):
        _taken(limiter, _of("2001:db8::1"))
    for subnet in range(1, 4):  # 3 of the /56's 12 are spent; three more /64 get theirs
        assert sum(_taken(limiter, _of(f"2001:db8:0:{subnet}::1")) for _ in range(8)) == 3
    assert not _taken(limiter, _of("2001:db8:0:9::1"))


@given(st.lists(st.integers(0, 2**80 - 1), max_size=300))
def test_a_48_never_has_more_than_its_share_however_its_addresses_are_chosen(
    suffixes: list[int],
) -> None:
    limiter = _limiter(buckets=10_000)
    prefix = 0x2001_0DB8_0001 << 80
    taken = sum(_taken(limiter, bucket_keys(IPv6Address(prefix | suffix))) for suffix in suffixes)
    assert taken <= 3 * 16


def test_what_is_given_back_fills_no_bucket_above_its_brim() -> None:
    limiter = _limiter()
    limiter.take(_of("192.0.2.1"))
    limiter.give_back(_of("192.0.2.1"))
    limiter.give_back(_of("192.0.2.1"), 100)
    assert limiter.most(_of("192.0.2.1")) == 3
