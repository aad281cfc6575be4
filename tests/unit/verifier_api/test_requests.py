"""Around every request: its log line, HEAD, and what is refused before it is read."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from authenticity.version import VERSION
from ledger.records import Role
from tests.support.service import Stand, in_process_service, path_of, unhurried


def test_a_log_line_names_the_route_and_neither_code_nor_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(unhurried(), access_log=True)
    with in_process_service(tmp_path, settings=settings) as stand, stand.client() as client:
        code = stand.world.code(serial="SECRETSERIAL")
        with caplog.at_level(logging.INFO):
            client.get(path_of(code))
            client.post("/v1/verify", json={"code": code})
            client.request("BREW", "/nowhere")
    lines = [record for record in caplog.records if hasattr(record, "route")]
    assert [(line.__dict__["method"], line.__dict__["route"]) for line in lines] == [
        ("GET", "/01/{code:path}"), ("POST", "/v1/verify"), ("OTHER", "none"),
    ]  # fmt: skip
    ours = " ".join(f"{line.getMessage()} {line.__dict__}" for line in lines)
    assert "SECRETSERIAL" not in ours and "127.0.0.1" not in ours


def test_head_is_answered_as_get(client: httpx.Client) -> None:
    assert client.head("/healthz").status_code == 200
    assert client.get("/healthz").json() == {"status": "ok", "version": VERSION}


def test_one_scan_has_a_bound_of_its_own(client: httpx.Client, stand: Stand) -> None:
    typed = {"Content-Type": "application/json"}
    code = stand.world.code().encode()
    whole = client.post("/v1/scans", content=b'{"code": "%s"}' % code, headers=typed)
    assert whole.status_code == 202
    large = client.post("/v1/scans", content=b'{"code": "%s"}' % (b"x" * 20_000), headers=typed)
    assert (large.status_code, large.json()["status"]) == (413, 413)


def test_an_expired_token_and_one_too_long_to_be_ours_are_refused(
    client: httpx.Client, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = stand.bearer(Role.ADMIN, "temporary")
    assert client.get("/v1/batches", headers=headers).status_code == 200
    later = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr(stand.state.authenticator, "_clock", lambda: later)
    expired = client.get("/v1/batches", headers=headers)
    assert (expired.status_code, "expired" in expired.json()["detail"]) == (401, True)
    long = client.get("/v1/batches", headers={"Authorization": f"Bearer {'x' * 257}"})
    assert long.status_code == 401
