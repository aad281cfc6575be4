"""Whose request it is, as far as an address can tell, and how many one may make."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from verifier_api.http.problems import TOO_MANY, Problem
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


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class RateLimiter:
    """A token bucket an address; the addresses remembered are bounded.

    A forgotten address begins with a full bucket: whoever commands more addresses than
    are remembered is not stopped by counting addresses. Used by one event loop alone.
    """

    def __init__(self, *, per_minute: float, burst: int, addresses: int) -> None:
        self._per_s = per_minute / 60
        self._burst = burst
        self._addresses = addresses
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, address: str, now_s: float, cost: int = 1) -> None:
        """Pay for `cost` checks at monotonic `now_s`, or raise a 429 `Problem`.

        More than a full bucket holds can never be paid: such a caller needs a token.
        """
        if cost > self._burst:
            raise Problem(
                TOO_MANY,
                f"at most {self._burst} codes in one request without a token",
                "send fewer, or ask for a token",
                {"Retry-After": "60"},
            )
        bucket = self._bucket(bucket_name(address), now_s)
        if bucket.tokens < cost:
            wait_s = int((cost - bucket.tokens) / self._per_s) + 1
            raise Problem(
                TOO_MANY,
                "this address has asked too often",
                f"try again in {wait_s} s, or use a token",
                {"Retry-After": str(wait_s)},
            )
        bucket.tokens -= cost

    def _bucket(self, name: str, now_s: float) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(float(self._burst), now_s)
            if len(self._buckets) > self._addresses:
                self._buckets.popitem(last=False)
            return bucket
        earned = (now_s - bucket.at_s) * self._per_s
        bucket.tokens = min(float(self._burst), bucket.tokens + max(0.0, earned))
        bucket.at_s = now_s
        self._buckets.move_to_end(name)
        return bucket

    def __len__(self) -> int:
        return len(self._buckets)
