"""What an open event stream is sent, from a real ledger."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.code import item_of
from ledger.protocols import LedgerReader
from ledger.records import Role
from tests.support.service import Stand
from verifier_api.auth.principals import Principal
from verifier_api.services.feed_watch import FeedWatch, Listener

HEARTBEAT = b": still here\n\n"


async def _events(feed: FeedWatch, after: int, count: int, batch: int = 2) -> list[bytes]:
    """So many events above `after`, and the heartbeats and the greeting among them."""
    sent: list[bytes] = []
    stream = feed.events(_anybody(), after, batch=batch, heartbeat_s=0.01)
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            sent.append(event)
            if sum(each.startswith(b"id: ") for each in sent) == count and event == HEARTBEAT:
                break
    return sent


def _anybody() -> Listener:
    """Who may always listen to everything."""
    principal = Principal(Role.ADMIN, "tester", None)

    async def find() -> Principal:
        return principal

    return Listener(principal, find, lambda: datetime.now(UTC))


def _items(sent: list[bytes]) -> list[str]:
    """The items of these events, in order."""
    lines = [line for event in sent for line in event.decode().split("\n")]
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    return [event["alert"]["item"] for event in events]


def test_every_change_is_sent_once_in_order_and_a_heartbeat_in_between(stand: Stand) -> None:
    before = stand.read(stand.reader.newest_feed_number())
    codes = [stand.world.forged_code() for _ in range(3)]
    for code in codes:
        stand.publish(stand.world.officer_scan(code))
    sent = stand.read(_events(FeedWatch(stand.reader, poll_s=60, again_s=0.01), before, len(codes)))
    assert sent[0] == b"retry: 2000\n\n"
    assert sent[-1] == HEARTBEAT
    assert _items(sent) == [item_of(code) for code in codes]


def test_an_open_stream_is_woken_by_what_comes_later(stand: Stand) -> None:
    before = stand.read(stand.reader.newest_feed_number())
    code = stand.world.forged_code()

    async def heard(publish: Callable[[], None]) -> list[bytes]:
        feed = FeedWatch(stand.reader, poll_s=0.01, again_s=0.01)
        watching = asyncio.create_task(feed.watch())
        await feed.changed(30)  # the first look at the ledger
        waiting = asyncio.create_task(feed.changed(30))
        await asyncio.to_thread(publish)
        await waiting
        sent = await _events(feed, before, 1)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        return sent

    sent = asyncio.run(heard(lambda: stand.publish(stand.world.officer_scan(code))))
    assert _items(sent) == [item_of(code)]


class FailingOnce:
    """The real ledger, but for the first question about the feed."""

    def __init__(self, real: LedgerReader) -> None:
        self._real = real
        self.failures = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def feed(self, *asked: Any) -> Any:
        if not self.failures:
            self.failures += 1
            raise LedgerUnavailableError("down")
        return await self._real.feed(*asked)


def test_a_ledger_that_is_away_for_a_moment_costs_no_event(stand: Stand) -> None:
    before = stand.read(stand.reader.newest_feed_number())
    code = stand.world.forged_code()
    stand.publish(stand.world.officer_scan(code))
    reader: Any = FailingOnce(stand.reader)
    asked: Coroutine[Any, Any, list[bytes]] = _events(
        FeedWatch(reader, poll_s=60, again_s=0.01), before, 1
    )
    assert _items(stand.read(asked)) == [item_of(code)]
    assert reader.failures == 1
