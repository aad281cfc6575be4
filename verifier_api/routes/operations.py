"""For those who run the service: trust list, health, readiness, metrics."""

import asyncio
from dataclasses import dataclass

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from authenticity.errors import UnavailableError
from verifier_api.http.bodies import JSON
from verifier_api.metrics import CONTENT_TYPE
from verifier_api.state import AppState

_READY_WITHIN_S = 1.0


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(Struct, frozen=True):
    """Whether answers are whole. `checks`: "ok", or why not."""

    ready: bool
    checks: dict[str, str]


@dataclass(frozen=True)
class Operations:
    """Endpoints without roles; keep /metrics from the public at the proxy."""

    running: AppState

    async def trust_list(self, request: Request) -> Response:
        """`GET /.well-known/trust-list.jws`, with an ETag."""
        trust = self.running.checker.trust()
        headers = {"ETag": trust.etag, "Cache-Control": "public, max-age=60"}
        wanted = request.headers.get("if-none-match", "")
        if wanted == "*" or trust.etag in [tag.strip() for tag in wanted.split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(trust.document, media_type="application/jose+json", headers=headers)

    async def health(self, _: Request) -> Response:
        """`GET /healthz`: the process is alive; asks nothing behind it."""
        return Response(msgspec.json.encode(Health("ok")), media_type=JSON)

    async def ready(self, _: Request) -> Response:
        """`GET /readyz`: 503 while any check fails."""
        names = ("trust-list", "ledger", "log", "engine")
        told = await asyncio.gather(self._trust(), self._ledger(), self._log(), self._engine())
        checks = dict(zip(names, told, strict=True))
        is_ready = all(check == "ok" for check in told)
        body = msgspec.json.encode(Readiness(is_ready, checks))
        return Response(body, 200 if is_ready else 503, media_type=JSON)

    async def metrics(self, _: Request) -> Response:
        """`GET /metrics`, Prometheus text format."""
        running = self.running
        if running.trust.current is not None:
            trust_list = running.trust.current.trust_list
            running.metrics.trust_version = trust_list.version
            running.metrics.trust_expires_s = trust_list.expires_at.timestamp()
        running.metrics.streams = sum(running.feed.places.values())
        return Response(running.metrics.exposition(), media_type=CONTENT_TYPE)

    async def _trust(self) -> str:
        trust, read_at = self.running.trust.current, self.running.trust.read_at
        now = self.running.clock()
        if trust is None or read_at is None:
            return "none known yet"
        if (now - read_at).total_seconds() > self.running.limits.trust_list_fresh_s:
            return "not refreshed for a while"
        return "ok" if now <= trust.trust_list.expires_at else "expired"

    async def _ledger(self) -> str:
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                await self.running.parts.reader.ping()
        except TimeoutError:
            return "too slow"
        except UnavailableError:
            return "not reachable"
        return "ok"

    async def _log(self) -> str:
        """An empty append shows that the writer lives; the last real one, that it can write."""
        if not await self.running.recorder.is_alive():
            return "not reachable"
        return "the last append failed" if self.running.recorder.failing else "ok"

    async def _engine(self) -> str:
        failure = self.running.parts.engine_failure
        return "stopped" if failure is not None and failure() is not None else "ok"
