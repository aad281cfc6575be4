"""Bearer tokens, looked up in the ledger and remembered for a moment."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from cachetools import TLRUCache

from authenticity.errors import LedgerUnavailableError
from authenticity.trust.entitlement import Entitlement
from ledger.protocols import LedgerReader
from ledger.records import Role, TokenRecord
from verifier_api.auth.principals import ANONYMOUS, Principal, gateway_of, unauthorised

_LONGEST_TOKEN: Final = 256


class _Remembered(NamedTuple):
    """`asked_at_s`: when the ledger was asked, not when it answered: a revocation that falls
    between the two is found in time."""

    asked_at_s: float
    record: TokenRecord | None


class Authenticator:
    """Finds the principal of a token; what the ledger said is believed for `known_s`.

    Tokens are looked up by their SHA-256. A token is 256 random bits, so neither the
    lookup nor its timing tells a guesser how near a guess came: near tokens have
    unrelated digests. A revocation therefore takes effect within `known_s`. Whose items a
    token's company prefixes open is asked anew every time (`entitlement_of`).
    """

    def __init__(
        self,
        reader: LedgerReader,
        clock: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        *,
        entitlement_of: Callable[[tuple[str, ...]], Entitlement],
        known_s: float,
        known: int,
        within_s: float,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._entitlement_of = entitlement_of
        self._within_s = within_s
        self._monotonic_s = monotonic_s
        self._known: TLRUCache[bytes, _Remembered] = TLRUCache(
            known, ttu=lambda _, entry, __: entry.asked_at_s + known_s, timer=monotonic_s
        )

    async def find(self, authorization: str | None) -> Principal:
        """The principal of this Authorization header, anonymous without one.

        Raises `Problem` 401 for a token that is unknown, expired or revoked: a wrong
        token is never quietly treated as none. Raises `LedgerUnavailableError` where
        that cannot be told in time, and what `entitlement_of` raises where it cannot be
        told whose items a token opens.
        """
        if authorization is None:
            return ANONYMOUS
        return self._principal(await self._record(_digest(authorization)))

    def remembered(self, authorization: str) -> Principal | None:
        """The principal of this header where the ledger was asked a moment ago and knew it,
        else None. The ledger is not asked. Raises `Problem` 401 likewise."""
        known = self._known.get(_digest(authorization))
        return None if known is None or known.record is None else self._principal(known.record)

    def _principal(self, record: TokenRecord | None) -> Principal:
        if record is None or record.revoked_at is not None:
            raise unauthorised("this token is not known, or it was revoked")
        if record.expires_at is not None and record.expires_at <= self._clock():
            raise unauthorised("this token has expired")
        role = record.role
        if role is None:
            return gateway_of(record.name, record.expires_at)
        prefixes = record.prefixes
        if role in (Role.RIGHTS_HOLDER, Role.ISSUER) and prefixes is None:
            prefixes = ()  # such a role without prefixes is a mistake, and opens nothing
        entitlement = None if prefixes is None else self._entitlement_of(prefixes)
        return Principal(role, record.name, entitlement, record.expires_at)

    async def _record(self, digest: bytes) -> TokenRecord | None:
        if (known := self._known.get(digest)) is not None:
            return known.record
        asked_at_s = self._monotonic_s()
        try:
            async with asyncio.timeout(self._within_s):
                record = await self._reader.token(digest)
        except TimeoutError:
            raise LedgerUnavailableError(
                "the ledger did not answer in time", next_step="try again in a moment"
            ) from None
        self._known[digest] = _Remembered(asked_at_s, record)
        return record


def _digest(authorization: str) -> bytes:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
        raise unauthorised("the Authorization header holds no bearer token")
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
