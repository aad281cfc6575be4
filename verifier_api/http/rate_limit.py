"""How much a client may ask: token buckets, and the one that a request pays from."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verifier_api.http.client_address import BucketKeys
from verifier_api.http.problems import TOO_MANY, Problem


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class RateLimiter:
    """Token buckets by key; the buckets remembered are bounded.

    A forgotten key begins with a full bucket: whoever commands more addresses than are
    remembered is not stopped by counting addresses. `whose` is who pays, for messages.
    Used by one event loop alone.

    Our own, for `limits` has windows, no token bucket (its answer to a burst and its
    Retry-After differ), and its memory storage grows with the number of addresses.
    """

    def __init__(
        self,
        whose: str,
        *,
        per_minute: float,
        burst: int,
        buckets: int,
        monotonic_s: Callable[[], float],
        or_else: str = "",
    ) -> None:
        self._whose = whose
        self._or_else = or_else
        self._per_s = per_minute / 60
        self._burst = burst
        self._largest = buckets
        self._monotonic_s = monotonic_s
        self._buckets: OrderedDict[Any, _Bucket] = OrderedDict()

    def take(self, keys: BucketKeys, cost: float = 1, *, in_all: float = 0) -> None:
        """Pay for `cost` checks from each of these buckets, or from none and raise a 429
        `Problem`.

        `in_all`: what the request costs together with what it has paid already. More than
        a full bucket holds can never be paid.
        """
        if max(cost, in_all) > self._burst:
            raise Problem(
                TOO_MANY,
                f"at most {self._burst} codes in one request from {self._whose}",
                f"send fewer{self._or_else}",
                {"Retry-After": "60"},
            )
        now_s = self._monotonic_s()
        buckets = [self._bucket(key, share, now_s) for key, share in keys]
        for bucket, (_, share) in zip(buckets, keys, strict=True):
            if bucket.tokens < cost:
                raise self._empty((cost - bucket.tokens) / (self._per_s * share))
        for bucket in buckets:
            bucket.tokens -= cost

    def give_back(self, keys: BucketKeys, cost: float = 1) -> None:
        """Undo a `take`."""
        for key, share in keys:
            if (bucket := self._buckets.get(key)) is not None:
                bucket.tokens = min(float(self._burst * share), bucket.tokens + cost)

    def settle(self, keys: BucketKeys, cost: float) -> None:
        """Take `cost` more checks for an answer whose price was not known before, or raise a
        429 `Problem` where one of these buckets is in debt already.

        At most one answer is owed for at a time, so a debt is never larger than the dearest
        answer, however many requests are under way at once.
        """
        now_s = self._monotonic_s()
        buckets = [self._bucket(key, share, now_s) for key, share in keys]
        for bucket, (_, share) in zip(buckets, keys, strict=True):
            if bucket.tokens < 0:
                raise self._empty((1 - bucket.tokens) / (self._per_s * share))
        for bucket in buckets:
            bucket.tokens -= cost

    def most(self, keys: BucketKeys) -> int:
        """How many checks `take` would allow at once, now."""
        now_s = self._monotonic_s()
        return int(min(self._bucket(key, share, now_s).tokens for key, share in keys))

    def _empty(self, seconds: float) -> Problem:
        wait_s = int(seconds) + 1
        return Problem(
            TOO_MANY,
            f"{self._whose} has asked too often",
            f"try again in {wait_s} s{self._or_else}",
            {"Retry-After": str(wait_s)},
        )

    def _bucket(self, key: Any, share: int, now_s: float) -> _Bucket:
        largest = float(self._burst * share)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(largest, now_s)
            if len(self._buckets) > self._largest:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(key)
        earned = (now_s - bucket.at_s) * self._per_s * share
        bucket.tokens = min(largest, bucket.tokens + max(0.0, earned))
        bucket.at_s = now_s
        return bucket

    def __len__(self) -> int:
        return len(self._buckets)


@dataclass(slots=True)  # not frozen: that costs a microsecond for each request
class Allowance:
    """Whose buckets a request pays from, in which limiter."""

    limiter: RateLimiter
    keys: BucketKeys

    def pay(self, cost: float = 1, *, in_all: float = 0) -> None:
        """As `RateLimiter.take`. Raises `Problem` 429."""
        self.limiter.take(self.keys, cost, in_all=in_all)

    def settle(self, cost: float) -> None:
        """As `RateLimiter.settle`. Raises `Problem` 429."""
        self.limiter.settle(self.keys, cost)

    @property
    def left(self) -> int:
        """How many more checks could be paid for now."""
        return self.limiter.most(self.keys)
