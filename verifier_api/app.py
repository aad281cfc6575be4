"""The service: routes, layers, lifespan. Everything it uses comes from outside (`Dependencies`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import cache, partial
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from authenticity.errors import TouchstoneError
from verifier_api.http.bodies import json_response
from verifier_api.http.middleware import RequestMiddleware
from verifier_api.http.openapi import openapi_document
from verifier_api.http.problems import Problem, on_bug, on_http_error, on_our_error, on_problem
from verifier_api.routes import (
    alerts,
    batches,
    digital_link,
    health,
    items,
    scans,
    static_files,
    trust_list,
    verify,
)
from verifier_api.state import AppState, Dependencies

__all__ = ["Dependencies", "create_app"]

ROUTERS: Final[tuple[APIRouter, ...]] = (
    verify.router,
    scans.router,
    items.router,
    alerts.router,
    batches.router,
    digital_link.router,
    trust_list.router,
    health.router,
    static_files.router,
)
_STRUCTS: Final = (
    *verify.STRUCTS,
    *scans.STRUCTS,
    *items.STRUCTS,
    *alerts.STRUCTS,
    *batches.STRUCTS,
    *health.STRUCTS,
)
_FIRST_TRUST_LIST_WITHIN_S: Final = 2.0


class _App(FastAPI):
    """FastAPI behind `RequestMiddleware`, so that even its own errors carry our headers."""

    outermost: RequestMiddleware | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        assert self.outermost is not None
        await self.outermost(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The document of `GET /openapi.json`."""
        return service_document()


@cache
def service_document() -> dict[str, Any]:
    """OpenAPI 3.1 of the service. Built once; treat as read-only."""
    routes = [route for router in ROUTERS for route in router.routes]
    return openapi_document([*routes, *digital_link.printed_forms.routes], _STRUCTS)


async def serve_openapi() -> Response:
    """`GET /openapi.json`."""
    return json_response(service_document())


def create_app(dependencies: Dependencies) -> FastAPI:
    """The app. It opens nothing before its lifespan begins, and closes no dependency."""
    state = AppState(dependencies)
    app = _App(
        title="Touchstone",
        docs_url=None,  # its pages load scripts from third parties
        redoc_url=None,
        openapi_url=None,  # its route has no template to count requests under
        lifespan=_lifespan(state),
        exception_handlers={
            Problem: on_problem,
            TouchstoneError: on_our_error,
            HTTPException: on_http_error,
            Exception: on_bug,
        },
    )
    app.state.service = state
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/openapi.json", serve_openapi, include_in_schema=False)
    app.outermost = RequestMiddleware(
        super(_App, app).__call__,
        admission=state.admission,
        refusal=partial(digital_link.refusal, state),
        metrics=state.metrics,
        bare={("POST", verify.PATH): partial(verify.verify_bare, state)},
        access_log=dependencies.settings.access_log,
    )
    return app


def _lifespan(
    state: AppState,
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with contextlib.suppress(TouchstoneError, TimeoutError):
            async with asyncio.timeout(_FIRST_TRUST_LIST_WITHIN_S):
                await state.trust.refresh()
        await state.geo.refresh()
        tasks = [
            asyncio.create_task(state.trust.watch(state.limits.trust_list_every_s)),
            asyncio.create_task(state.feed.watch()),
            asyncio.create_task(state.geo.watch(state.limits.geo_files_every_s)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            state.checker.close()

    return lifespan
