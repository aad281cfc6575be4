"""Refusals in words and for machines: RFC 9457 problem details."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi.routing import iter_route_contexts
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from authenticity.errors import InputError, TouchstoneError, UnavailableError
from events.tracing import current_trace, trace_id_of

PROBLEM_JSON: Final = "application/problem+json"


class ProblemDetails(Struct, frozen=True, omit_defaults=True):
    """`type` identifies the kind of problem; `next_step` says what the caller can do;
    `trace_id` is what to name when asking the operator about it."""

    type: str
    title: str
    status: int
    detail: str
    next_step: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    name: str
    status: HTTPStatus
    title: str

    @property
    def type(self) -> str:
        """RFC 9457 section 3.1.1: a URI that identifies the kind; it is not a link."""
        return f"urn:touchstone:problem:{self.name}"


MALFORMED: Final = Kind("malformed", HTTPStatus.BAD_REQUEST, "This is not JSON")
NOT_A_CODE: Final = Kind("not-a-code", HTTPStatus.BAD_REQUEST, "This is no GS1 Digital Link")
FORWARDED: Final = Kind(
    "forwarded-address", HTTPStatus.BAD_REQUEST, "The proxy names no address of the client"
)
UNAUTHORISED: Final = Kind("token-needed", HTTPStatus.UNAUTHORIZED, "A valid token is needed")
FORBIDDEN: Final = Kind("role-needed", HTTPStatus.FORBIDDEN, "Another role is needed")
CROSS_SITE: Final = Kind(
    "cross-site", HTTPStatus.FORBIDDEN, "Another site's page may not record here"
)
NOT_FOUND: Final = Kind("not-found", HTTPStatus.NOT_FOUND, "There is nothing here")
METHOD: Final = Kind("method", HTTPStatus.METHOD_NOT_ALLOWED, "This method does not work here")
TOO_SLOW: Final = Kind("body-too-slow", HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive")
CONFLICT: Final = Kind("case-transition", HTTPStatus.CONFLICT, "The case cannot change so")
HEAD_TOO_LARGE: Final = Kind(
    "head-too-large",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "The request line and headers are too large",
)
TOO_LARGE: Final = Kind("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
MEDIA_TYPE: Final = Kind(
    "media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "This media type is not read here"
)
INVALID: Final = Kind(
    "invalid", HTTPStatus.UNPROCESSABLE_ENTITY, "A field is missing or not what it should be"
)
TOO_MANY: Final = Kind("rate-limit", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests")
NOT_RECORDED: Final = Kind(
    "not-recorded", HTTPStatus.SERVICE_UNAVAILABLE, "The scan could not be recorded"
)
UNAVAILABLE: Final = Kind(
    "unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "Something this needs is not available"
)
BUSY: Final = Kind("busy", HTTPStatus.SERVICE_UNAVAILABLE, "Too many large bodies at once")
NO_TRUST_LIST: Final = Kind(
    "no-trust-list", HTTPStatus.SERVICE_UNAVAILABLE, "No trust list is known yet"
)
INTERNAL: Final = Kind("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "This is our fault")


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - it is what RFC 9457 calls it
    """Ends a request with these details."""

    kind: Kind
    detail: str
    next_step: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def details(self) -> ProblemDetails:
        """The body."""
        kind = self.kind
        return ProblemDetails(kind.type, kind.title, int(kind.status), self.detail, self.next_step)


def problem_response(problem: Problem) -> Response:
    """The whole response."""
    details = msgspec.structs.replace(problem.details(), trace_id=present_trace_id())
    return Response(
        msgspec.json.encode(details),
        status_code=int(problem.kind.status),
        media_type=PROBLEM_JSON,
        headers=problem.headers,
    )


def present_trace_id() -> str:
    """The id of the trace that the present request belongs to."""
    return trace_id_of(current_trace.get())


def problem_of(error: TouchstoneError) -> Problem:
    """How an error of ours appears to a caller."""
    if isinstance(error, InputError):
        return Problem(INVALID, str(error), error.next_step)
    if isinstance(error, UnavailableError):
        # The message may name files of this machine: callers are told the kind alone.
        return Problem(
            UNAVAILABLE, "a part of this service does not answer", "try again in a moment"
        )
    return Problem(INTERNAL, "the service is not set up as it should be", "tell its operator")


async def on_problem(_: Request, error: Exception) -> Response:
    """Exception handler for `Problem`."""
    assert isinstance(error, Problem)
    return problem_response(error)


async def on_our_error(_: Request, error: Exception) -> Response:
    """Exception handler for `TouchstoneError`."""
    assert isinstance(error, TouchstoneError)
    return problem_response(problem_of(error))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Exception handler for what the router refuses: unknown path, wrong method."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods_of_path(request))
        problem = Problem(
            METHOD,
            "this path does not take this method",
            f"use {allowed}",
            {**headers, "Allow": allowed},
        )
    else:
        problem = Problem(NOT_FOUND, "no such path", "see /openapi.json for what there is", headers)
    return problem_response(problem)


def _methods_of_path(request: Request) -> list[str]:
    """Every method of the path (RFC 9110, 15.5.6): the router names those of one route alone."""
    path = request.scope["route"].path
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path == path:
            methods |= set(route.methods or ())
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def on_bug(_request: Request, _error: Exception) -> Response:
    """Exception handler for everything unforeseen. The exception goes on to the server's log."""
    return _fault_response()


async def internal_error(scope: Scope, receive: Receive, send: Send) -> None:
    """The same on bare ASGI."""
    await _fault_response()(scope, receive, send)


def _fault_response() -> Response:
    return problem_response(
        Problem(INTERNAL, "the request met a fault of the program", "try again, or tell us")
    )
