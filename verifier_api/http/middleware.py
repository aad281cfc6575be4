"""What every request passes: the limiter, security headers, trace, counters, access log."""

import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from events.tracing import continued, current_trace
from verifier_api.auth.admission import Admission
from verifier_api.http.cross_site import SAFE_METHODS, refuse_cross_site
from verifier_api.http.problems import Problem, internal_error
from verifier_api.metrics import Metrics

log = logging.getLogger("verifier_api.access")

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # under no-referrer our own form has Origin: null
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=()"),
    (b"strict-transport-security", b"max-age=31536000"),
)
_TRACE_HEADER: Final = b"traceresponse"
"""Name and form of the W3C draft for answers: `traceparent` is for requests alone."""
_NO_STORE: Final = (b"cache-control", b"no-store")

_PIECE_BYTES: Final = 65_536
"""Of an answer; `connections` sees by them whether a client reads."""

FREE_PATHS: Final = frozenset(("/healthz", "/readyz"))
"""Not charged: an address that asks too often must not look like a service that fails. The
first says a constant, the second what was found at most a second ago."""
_STATIC: Final = "/static/"
_STATIC_COST: Final = 0.25
"""A page brings three files, and is one check itself."""
_TO_ALL_SITES: Final = ("/01/", "/.well-known/gs1resolver")
"""A resolver of GS1 Digital Links is read by pages of any site."""
_CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"Accept, Accept-Language"),
    (b"access-control-max-age", b"86400"),
)


class RequestMiddleware:
    """The outermost layer: even the framework's own errors carry its headers.

    Nothing of a request is read, routed or parsed before `admission` has taken its price;
    `refusal` words what it, or the check for other sites' pages, refuses. `bare` maps
    (method, path) to ASGI apps that pass none of the framework's layers.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        admission: Admission,
        refusal: Callable[[Scope, Problem], Response],
        metrics: Metrics,
        bare: Mapping[tuple[str, str], ASGIApp],
        access_log: bool,
    ) -> None:
        self._app = app
        self._admission = admission
        self._refusal = refusal
        self._metrics = metrics
        self._bare = bare
        self._access_log = access_log
        if access_log:
            log.setLevel(logging.INFO)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; anything else passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        status = 0
        trace = continued(_traceparent(scope))
        # Never taken back: the server's own log line of a fault comes after this method,
        # and the next request of the connection sets its own.
        current_trace.set(trace)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, trace, cors)
            elif len(message.get("body", b"")) > _PIECE_BYTES:
                await _send_in_pieces(message, send)
                return
            await send(message)

        method = scope["method"]
        if method == "HEAD":  # as GET; the server leaves the body out
            scope = {**scope, "method": "GET"}
        bare = self._bare.get((method, scope["path"]))
        cors = _CORS if method in SAFE_METHODS and scope["path"].startswith(_TO_ALL_SITES) else ()
        try:
            await self._answer(bare, scope, receive, send_with_headers)
        except Exception:
            if not status:  # no other layer answers for a bare app
                await internal_error(scope, receive, send_with_headers)
            raise  # for the server's log
        finally:
            seconds = time.perf_counter() - started_s
            method = method if method in _METHODS else "OTHER"
            route = scope["path"] if bare else _route(scope, status)
            self._metrics.requested(route, method, status, seconds)
            if self._access_log:
                _log_request(method, route, status, seconds * 1000)

    async def _answer(
        self, bare: ASGIApp | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        path: str = scope["path"]
        if path in FREE_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            cost = _STATIC_COST if path.startswith(_STATIC) else 1
            caller = await self._admission.admit(scope, cost)
            if bare is None and scope["method"] not in SAFE_METHODS:
                refuse_cross_site(scope)
        except Problem as problem:
            await self._refusal(scope, problem)(scope, receive, send)
            return
        try:
            await (bare or self._app)(scope, receive, send)
        finally:
            caller.meter.close()


async def _send_in_pieces(message: Message, send: Send) -> None:
    """Each piece waits until the client has read most of those before."""
    body, is_last = message["body"], not message.get("more_body", False)
    for at in range(0, len(body), _PIECE_BYTES):
        more = not is_last or at + _PIECE_BYTES < len(body)
        piece = body[at : at + _PIECE_BYTES]
        await send({"type": "http.response.body", "body": piece, "more_body": more})


def _log_request(method: str, route: str, status: int, ms: float) -> None:
    fields = {"method": method, "route": route, "status": status, "ms": round(ms, 1)}
    log.info("%s %s %d %.1f ms", method, route, status, ms, extra=fields)


def _traceparent(scope: Scope) -> str:
    """The caller's, if there is exactly one (W3C Trace Context, section 3.2.1)."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    return given[0].decode("latin-1") if len(given) == 1 else ""


def _add_headers(message: Message, trace: str, cors: tuple[tuple[bytes, bytes], ...]) -> None:
    headers: list[tuple[bytes, bytes]] = [*message["headers"], *_SECURITY, *cors]
    headers.append((_TRACE_HEADER, trace.encode()))
    for name, _ in message["headers"]:
        if name == b"cache-control":
            break
    else:
        headers.append(_NO_STORE)
    message["headers"] = headers


_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"))
"""A closed set: whoever invents methods must not invent labels."""


def _route(scope: Scope, status: int) -> str:
    """The template of the route that answered, never the path: it may be a code."""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return "none"
    path: Any = getattr(scope.get("route"), "path", "none")
    return path if isinstance(path, str) else "none"
