"""The first thing that happens to a request: who sent it, and who pays for it.

1. Without a token the bucket of the sender's address pays, before anything is read.
2. With one, a token that was valid a moment ago pays from a bucket of its own. Any other
   is looked up in the ledger only while the address may try; a valid one gets that back.
3. A token that is not valid pays twice: for the try, and as anybody without one.
4. Where a proxy writes something that is no address, a bucket of that proxy pays which nothing
   else pays from: it empties for such requests alone, which are refused in any case.
5. Whoever's token cannot be looked up now pays as anybody, for they are answered as such.
"""

import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from authenticity.errors import UnavailableError
from verifier_api.auth.principals import ANONYMOUS, Principal
from verifier_api.auth.tokens import Authenticator
from verifier_api.http.body_budget import BodyBudgets, BodyMeter
from verifier_api.http.client_address import (
    Address,
    ForwardedProblem,
    bucket_keys,
    client_address,
    forwarded_for,
)
from verifier_api.http.problems import UNAUTHORISED, Problem
from verifier_api.http.rate_limit import Allowance, RateLimiter
from verifier_api.settings import Limits, Network

_IN_SCOPE: Final = "touchstone.caller"
_AUTHORIZATION: Final = b"authorization"
_FAULT: Final = 500
"""From this status on it is not the token that is wrong, but us."""


@dataclass(slots=True)  # not frozen: that costs a microsecond for each request
class Caller:
    """Who sent a request. `principal` is anonymous where the token could not be looked up,
    and `unavailable` then says why."""

    principal: Principal
    address: Address
    allowance: Allowance
    meter: BodyMeter
    unavailable: Exception | None = None

    def identified(self) -> Principal:
        """The principal. Raises what hindered the lookup of its token."""
        if self.unavailable is not None:
            raise self.unavailable
        return self.principal


def caller_of(scope: MutableMapping[str, Any]) -> Caller:
    """Who sent this request, once it was admitted."""
    caller: Caller = scope[_IN_SCOPE]
    return caller


class Admission:
    """The limits of anonymous addresses, of tries with a token, and of tokens."""

    def __init__(
        self,
        authenticator: Authenticator,
        bodies: BodyBudgets,
        limits: Limits,
        proxies: tuple[Network, ...],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticator = authenticator
        self._bodies = bodies
        self._proxies = proxies

        def limiter(whose: str, per_minute: float, burst: int, or_else: str) -> RateLimiter:
            return RateLimiter(
                whose,
                per_minute=per_minute,
                burst=burst,
                buckets=limits.addresses_known,
                monotonic_s=monotonic_s,
                or_else=or_else,
            )

        anonymous = (limits.anonymous_per_minute, limits.anonymous_burst)
        self.anonymous = limiter("this address", *anonymous, ", or use a token")
        self.tries = limiter("this address, with tokens that are not valid,", *anonymous, "")
        self.nameless = limiter("this proxy, for clients that it gives no address,", *anonymous, "")
        self.tokens = limiter("this token", limits.token_per_minute, limits.token_burst, "")

    async def admit(self, scope: MutableMapping[str, Any], cost: float) -> Caller:
        """Who sent this request, which has paid `cost` checks.

        Raises `Problem` 400 for a forwarded address that is none, 401 for a token that is
        not valid, 429 where nothing is left to pay with.
        """
        try:
            caller = await self._caller(scope)
        except ForwardedProblem as problem:
            Allowance(self.nameless, bucket_keys(problem.nearest)).pay(cost)
            raise
        caller.allowance.pay(cost)
        scope[_IN_SCOPE] = caller
        return caller

    async def _caller(self, scope: MutableMapping[str, Any]) -> Caller:
        authorization = None
        for name, value in scope["headers"]:
            if name == _AUTHORIZATION:
                authorization = value.decode("latin-1")
                break
        forwarded = forwarded_for(scope["headers"]) if self._proxies else None
        address = client_address(scope, forwarded, self._proxies)
        if authorization is None:
            return self._anonymous(address)
        try:
            principal = await self._principal(authorization, address)
        except UnavailableError as error:
            return self._anonymous(address, error)
        except Problem as problem:
            if problem.kind is UNAUTHORISED:
                self._of(address).pay()
                raise
            if problem.kind.status < _FAULT:
                raise
            return self._anonymous(address, problem)
        except Exception:
            self._of(address).pay()
            raise
        allowance = Allowance(self.tokens, ((principal.name, 1),))
        return Caller(principal, address, allowance, self._bodies.meter(allowance, anonymous=False))

    def _anonymous(self, address: Address, unavailable: Exception | None = None) -> Caller:
        allowance = self._of(address)
        meter = self._bodies.meter(allowance, anonymous=True)
        return Caller(ANONYMOUS, address, allowance, meter, unavailable)

    async def _principal(self, authorization: str, address: Address) -> Principal:
        known = self._authenticator.remembered(authorization)
        if known is not None:
            return known
        keys = bucket_keys(address)
        self.tries.take(keys)
        principal = await self._authenticator.find(authorization)
        self.tries.give_back(keys)
        return principal

    def _of(self, address: Address) -> Allowance:
        return Allowance(self.anonymous, bucket_keys(address))
