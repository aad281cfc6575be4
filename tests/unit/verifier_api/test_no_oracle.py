"""Whoever has neither a signed code nor a role learns nothing about an item."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx
import pytest

from authenticity.gs1.item import ItemId
from authenticity.history.history import History, history_of
from authenticity.history.observation import observe
from authenticity.records.batch_registry import BatchRegistry
from authenticity.trust.verify import verify
from simulation.two_makers import World
from verifier_api.app import Dependencies, create_app

T = TypeVar("T")


class CountingLedger:
    """Knows one item, and counts what it is asked."""

    def __init__(self, world: World, known: dict[ItemId, History]) -> None:
        self._world = world
        self._known = known
        self.asked: list[str] = []

    async def item(self, item: ItemId) -> History | None:
        self.asked.append("item")
        return self._known.get(item)

    async def items(self, items: Sequence[ItemId]) -> tuple[list[History | None], BatchRegistry]:
        self.asked.append("items")
        return [self._known.get(item) for item in items], BatchRegistry()

    async def batch_registry(self) -> BatchRegistry:
        self.asked.append("catalogue")
        return BatchRegistry()

    async def trust_list(self) -> bytes | None:
        return self._world.trust_document

    async def newest_feed_number(self) -> int:
        return 0

    async def token(self, token_sha256: bytes) -> None:
        self.asked.append("token")

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        raise AssertionError(f"the ledger was asked for {name}")


class Sink:
    """A log that takes everything."""

    def publish(self, records: object) -> "Future[None]":
        future: Future[None] = Future()
        future.set_result(None)
        return future

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World) -> CountingLedger:
    code = world.code(serial="KNOWN")
    scans = [world.scan(code, minutes=-minutes) for minutes in (1, 2, 3)]
    verdict = verify(code, world.trust_list, world.now)
    history = history_of(observe(scan, verdict, 1) for scan in scans)
    return CountingLedger(world, {world.item("KNOWN"): history})


def _ask(
    world: World,
    ledger: CountingLedger,
    call: Callable[[httpx.AsyncClient], Coroutine[Any, Any, T]],
) -> T:
    reader: Any = ledger
    app = create_app(
        Dependencies(
            reader=reader,
            publisher=Sink(),
            roots=world.roots,
            secret=bytes(32),
            clock=lambda: world.now,
        )
    )

    async def run() -> T:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="https://id.alpine.example") as client,
        ):
            return await call(client)

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["unsigned", "forged", "element-string"])
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/scans", "page"])
def test_an_item_that_exists_and_one_that_does_not_get_the_same_bytes_and_work(
    world: World, ledger: CountingLedger, kind: str, path: str
) -> None:
    answers: list[bytes] = []
    for serial in ("KNOWN", "UNKNO"):
        code = _unsigned(world, serial, kind)

        async def call(client: httpx.AsyncClient, code: str = code) -> httpx.Response:
            if path == "page":
                target = "/" + code.split("/", 3)[3] if "://" in code else "/01/" + code[2:16]
                return await client.get(target, headers={"Accept": "application/json"})
            return await client.post(path, json={"code": code, "session": "s"})

        response = _ask(world, ledger, call)
        assert response.status_code in (200, 202)
        answers.append(_without_identity(response.json(), serial))
    assert answers[0] == answers[1]
    assert ledger.asked == []


def _unsigned(world: World, serial: str, kind: str) -> str:
    if kind == "forged":
        return world.forged_code(serial=serial)
    if kind == "element-string":
        return f"010952123400001321{serial}"
    return world.unsigned_code(serial=serial)


def _without_identity(answer: dict[str, Any], serial: str) -> bytes:
    """Without what differs between any two answers, and the caller's own words."""
    for name in ("reference", "scan_id"):
        answer.pop(name)
    return repr(answer).replace(serial, "…").encode()


def test_a_signed_code_opens_its_own_item(world: World, ledger: CountingLedger) -> None:
    async def call(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/v1/verify", json={"code": world.code(serial="KNOWN")})

    assert _ask(world, ledger, call).json()["scans"] == 3
    assert ledger.asked == ["items"]


@pytest.mark.parametrize("authorization", [None, "Bearer guess"])
def test_item_pages_cost_a_stranger_the_same_whatever_exists(
    world: World, ledger: CountingLedger, authorization: str | None
) -> None:
    headers = {"traceparent": f"00-{'7' * 32}-{'1' * 16}-00"}  # one that all answers name
    if authorization is not None:
        headers["Authorization"] = authorization
    bodies: list[bytes] = []
    for serial in ("KNOWN", "UNKNO", "x" * 25):

        async def call(client: httpx.AsyncClient, serial: str = serial) -> httpx.Response:
            return await client.get(f"/v1/items/09521234000013/{serial}", headers=headers)

        response = _ask(world, ledger, call)
        assert response.status_code == 401
        bodies.append(response.content)
    assert len(set(bodies)) == 1
    assert set(ledger.asked) <= {"token"}


def test_a_doubtful_code_takes_nothing_from_the_history_for_its_holder(
    world: World, ledger: CountingLedger
) -> None:
    async def call(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/v1/verify", json={"code": world.forged_code(serial="KNOWN")})

    answer = _ask(world, ledger, call).json()
    assert (answer["standing"], answer["findings"], answer["scans"]) == ("suspect", [], 0)
