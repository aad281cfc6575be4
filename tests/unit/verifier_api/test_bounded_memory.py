"""What callers write is remembered only in pieces of bounded size and number."""

import asyncio
import gc
from itertools import product
from typing import Any

import pytest

from simulation.two_makers import World
from tests.support.service import unhurried
from tests.unit.verifier_api.test_no_oracle import CountingLedger, Sink
from verifier_api.app import Dependencies, create_app
from verifier_api.http import client_address
from verifier_api.i18n import translator

CACHES: dict[str, Any] = {
    "languages": translator._chosen,
    "addresses": client_address.address_of,
}
MARK = "remember-me-"
LONG = MARK + "x" * 100_000
LONGEST_KEPT = 600
"""A code of 512 characters may be remembered, for its signature was checked."""

HEADERS = (
    "accept-language", "accept", "authorization", "x-forwarded-for", "host", "origin",
    "sec-fetch-site", "if-none-match", "last-event-id", "traceparent", "content-type",
)  # fmt: skip
PATHS = (
    "/01/09521234000013", "/v1/alerts", "/v1/items/09521234000013/1", "/v1/verify", "/v1/scans",
    "/static/page.css", "/.well-known/trust-list.jws", "/.well-known/gs1resolver",
    f"/{LONG}", f"/01/09521234000013/21/{LONG}", f"/static/{LONG}",
)  # fmt: skip


@pytest.mark.parametrize("name", CACHES)
def test_a_memory_has_a_bounded_number_of_entries(name: str) -> None:
    assert CACHES[name].cache_parameters()["maxsize"] <= 4_096


def test_no_long_text_of_a_caller_outlives_its_request() -> None:
    world = World()
    reader: Any = CountingLedger(world, {})
    app = create_app(
        Dependencies(
            reader=reader,
            publisher=Sink(),
            roots=world.roots,
            secret=bytes(32),
            settings=unhurried(),
        )
    )

    async def ask(method: str, path: str, header: str, query: str) -> None:
        body = [b'{"code": "https://id.gs1.org/01/%s"}' % LONG[:10_000].encode()]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body.pop() if body else b""}

        async def send(_: Any) -> None:
            """Not looked at."""

        headers = [(b"content-type", b"application/json")]
        headers += [(header.encode(), LONG.encode() + prefix) for prefix in (b"", b"\xff")]
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "headers": headers,
            "client": ("192.0.2.1", 1), "server": ("127.0.0.1", 80), "scheme": "http",
            "root_path": "", "state": {},
        }  # fmt: skip
        await app(scope, receive, send)

    async def run() -> None:
        async with app.router.lifespan_context(app):
            queries = ("", *(f"{name}={LONG}" for name in ("lang", "after", "item", "v", LONG)))
            for method, path in product(("GET", "POST"), PATHS):
                for header in HEADERS:
                    await ask(method, path, header, "")
                for query in queries:
                    await ask(method, path, "accept-language", query)

    asyncio.run(run())
    assert _kept() == []


def test_the_search_finds_what_is_kept() -> None:
    kept = {"somewhere": [LONG + "y"]}
    assert _kept()
    kept.clear()


def _kept() -> list[type]:
    """The containers that hold a long text with the mark, but for this module's own."""
    gc.collect()
    own = {id(LONG), *(id(path) for path in PATHS)}
    return [
        type(holder)
        for holder in gc.get_objects()
        for value in gc.get_referents(holder)
        if type(value) in (str, bytes)
        and len(value) > LONGEST_KEPT
        and id(value) not in own
        and (MARK if type(value) is str else MARK.encode()) in value
    ]
