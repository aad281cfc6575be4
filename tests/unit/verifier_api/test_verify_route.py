"""`POST /v1/verify` answers alike on bare ASGI and on its declared route."""

import asyncio
from typing import Any

import httpx
import pytest

from simulation.two_makers import World
from tests.unit.verifier_api.test_no_oracle import CountingLedger, Sink
from verifier_api.app import Dependencies, create_app


def _ask(world: World, *, bare: bool, **request: Any) -> httpx.Response:
    reader: Any = CountingLedger(world, {})
    dependencies = Dependencies(
        reader=reader,
        publisher=Sink(),
        roots=world.roots,
        secret=bytes(32),
        clock=lambda: world.now,
    )
    app = create_app(dependencies)
    if not bare:
        app.outermost._bare = {}  # type: ignore[attr-defined]

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="https://id.alpine.example") as client,
        ):
            return await client.post("/v1/verify", **request)

    return asyncio.run(run())


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {}},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
        {"json": {"code": "x"}, "headers": {"Authorization": "Basic x"}},
        {"json": {"code": "x"}, "headers": {"Authorization": "Bearer guess"}},
        {"json": {"code": "x"}, "params": {"lang": "de"}},
        {"json": {"code": "x"}, "headers": {"Accept-Language": "fr"}},
    ],
)
def test_both_ways_give_the_same_status_headers_and_body(request_: dict[str, Any]) -> None:
    trace = {"traceparent": f"00-{'7' * 32}-{'1' * 16}-00"}
    request_ = {**request_, "headers": {**request_.get("headers", {}), **trace}}
    world = World()
    bare = _ask(world, bare=True, **request_)
    routed = _ask(world, bare=False, **request_)
    assert bare.status_code == routed.status_code
    assert _steady(bare) == _steady(routed)


def _steady(response: httpx.Response) -> tuple[dict[str, str], dict[str, Any]]:
    """Without what is drawn at random for every request."""
    headers = {name: value for name, value in response.headers.items() if name != "traceresponse"}
    body = response.json()
    body.pop("reference", None)
    return headers, body
