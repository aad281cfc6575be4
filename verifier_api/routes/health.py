"""For those who run the service: alive, ready, metrics. Keep /metrics from the public."""

import asyncio
from functools import partial
from typing import Final

from fastapi import APIRouter, Response
from msgspec import Struct

from authenticity.errors import UnavailableError
from authenticity.version import VERSION
from verifier_api.http.bodies import json_response
from verifier_api.http.openapi import described
from verifier_api.metrics import CONTENT_TYPE
from verifier_api.network.databases import AddressDatabase
from verifier_api.state import AppState, State

_READY_WITHIN_S: Final = 1.0


class Health(Struct, frozen=True):
    """The process answers. `version` is that of the installed program."""

    status: str
    version: str


class Readiness(Struct, frozen=True):
    """Whether answers are whole. `checks`: "ok", or why not."""

    ready: bool
    checks: dict[str, str]


STRUCTS: Final = (Health, Readiness)
router = APIRouter(default_response_class=Response)


@router.get(
    "/healthz",
    operation_id="health",
    summary="Alive.",
    responses={200: described("Yes", Health)},
)
async def health() -> Response:
    """The process is alive; nothing behind it is asked."""
    return json_response(Health("ok", VERSION))


@router.get(
    "/readyz",
    operation_id="readiness",
    summary="Whether answers are whole.",
    responses={
        200: described("They are", Readiness),
        503: described("Something is missing", Readiness),
    },
)
async def ready(state: State) -> Response:
    """503 while any check fails. Checked once a second at most, however often it is asked."""
    checks = await state.readiness.now(partial(_checks, state))
    is_ready = all(check == "ok" for check in checks.values())
    return json_response(Readiness(is_ready, checks), status_code=200 if is_ready else 503)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus text format.",
    responses={200: {"description": "Metrics", "content": {"text/plain": {}}}},
)
async def metrics(state: State) -> Response:
    """Counters and gauges of this process."""
    counted = state.metrics
    if state.trust.current is not None:
        trust_list = state.trust.current.trust_list
        counted.trust_version = trust_list.version
        counted.trust_expires_s = trust_list.expires_at.timestamp()
    files = state.geo.states
    counted.geo_problems = {kind: file.problem is not None for kind, file in files.items()}
    counted.geo_built_s = {
        kind: file.value.built_at.timestamp()
        for kind, file in files.items()
        if isinstance(file.value, AddressDatabase)
    }
    counted.streams = sum(state.feed.places.values())
    return Response(counted.exposition(), media_type=CONTENT_TYPE)


async def _checks(state: AppState) -> dict[str, str]:
    names = ("trust-list", "ledger", "log", "engine")
    found = await asyncio.gather(_trust(state), _ledger(state), _log(state), _engine(state))
    return dict(zip(names, found, strict=True))


async def _trust(state: AppState) -> str:
    trust, read_at, now = state.trust.current, state.trust.read_at, state.clock()
    if trust is None or read_at is None:
        return "none known yet"
    if (now - read_at).total_seconds() > state.limits.trust_list_fresh_s:
        return "not refreshed for a while"
    return "ok" if now <= trust.trust_list.expires_at else "expired"


async def _ledger(state: AppState) -> str:
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            await state.reader.ping()
    except TimeoutError:
        return "too slow"
    except UnavailableError:
        return "not reachable"
    return "ok"


async def _log(state: AppState) -> str:
    """An empty append shows that the writer lives; the last real one, that it can write."""
    if not await state.recorder.is_alive():
        return "not reachable"
    return "the last append failed" if state.recorder.failing else "ok"


async def _engine(state: AppState) -> str:
    failure = state.dependencies.engine_failure
    return "stopped" if failure is not None and failure() is not None else "ok"
