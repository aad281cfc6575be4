"""Principals: who sent a request, what they may see, and what they may scan as."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from authenticity.gs1.item import ItemId
from authenticity.records.scan import PUBLIC_PAGE, Channel
from authenticity.trust.entitlement import NOTHING, Entitlement
from ledger.records import Role
from verifier_api.http.problems import FORBIDDEN, UNAUTHORISED, Problem


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
    """`role`: None without a token. `entitlement`: what the role is limited to; None for
    everything. `expires_at`: when the token ends, UTC. `is_gateway`: sends the scans of its
    users, who are consumers, and may pass their networks; it has no role."""

    role: Role | None
    name: str
    entitlement: Entitlement | None
    expires_at: datetime | None = None
    is_gateway: bool = False

    @property
    def is_anonymous(self) -> bool:
        """Whether this is anybody: without a token, or the user of a gateway."""
        return self.role is None

    def is_entitled_to(self, item: ItemId | None) -> bool:
        """Whether the role alone, without a signed code, opens this item's history."""
        if self.is_anonymous or item is None:
            return False
        return self.entitlement is None or self.entitlement.opens(item)

    def may_act_on(self, item: ItemId | None) -> bool:
        """Whether what the role says of this item counts; one without limits speaks also of
        texts that name no item."""
        return not self.is_anonymous and (self.entitlement is None or self.is_entitled_to(item))

    def audience_for(self, item: ItemId | None) -> Audience:
        """For whom an answer about this item is worded: of another's item, as for anybody."""
        if self.role is None or not self.is_entitled_to(item):
            return Audience.CONSUMER
        return _AUDIENCES[self.role]

    def channel_for(self, item: ItemId | None, asked: Channel | None) -> Channel:
        """What they scan this item as: a consumer where what they say of it does not count.
        Raises `Problem` 401 or 403 for a channel that is not theirs."""
        may_act = self.may_act_on(item)
        allowed = _CHANNELS[self.role if may_act else None]
        if asked is None:
            return allowed[0]
        if asked in allowed:
            return asked
        if self.is_anonymous:
            raise self._refused(f"scanning as {asked}")
        if may_act or asked not in _CHANNELS[self.role]:
            names = ", ".join(_CHANNELS[self.role])
            raise Problem(
                FORBIDDEN, f"the role {self.role} does not scan as {asked}", f"use one of: {names}"
            )
        raise Problem(
            FORBIDDEN,
            f"the token {self.name} may not scan this item as {asked}: it is not of its companies",
            "leave out channel, or use a token for the item's company prefix",
        )

    def require_act_on(self, item: ItemId | None) -> None:
        """Raise `Problem` 401 or 403 unless they may say what is done with this item."""
        if self.is_anonymous:
            raise self._refused("an act or an operation")
        if not self.may_act_on(item):
            raise Problem(
                FORBIDDEN,
                f"the token {self.name} may not act on this item: it is not of its companies",
                "leave out act and operation, or use a token for the item's company prefix",
            )

    def _refused(self, what: str) -> Problem:
        if not self.is_gateway:
            return unauthorised(f"{what} needs a token")
        return Problem(
            FORBIDDEN,
            f"{what} needs a token with a role: the scans of a gateway's users are consumers'",
            "leave out act, operation and channel, or use a token with a role",
        )


ANONYMOUS: Final = Principal(None, PUBLIC_PAGE, NOTHING)


def gateway_of(name: str, expires_at: datetime | None) -> Principal:
    """Anybody who scans through this gateway: a consumer under its name."""
    return Principal(None, name, NOTHING, expires_at, is_gateway=True)


def require(principal: Principal, *roles: Role) -> None:
    """Raise `Problem` 401 without a token, 403 for a role that is not among `roles`, or none."""
    if principal.is_gateway:
        raise Problem(
            FORBIDDEN,
            "the token of a gateway is for the scans of its users alone",
            f"use a token with one of the roles: {', '.join(roles)}",
        )
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
