"""What a request pays for its body while it arrives, and the memory it may hold."""

from verifier_api.http.problems import BUSY, Problem
from verifier_api.http.rate_limit import Allowance
from verifier_api.settings import Limits


class _Budget:
    """Bytes that may be held at once."""

    def __init__(self, limit_bytes: int) -> None:
        self.left_bytes = limit_bytes


class BodyBudgets:
    """The sums over all bodies at one time: one for callers without a token, whose addresses
    may be many, and one for callers with one, whom the first cannot crowd out."""

    def __init__(self, limits: Limits) -> None:
        self._small_bytes = limits.scan_body_bytes
        self._anonymous = _Budget(limits.anonymous_bodies_in_flight_bytes)
        self._known = _Budget(limits.bodies_in_flight_bytes)

    def meter(self, allowance: Allowance, *, anonymous: bool) -> "BodyMeter":
        """For one request."""
        budget = self._anonymous if anonymous else self._known
        return BodyMeter(allowance, budget, self._small_bytes)


class BodyMeter:
    """Counts one body as it arrives.

    A body of the size of one scan at most is paid with the request and holds nothing of the
    budget: connections are bounded, and so are such bodies. Each further such size begun
    costs one check more.
    """

    __slots__ = ("_allowance", "_budget", "_held_bytes", "_paid", "_small_bytes")

    def __init__(self, allowance: Allowance, budget: _Budget, small_bytes: int) -> None:
        self._allowance = allowance
        self._budget = budget
        self._small_bytes = small_bytes
        self._held_bytes = 0
        self._paid = 1

    def arrived(self, size_bytes: int) -> None:
        """So many bytes are there by now, or will be. Raises `Problem` 429 or 503."""
        if size_bytes <= self._small_bytes:
            return
        begun = -(-size_bytes // self._small_bytes)
        if begun > self._paid:
            self._allowance.pay(begun - self._paid, in_all=begun)
            self._paid = begun
        more = size_bytes - self._held_bytes
        if more > self._budget.left_bytes:
            raise Problem(
                BUSY,
                "other large bodies are being read",
                "send it again in a moment, or in smaller parts",
                {"Retry-After": "1", "Connection": "close"},
            )
        self._budget.left_bytes -= more
        self._held_bytes = size_bytes

    def paid_for(self, scans: int) -> None:
        """The body holds so many scans: pay for those not yet paid. Raises `Problem` 429."""
        if scans > self._paid:
            self._allowance.pay(scans - self._paid, in_all=scans)
            self._paid = scans

    @property
    def most_scans(self) -> int:
        """How many scans of this body could be paid for now."""
        return self._paid + self._allowance.left

    def close(self) -> None:
        """The request is answered, and its body forgotten."""
        self._budget.left_bytes += self._held_bytes
        self._held_bytes = 0
