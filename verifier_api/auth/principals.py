"""Who calls, and what they may see and say."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import ItemId, gtin_of
from authenticity.records.scan import Channel
from ledger.reading import LedgerReader
from ledger.records import Prefixes, TokenRecord
from verifier_api.http.problems import FORBIDDEN, INVALID, UNAUTHORISED, Problem

CONSUMER_PUBLISHER: Final = "consumer-web"
_LONGEST_TOKEN: Final = 256


class Audience(StrEnum):
    """For whom an answer is worded."""

    CONSUMER = "consumer"
    OFFICER = "officer"
    RIGHTS_HOLDER = "rights-holder"


class Role(StrEnum):
    """What a token entitles to; `ANONYMOUS` is to have none."""

    ANONYMOUS = "anonymous"
    OFFICER = "officer"
    RIGHTS_HOLDER = "rights-holder"
    ISSUER = "issuer"
    ADMIN = "admin"


_CHANNELS: Final[dict[Role, tuple[Channel, ...]]] = {
    Role.ANONYMOUS: (Channel.CONSUMER,),
    Role.OFFICER: (Channel.CUSTOMS, Channel.POLICE, Channel.RETAIL, Channel.LOGISTICS),
    Role.RIGHTS_HOLDER: (Channel.RETAIL, Channel.LOGISTICS, Channel.MAKER),
    Role.ISSUER: (Channel.MAKER, Channel.LOGISTICS, Channel.RETAIL),
    Role.ADMIN: tuple(Channel)[1:],
}
"""What each may scan as; the first is meant where a scan names none."""

_READERS: Final = {
    Role.OFFICER: Audience.OFFICER,
    Role.RIGHTS_HOLDER: Audience.RIGHTS_HOLDER,
    Role.ISSUER: Audience.RIGHTS_HOLDER,
    Role.ADMIN: Audience.RIGHTS_HOLDER,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """`prefixes`: the GS1 company prefixes the role is limited to; None for all."""

    role: Role
    name: str
    prefixes: Prefixes

    @property
    def is_anonymous(self) -> bool:
        """Whether no token was shown."""
        return self.role is Role.ANONYMOUS

    def is_entitled_to(self, item: ItemId | None) -> bool:
        """Whether the role alone, without a signed code, opens this item's history."""
        if self.is_anonymous or item is None:
            return False
        if self.prefixes is None:
            return True
        gtin = gtin_of(item)
        return gtin is not None and any(gtin[1:].startswith(prefix) for prefix in self.prefixes)

    def reader_of(self, item: ItemId | None) -> Audience:
        """How this caller is spoken to about this item: about another's, as anybody."""
        return _READERS[self.role] if self.is_entitled_to(item) else Audience.CONSUMER

    def channel(self, asked: Channel | None) -> Channel:
        """What they scan as. An anonymous body has no say in it."""
        allowed = _CHANNELS[self.role]
        if asked is None or self.is_anonymous:
            return allowed[0]
        if asked not in allowed:
            names = ", ".join(allowed)
            raise Problem(
                INVALID, f"the role {self.role} does not scan as {asked}", f"use one of: {names}"
            )
        return asked


ANONYMOUS: Final = Principal(Role.ANONYMOUS, CONSUMER_PUBLISHER, ())


def require(principal: Principal, *roles: Role) -> None:
    """Raise 401 for nobody, 403 for a role that is not among `roles`."""
    if principal.is_anonymous:
        raise _unauthorised("this needs a token")
    if principal.role not in roles:
        raise Problem(
            FORBIDDEN, f"the role {principal.role} may not do this", f"needs: {', '.join(roles)}"
        )


def _unauthorised(detail: str) -> Problem:
    return Problem(
        UNAUTHORISED,
        detail,
        "send Authorization: Bearer with a token made by `touchstone tokens create`",
        {"WWW-Authenticate": 'Bearer realm="touchstone"'},
    )


class Authenticator:
    """Finds the caller of a token; what the ledger said is believed for `known_s`.

    Tokens are looked up by their SHA-256. A token is 256 random bits, so neither the
    look-up nor its timing tells a guesser how near a guess came: near tokens have
    unrelated digests. A revocation therefore takes effect within `known_s`.
    """

    def __init__(
        self,
        reader: LedgerReader,
        clock: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        *,
        known_s: float,
        known: int,
        within_s: float,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._known_s = known_s
        self._capacity = known
        self._within_s = within_s
        self._known: OrderedDict[bytes, tuple[float, TokenRecord | None]] = OrderedDict()

    async def find(self, authorization: str | None) -> Principal:
        """The caller of this Authorization header, anonymous without one.

        Raises `Problem` 401 for a token that is unknown, expired or revoked: a wrong
        token is never quietly treated as none. Raises `LedgerUnavailableError` where
        that cannot be told in time.
        """
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
            raise _unauthorised("the Authorization header holds no bearer token")
        record = await self._record(sha256(token.encode("utf-8", "surrogateescape")).digest())
        if record is None or record.revoked_at is not None:
            raise _unauthorised("this token is not known, or it was revoked")
        if record.expires_at is not None and record.expires_at <= self._clock():
            raise _unauthorised("this token has expired")
        role = Role(record.role)
        prefixes = record.prefixes
        if role in (Role.RIGHTS_HOLDER, Role.ISSUER) and prefixes is None:
            prefixes = ()  # such a role without prefixes is a mistake, and opens nothing
        return Principal(role, record.name, prefixes)

    async def _record(self, digest: bytes) -> TokenRecord | None:
        now_s = self._monotonic_s()
        known = self._known.get(digest)
        if known is not None and now_s - known[0] < self._known_s:
            return known[1]
        try:
            async with asyncio.timeout(self._within_s):
                record = await self._reader.token(digest)
        except TimeoutError:
            raise LedgerUnavailableError(
                "the ledger did not answer in time", next_step="try again in a moment"
            ) from None
        self._known[digest] = (now_s, record)
        self._known.move_to_end(digest)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return record
