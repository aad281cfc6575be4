"""Principals: who sent a request, what they may see, and what they may scan as."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authenticity.gs1.item import ItemId, gtin_of
from authenticity.records.scan import Channel
from ledger.records import Prefixes, Role
from verifier_api.http.problems import FORBIDDEN, INVALID, UNAUTHORISED, Problem

CONSUMER_PUBLISHER: Final = "consumer-web"


class Audience(StrEnum):
    """For whom an answer is worded."""

    CONSUMER = "consumer"
    OFFICER = "officer"
    RIGHTS_HOLDER = "rights-holder"


_CHANNELS: Final[dict[Role | None, tuple[Channel, ...]]] = {
    None: (Channel.CONSUMER,),
    Role.OFFICER: (Channel.CUSTOMS, Channel.POLICE, Channel.RETAIL, Channel.LOGISTICS),
    Role.RIGHTS_HOLDER: (Channel.RETAIL, Channel.LOGISTICS, Channel.MAKER),
    Role.ISSUER: (Channel.MAKER, Channel.LOGISTICS, Channel.RETAIL),
    Role.ADMIN: tuple(Channel)[1:],
}
"""What each role may scan as; the first is meant where a scan names none."""

_AUDIENCES: Final = {
    Role.OFFICER: Audience.OFFICER,
    Role.RIGHTS_HOLDER: Audience.RIGHTS_HOLDER,
    Role.ISSUER: Audience.RIGHTS_HOLDER,
    Role.ADMIN: Audience.RIGHTS_HOLDER,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """`role`: None without a token. `prefixes`: the GS1 company prefixes the role is
    limited to; None for all."""

    role: Role | None
    name: str
    prefixes: Prefixes

    @property
    def is_anonymous(self) -> bool:
        """Whether no token was shown."""
        return self.role is None

    def is_entitled_to(self, item: ItemId | None) -> bool:
        """Whether the role alone, without a signed code, opens this item's history."""
        if self.is_anonymous or item is None:
            return False
        if self.prefixes is None:
            return True
        gtin = gtin_of(item)
        return gtin is not None and any(gtin[1:].startswith(prefix) for prefix in self.prefixes)

    def audience_for(self, item: ItemId | None) -> Audience:
        """For whom an answer about this item is worded: of another's item, as for anybody."""
        if self.role is None or not self.is_entitled_to(item):
            return Audience.CONSUMER
        return _AUDIENCES[self.role]

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


ANONYMOUS: Final = Principal(None, CONSUMER_PUBLISHER, ())


def require(principal: Principal, *roles: Role) -> None:
    """Raise `Problem` 401 without a token, 403 for a role that is not among `roles`."""
    if principal.is_anonymous:
        raise unauthorised("this needs a token")
    if principal.role not in roles:
        raise Problem(
            FORBIDDEN, f"the role {principal.role} may not do this", f"needs: {', '.join(roles)}"
        )


def unauthorised(detail: str) -> Problem:
    """A 401 that says how to come by a token."""
    return Problem(
        UNAUTHORISED,
        detail,
        "send Authorization: Bearer with a token made by `touchstone tokens create`",
        {"WWW-Authenticate": 'Bearer realm="touchstone"'},
    )
