"""The service: routes, layers, life. Every part comes from outside (`Parts`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from authenticity.errors import TouchstoneError
from verifier_api.http.middleware import RequestMiddleware
from verifier_api.http.openapi import openapi_document
from verifier_api.http.problems import Problem, on_bug, on_http_error, on_our_error, on_problem
from verifier_api.routes.casework import CaseWork
from verifier_api.routes.digital_link import Pages
from verifier_api.routes.operations import Operations
from verifier_api.routes.verification import Codes
from verifier_api.state import AppState, Dependencies

__all__ = ["Dependencies", "create_app"]

Endpoint = Callable[[Request], Awaitable[Response]]
_FIRST_TRUST_LIST_WITHIN_S: Final = 2.0


class _App(FastAPI):
    """FastAPI behind our front door, so that even its own errors carry our headers, and the
    hot path passes none of its layers: together they cost half a signature."""

    front_door: RequestMiddleware | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        assert self.front_door is not None
        await self.front_door(scope, receive, send)


def create_app(parts: Dependencies) -> FastAPI:
    """The app; opens nothing until its lifespan begins, and closes none of the parts."""
    running = AppState(parts)
    app = _App(
        title="Touchstone",
        docs_url=None,  # its pages load scripts from third parties
        redoc_url=None,
        openapi_url=None,  # served below, from the structs that are really encoded
        lifespan=_lifespan(running),
        exception_handlers={
            Problem: on_problem,
            TouchstoneError: on_our_error,
            HTTPException: on_http_error,
            Exception: on_bug,
        },
    )
    app.state.running = running
    codes = Codes(running)
    _add_routes(app, running, codes)
    app.front_door = RequestMiddleware(
        super(_App, app).__call__,
        metrics=running.metrics,
        hot={("POST", "/v1/verify"): codes.verify_hot},
        access_log=parts.settings.access_log,
    )
    app.openapi = openapi_document  # type: ignore[method-assign]
    return app


def _add_routes(app: FastAPI, running: AppState, codes: Codes) -> None:
    work, operations = CaseWork(running), Operations(running)
    pages = Pages(running, codes)
    table: list[tuple[str, str, Endpoint]] = [
        ("POST", "/v1/scans", codes.record),
        ("GET", "/v1/items/{gtin}/{serial:path}", work.item),
        ("GET", "/v1/alerts", work.alerts),
        ("GET", "/v1/alerts/stream", work.stream),
        ("GET", "/v1/alerts/{id}", work.alert),
        ("PATCH", "/v1/alerts/{id}", work.change),
        ("GET", "/v1/batches", work.batches),
        ("GET", "/01/{code:path}", pages.show),
        ("POST", "/01/{code:path}", pages.confirm),
        ("GET", "/static/{name}", pages.static),
        ("GET", "/.well-known/gs1resolver", pages.resolver),
        ("GET", "/.well-known/trust-list.jws", operations.trust_list),
        ("GET", "/healthz", operations.health),
        ("GET", "/readyz", operations.ready),
        ("GET", "/metrics", operations.metrics),
        ("GET", "/openapi.json", _serve_openapi),
    ]
    app.add_route("/v1/verify", _elsewhere, methods=["POST"])
    by_path: dict[str, dict[str, Endpoint]] = {}
    for method, path, endpoint in table:
        by_path.setdefault(path, {})[method] = endpoint
    for path, endpoints in by_path.items():
        app.add_route(path, _dispatch(path, endpoints), methods=list(endpoints))


def _dispatch(path: str, endpoints: dict[str, Endpoint]) -> Endpoint:
    """One route a path, so that a wrong method is told every right one (RFC 9110, 15.5.6)."""

    async def dispatch(request: Request) -> Response:
        request.scope["route_template"] = path
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return dispatch


async def _elsewhere(_: Request) -> Response:
    raise AssertionError("the front door answers this path")


async def _serve_openapi(_: Request) -> Response:
    return Response(msgspec.json.encode(openapi_document()), media_type="application/json")


def _lifespan(
    running: AppState,
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with contextlib.suppress(TouchstoneError, TimeoutError):
            async with asyncio.timeout(_FIRST_TRUST_LIST_WITHIN_S):
                await running.trust.refresh()
        tasks = [
            asyncio.create_task(running.trust.watch(running.limits.trust_list_every_s)),
            asyncio.create_task(running.feed.watch()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            running.checker.close()

    return lifespan
