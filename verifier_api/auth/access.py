"""FastAPI dependencies: who sent a request, and whether their role may make it.

Order of cost: whoever shows no token pays from their address's bucket before anything
else is read; a token that is not valid pays too.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from ledger.records import Role
from verifier_api.auth.principals import Principal, require
from verifier_api.state import State

ANY_ROLE: Final = (Role.OFFICER, Role.RIGHTS_HOLDER, Role.ISSUER, Role.ADMIN)
CASE_ROLES: Final = (Role.RIGHTS_HOLDER, Role.ISSUER, Role.ADMIN)


class _AuthorizationHeader(SecurityBase):
    """The header as it came. FastAPI's own bearer scheme takes `Basic …` for no token,
    where we refuse it."""

    def __init__(self) -> None:
        self.model = HTTPBearer()
        self.scheme_name = "token"

    async def __call__(self, request: Request) -> str | None:
        return request.headers.get("authorization")


Authorization = Annotated[str | None, Security(_AuthorizationHeader())]


async def principal(request: Request, state: State, authorization: Authorization) -> Principal:
    """Who sent this request. Raises `Problem` 401 or 429."""
    return await principal_of(request, state, authorization)


async def principal_of(
    request: Request, state: State, authorization: str | None, cost: int = 1
) -> Principal:
    """Likewise, where the cost (in checks) is known only once the body has been read."""
    forwarded = request.headers.get("x-forwarded-for")
    return await state.principal(request.scope, authorization, forwarded, cost)


def _with_role(*roles: Role) -> Callable[[Principal], Awaitable[Principal]]:
    async def entitled(principal: Annotated[Principal, Depends(principal)]) -> Principal:
        require(principal, *roles)
        return principal

    return entitled


AnyRole = Annotated[Principal, Depends(_with_role(*ANY_ROLE))]
"""The principal of a valid token. Raises `Problem` 401 without one."""
CaseRole = Annotated[Principal, Depends(_with_role(*CASE_ROLES))]
"""A principal who may change cases. Raises `Problem` 401 or 403."""
