"""Event streams on bare ASGI: who gets a place, and what ends them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.types import Message

from authenticity.detection.alerts import Alert, alert_id
from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import Severity
from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import item_id
from authenticity.trust.entitlement import Entitlement
from ledger.records import FeedEntry, Role, TokenRecord
from simulation.two_makers import GTINS, World
from tests.support.patience import PATIENCE_S
from tests.support.service import unhurried
from verifier_api.app import Dependencies, create_app
from verifier_api.state import AppState

SOLD_GTIN = "09521234500018"
AT_ONCE = {
    "token_known_s": 0.0,
    "stream_token_every_s": 0.01,
    "stream_heartbeat_s": 0.01,
    "stream_poll_s": 0.005,
    "stream_again_s": 0.01,
    "stream_end_within_s": 0.01,
}


def entry(number: int, gtin: str) -> FeedEntry:
    """A change of an alert about an item of this GTIN."""
    item, kind = item_id(gtin, f"S{number}"), FindingKind.FORGED
    alert = Alert(alert_id(item, kind), item, kind, Severity.HIGH, None, 1, False, ())
    return FeedEntry(number, datetime.now(UTC), alert)


@dataclass
class Feed:
    """A ledger with one token, a trust list, and a feed that a test appends to."""

    world: World
    token_record: TokenRecord
    entries: list[FeedEntry] = field(default_factory=list)
    trust_document: bytes = b""
    token_error: Exception | None = None
    gate: asyncio.Event | None = None

    async def trust_list(self) -> bytes | None:
        return self.trust_document or None

    async def newest_feed_number(self) -> int:
        if self.gate is not None:
            await self.gate.wait()
        return len(self.entries)

    async def feed(
        self, after: int, limit: int, entitlement: Entitlement | None
    ) -> list[FeedEntry]:
        return [
            each
            for each in self.entries[after:]
            if entitlement is None or entitlement.opens(each.alert.item)
        ][:limit]

    async def token(self, token_sha256: bytes) -> TokenRecord:
        if self.token_error is not None:
            raise self.token_error
        return self.token_record


class Nothing:
    """A log of nothing."""

    def publish(self, records: object) -> "Future[None]":
        future: Future[None] = Future()
        future.set_result(None)
        return future

    def close(self) -> None:
        """Nothing to close."""


class Stream:
    """One open stream: what it was sent; it is done when the app has answered."""

    def __init__(self, app: Any, *, reads: bool = True, after: bytes | None = b"0") -> None:
        self.status = 0
        self.body = b""
        self._reads = asyncio.Event()
        if reads:
            self._reads.set()
        headers = [(b"authorization", b"Bearer t")]
        if after is not None:
            headers.append((b"last-event-id", after))
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "headers": headers,
            "path": "/v1/alerts/stream", "raw_path": b"/v1/alerts/stream", "query_string": b"",
            "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9),
            "asgi": {"version": "3.0", "spec_version": "2.3"}, "root_path": "",
        }  # fmt: skip
        self.task = asyncio.ensure_future(app(scope, self._receive(), self._send))

    def _receive(self) -> Callable[[], Any]:
        asked = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if asked:
                return asked.pop()
            await asyncio.Event().wait()
            raise AssertionError

        return receive

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.body += message.get("body", b"")
        await self._reads.wait()


async def until(holds: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


def run(feed: Feed, drive: Callable[[Any, AppState], Any], **limits: Any) -> None:
    """Have this done with the running app."""
    reader: Any = feed

    async def inside() -> None:
        app = create_app(
            Dependencies(
                reader=reader,
                publisher=Nothing(),
                roots=feed.world.roots,
                secret=bytes(32),
                settings=unhurried(**(AT_ONCE | limits)),
            )
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))
            await drive(app, app.state.service)

    asyncio.run(inside())


@pytest.fixture
def feed() -> Feed:
    world = World(now=datetime.now(UTC))
    until = datetime.now(UTC) + timedelta(days=1)
    record = TokenRecord("t", Role.RIGHTS_HOLDER, "alpine", ("9521234",), world.now, until, None)
    return Feed(world, record, trust_document=world.trust_document)


@pytest.mark.parametrize("reads", [True, False], ids=["reads", "reads nothing"])
@pytest.mark.parametrize("ending", ["revoked", "expired"])
def test_a_stream_ends_with_its_token_and_gives_its_place_back(
    feed: Feed, reads: bool, ending: str
) -> None:
    async def drive(app: Any, state: AppState) -> None:
        stream = Stream(app, reads=reads)
        await until(lambda: b"retry" in stream.body)
        assert state.feed.places == {"alpine": 1}
        field = "revoked_at" if ending == "revoked" else "expires_at"
        values = {name: getattr(feed.token_record, name) for name in TokenRecord.__struct_fields__}
        feed.token_record = TokenRecord(**(values | {field: datetime.now(UTC)}))
        await until(stream.task.done)
        feed.entries.append(entry(1, GTINS[0]))
        assert not state.feed.places and b"data:" not in stream.body

    run(feed, drive)


def test_what_is_known_to_end_ends_though_the_ledger_is_away(feed: Feed) -> None:
    async def drive(app: Any, state: AppState) -> None:
        ends_at = datetime.now(UTC) + timedelta(seconds=0.3)
        values = {name: getattr(feed.token_record, name) for name in TokenRecord.__struct_fields__}
        feed.token_record = TokenRecord(**(values | {"expires_at": ends_at}))
        stream = Stream(app)
        await until(lambda: b"retry" in stream.body)
        feed.token_error = LedgerUnavailableError("down")
        await until(stream.task.done)
        assert datetime.now(UTC) >= ends_at

    run(feed, drive)


def test_nothing_is_shown_while_it_is_not_known_to_whom(feed: Feed) -> None:
    async def drive(app: Any, state: AppState) -> None:
        stream = Stream(app)
        await until(lambda: b"still here" in stream.body)
        feed.token_error = LedgerUnavailableError("down")
        failures_before = len(stream.body)
        await until(lambda: len(stream.body) > failures_before + 100)
        feed.entries.append(entry(1, GTINS[0]))
        seen = len(stream.body)
        await until(lambda: len(stream.body) > seen + 30)
        assert b"data:" not in stream.body
        feed.token_error = None
        await until(lambda: b"data:" in stream.body)
        stream.task.cancel()

    run(feed, drive)


def test_a_range_that_is_sold_is_shown_no_more_in_a_stream_that_is_open(feed: Feed) -> None:
    async def drive(app: Any, state: AppState) -> None:
        stream = Stream(app)
        feed.entries.append(entry(1, SOLD_GTIN))
        await until(lambda: b"id: 1\n" in stream.body)
        buyer = feed.world.trust_list.issuers[1]
        buyer = changed(buyer, company_prefixes=(*buyer.company_prefixes, "95212345"))
        issuers = (feed.world.trust_list.issuers[0], buyer)
        feed.trust_document = feed.world.next_trust_document(issuers=issuers)
        await state.trust.refresh()
        await asyncio.sleep(0.1)
        feed.entries += [entry(2, SOLD_GTIN), entry(3, GTINS[0])]
        await until(lambda: b"id: 3\n" in stream.body)
        assert b"id: 2\n" not in stream.body
        stream.task.cancel()

    run(feed, drive)


def test_a_burst_gets_no_more_places_than_there_are(feed: Feed) -> None:
    async def drive(app: Any, state: AppState) -> None:
        feed.gate = asyncio.Event()
        streams = [Stream(app, after=None) for _ in range(12)]
        await until(lambda: sum(s.task.done() for s in streams) == 9)
        feed.gate.set()
        await until(lambda: sum(b"retry" in s.body for s in streams) == 3)
        assert sorted(s.status for s in streams) == [200] * 3 + [429] * 9
        for stream in streams:
            stream.task.cancel()
        await until(lambda: not state.feed.places)

    run(feed, drive, streams_per_token=3)


def test_a_stream_that_could_not_begin_gives_its_place_back(feed: Feed) -> None:
    async def drive(app: Any, state: AppState) -> None:
        async def fails() -> int:
            raise LedgerUnavailableError("down")

        feed.newest_feed_number = fails  # type: ignore[method-assign]
        stream = Stream(app, after=None)
        await until(stream.task.done)
        assert not state.feed.places

    run(feed, drive)


def test_without_a_trust_list_nobody_guesses_whose_an_item_is(feed: Feed) -> None:
    async def drive(app: Any, state: AppState) -> None:
        stream = Stream(app)
        await until(stream.task.done)
        assert stream.status == 503 and b"no-trust-list" in stream.body

    feed.trust_document = b""
    run(feed, drive)
