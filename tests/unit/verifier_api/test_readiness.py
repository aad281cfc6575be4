"""Who runs the service is told what is missing; who scans gets a page or a problem all the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from authenticity.errors import LedgerUnavailableError
from ledger.protocols import LedgerReader
from ledger.records import Role
from tests.support.patience import wait_until
from tests.support.service import BrokenPublisher, Stand, in_process_service, path_of, unhurried


def test_a_whole_service_is_ready_and_shows_its_metrics(client: httpx.Client, stand: Stand) -> None:
    # Its background tasks run during requests alone: the first may find an old trust list.
    wait_until(lambda: client.get("/readyz").status_code == 200)
    assert set(client.get("/readyz").json()["checks"].values()) == {"ok"}
    metrics = client.get("/metrics").text
    assert f"touchstone_trust_list_version {stand.state.metrics.trust_version}" in metrics


class LedgerWithout:
    """The real ledger, of which some questions fail."""

    def __init__(self, real: LedgerReader, *failing: str) -> None:
        self._real = real
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        return self._fail if name in self._failing else getattr(self._real, name)

    async def _fail(self, *_: Any, **__: Any) -> Any:
        raise LedgerUnavailableError("it is down")


def _without(*failing: str) -> Callable[[LedgerReader], Any]:
    return lambda real: LedgerWithout(real, *failing)


def test_without_a_trust_list_nothing_is_said_about_a_code(tmp_path: Path) -> None:
    with (
        in_process_service(tmp_path, reader=_without("trust_list", "ping")) as stand,
        stand.client() as client,
    ):
        code = stand.world.code()
        ready = client.get("/readyz")
        page = client.get(path_of(code))
        data = client.get(path_of(code), headers={"Accept": "application/json"})
        answer = client.post("/v1/verify", json={"code": code})
        metrics = client.get("/metrics")
        document = client.get("/.well-known/trust-list.jws")
    assert ready.status_code == 503
    assert ready.json()["checks"]["trust-list"] == "none known yet"
    assert ready.json()["checks"]["ledger"] == "not reachable"
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert data.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert metrics.status_code == 200
    assert document.status_code == 503


def test_a_trust_list_that_is_not_refreshed_or_expired_is_seen(
    client: httpx.Client, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_at(now: datetime, read_at: datetime) -> str:
        monkeypatch.setattr(stand.state, "clock", lambda: now)
        monkeypatch.setattr(stand.state.trust, "read_at", read_at)
        check: str = client.get("/readyz").json()["checks"]["trust-list"]
        return check

    now = datetime.now(UTC)
    later = now + timedelta(days=10_000)
    # The watch refreshes the list beside the test, at times of its own.
    wait_until(lambda: check_at(now, now - timedelta(hours=1)) == "not refreshed for a while")
    wait_until(lambda: check_at(later, later) == "expired")


def test_a_ledger_that_fails_is_left_alone_and_answers_are_provisional(tmp_path: Path) -> None:
    with (
        in_process_service(tmp_path, reader=_without("items", "alerts")) as stand,
        stand.client() as client,
    ):
        code, headers = stand.world.code(), stand.bearer(Role.OFFICER, "customs")
        many: dict[str, Any] = {"json": [{"code": code}], "headers": headers}
        results = [client.post("/v1/scans", **many).json()["results"][0] for _ in range(4)]
        one = client.post("/v1/verify", json={"code": code})
        failures = client.get("/metrics").text
    assert {result["provisional"] for result in results} == {True}
    assert {result["recorded"] for result in results} == {True}
    assert one.json()["provisional"]
    assert "touchstone_ledger_failures_total 3.0" in failures  # the fourth was not asked


def test_a_bulk_that_the_log_does_not_take_says_so_and_still_answers(tmp_path: Path) -> None:
    hangs = BrokenPublisher(None)
    settings = unhurried(publish_within_s=0.05)
    with (
        in_process_service(tmp_path, publisher=lambda _: hangs, settings=settings) as stand,
        stand.client() as client,
    ):
        response = client.post("/v1/scans", json=[{"code": stand.world.code()}] * 2)
    assert response.status_code == 503
    assert [line["verdict"] for line in response.json()["results"]] == ["Genuine"] * 2


def test_a_token_that_cannot_be_looked_up_is_no_fault_of_its_bearer(tmp_path: Path) -> None:
    with in_process_service(tmp_path, reader=_without("token")) as stand, stand.client() as client:
        headers = {"Authorization": "Bearer anything"}
        assert client.get("/v1/batches", headers=headers).status_code == 503


def test_a_fault_of_the_program_is_a_problem_without_its_details(tmp_path: Path) -> None:
    def broken(_: LedgerReader) -> Any:
        return Bug()

    class Bug:
        async def trust_list(self) -> None:
            return None

        async def newest_feed_number(self) -> int:
            return 0

        async def token(self, _: bytes) -> None:
            raise ZeroDivisionError("secret detail")

    with in_process_service(tmp_path, reader=broken) as stand, stand.client() as client:
        headers = {"Authorization": "Bearer anything"}
        routed = client.get("/v1/batches", headers=headers)
        bare = client.post("/v1/verify", json={"code": "x"}, headers=headers)
    for response in (routed, bare):
        assert response.status_code == 500
        assert response.headers["content-type"] == "application/problem+json"
        assert "secret" not in response.text
