"""How many checks an address may make without a token."""

from dataclasses import dataclass

from cachetools import LRUCache

from verifier_api.http.client_address import bucket_name
from verifier_api.http.problems import TOO_MANY, Problem


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class RateLimiter:
    """A token bucket an address; the addresses remembered are bounded.

    A forgotten address begins with a full bucket: whoever commands more addresses than
    are remembered is not stopped by counting addresses. Used by one event loop alone.

    Our own, for `limits` has windows, no token bucket (its answer to a burst and its
    Retry-After differ), and its memory storage grows with the number of addresses.
    """

    def __init__(self, *, per_minute: float, burst: int, addresses: int) -> None:
        self._per_s = per_minute / 60
        self._burst = burst
        self._buckets: LRUCache[str, _Bucket] = LRUCache(addresses)

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
            return bucket
        earned = (now_s - bucket.at_s) * self._per_s
        bucket.tokens = min(float(self._burst), bucket.tokens + max(0.0, earned))
        bucket.at_s = now_s
        return bucket

    def __len__(self) -> int:
        return len(self._buckets)
