"""FastAPI dependencies: who sent a request, and whether their role may make it.

`admission` found that out, and who pays, before any route was looked for.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from ledger.records import Role
from verifier_api.auth.admission import Caller, caller_of
from verifier_api.auth.principals import Principal, require

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


async def caller(request: Request, _: Authorization) -> Caller:
    """Who sent this request, also where their token could not be looked up."""
    return caller_of(request.scope)


AnyCaller = Annotated[Caller, Depends(caller)]


async def principal(caller: AnyCaller) -> Principal:
    """Who sent this request. Raises `UnavailableError` where that cannot be told now."""
    return caller.identified()


def _with_role(*roles: Role) -> Callable[[Principal], Awaitable[Principal]]:
    async def entitled(principal: Annotated[Principal, Depends(principal)]) -> Principal:
        require(principal, *roles)
        return principal

    return entitled


AnyRole = Annotated[Principal, Depends(_with_role(*ANY_ROLE))]
"""The principal of a valid token. Raises `Problem` 401 without one."""
CaseRole = Annotated[Principal, Depends(_with_role(*CASE_ROLES))]
"""A principal who may change cases. Raises `Problem` 401 or 403."""
