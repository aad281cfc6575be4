"""Whoever has no token is answered by the service's clock, whatever time they name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.records import Role
from tests.support.service import Stand, in_process_service, path_of, unhurried

REVOKED = timedelta(days=1)


@pytest.fixture(scope="module")
def revoked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A service whose first maker's key fell a day ago."""
    folder: Path = tmp_path_factory.mktemp("revoked")
    with in_process_service(folder, settings=unhurried(trust_list_every_s=0.01)) as stand:
        at = datetime.now(UTC) - REVOKED
        stand.trust(stand.world.next_trust_document(revoked={0: at}))
        code = stand.world.code()
        with stand.client() as client:
            stand.until(lambda: _verified(client, code)["doubt"] == "key-revoked")
        yield stand


def _verified(client: httpx.Client, code: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/v1/verify", json={"code": code}).json()
    return answer


def _times() -> list[str]:
    now = datetime.now(UTC)
    return [
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00+14:00",
        (now - 2 * REVOKED).isoformat(),
        (now - timedelta(minutes=1)).isoformat(),
        "2099-12-31T23:59:59-12:00",
    ]


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    """Without the numbers of this one scan."""
    return {name: answer[name] for name in answer.keys() - {"reference", "scan_id", "recorded"}}


def _codes(stand: Stand) -> list[str]:
    """Of a key that fell, of one that stands, scanned all over the world, and of nobody's."""
    copied = stand.world.code(maker=1)
    stand.publish(*stand.world.copied_scans(copied)[:12])
    return [stand.world.code(), stand.world.code(maker=1), copied, stand.world.forged_code()]


def test_no_time_that_a_caller_names_changes_the_answer(revoked: Stand) -> None:
    with revoked.client() as client:
        for code in _codes(revoked):
            expected = _said(_verified(client, code))
            for number, time in enumerate(_times()):
                body = {"code": code, "captured_at": time, "session": "one"}
                one = client.post("/v1/scans", json=body)
                assert one.status_code == 202, one.text
                many = client.post("/v1/scans", json=[body]).json()["results"]
                for answer in (one.json(), *many):
                    assert _said(answer) == expected, (number, time)


def test_nor_what_the_page_says(revoked: Stand) -> None:
    code = revoked.world.code()
    with revoked.client() as client:
        for number, time in enumerate(_times()):
            form = {"scan_id": f"page-{number}", "session": "s", "captured_at": time}
            answered = client.post(path_of(code), data=form)
            assert answered.status_code == 200
            assert 'data-standing="suspect"' in answered.text, time


def test_a_known_scanner_is_answered_as_of_when_it_read(revoked: Stand) -> None:
    code, at = revoked.world.code(), (datetime.now(UTC) - 2 * REVOKED).isoformat()
    headers = revoked.bearer(Role.OFFICER, "port")
    with revoked.client() as client:
        body = {"code": code, "captured_at": at, "channel": "customs"}
        answer = client.post("/v1/scans", json=body, headers=headers).json()
    assert answer["verdict"] == "Genuine"
