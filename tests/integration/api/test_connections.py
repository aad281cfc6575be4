"""Long bodies and open streams over a real connection."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from authenticity.gs1.code import item_of
from ledger.records import Role
from tests.integration.api.stand import Stand
from tests.support.patience import PATIENCE_S


def test_ten_thousand_lines_are_recorded_and_one_more_is_refused(stand: Stand) -> None:
    code = stand.world.code()
    line = json.dumps({"code": code, "session": "pallet"}).encode()
    headers = {"Content-Type": "application/x-ndjson"} | stand.bearer(Role.OFFICER, "port")
    with httpx.Client(base_url=stand.url, timeout=PATIENCE_S) as client:
        refused = client.post("/v1/scans", content=b"\n".join([line] * 10_001), headers=headers)
        taken = client.post("/v1/scans", content=b"\n".join([line] * 10_000), headers=headers)
    assert refused.status_code == 413
    assert taken.json()["recorded"] == 10_000


def test_the_stream_resumes_after_the_last_event_seen(stand: Stand) -> None:
    headers = stand.bearer(Role.ADMIN, "watcher")
    earlier, later = stand.world.forged_code(), stand.world.forged_code()
    stand.publish(stand.world.officer_scan(earlier))
    first = _event_of(stand, headers | {"Last-Event-ID": "0"}, earlier)
    stand.publish(stand.world.officer_scan(later))
    resumed = headers | {"Last-Event-ID": str(first["number"])}
    assert _event_of(stand, resumed, later)["number"] > first["number"] >= 1


def test_an_open_stream_gets_what_happens_while_it_is_open(stand: Stand) -> None:
    headers = stand.bearer(Role.ADMIN, "listener")
    headers["Last-Event-ID"] = str(stand.read(stand.reader.newest_feed_number()))
    code = stand.world.forged_code()
    with ThreadPoolExecutor(1) as thread:
        heard = thread.submit(_event_of, stand, headers, code)
        stand.until(lambda: stand.state.feed.places["listener"] == 1)
        stand.publish(stand.world.officer_scan(code))
        assert heard.result(PATIENCE_S)["alert"]["item"] == item_of(code)


def _event_of(stand: Stand, headers: dict[str, str], code: str) -> dict[str, Any]:
    """The first event about the item of this code."""
    with stand.client() as client, client.stream("GET", "/v1/alerts/stream", headers=headers) as s:
        for line in s.iter_lines():
            if line.startswith("data: "):
                event: dict[str, Any] = json.loads(line[6:])
                if event["alert"]["item"] == item_of(code):
                    return event
    raise AssertionError("the stream ended")
