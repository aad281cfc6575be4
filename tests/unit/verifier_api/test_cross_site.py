"""What pages of other sites may make a browser do here."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ledger.records import Role
from tests.support.service import Stand, path_of

FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://sister.alpine.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://[::1"},
    {"Origin": ""},
]
OWN: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:80"},
    {"Origin": "https://127.0.0.1", "Host": "127.0.0.1"},
    {"Origin": "https://id.alpine.example", "Host": "ID.alpine.example:443"},
]


def _recording(stand: Stand, client: httpx.Client, headers: dict[str, str]) -> list[int]:
    """The statuses of all that records."""
    code = stand.world.code()
    bearer = stand.bearer(Role.ADMIN, "browser")
    form = {
        "scan_id": "s", "session": "s", "captured_at": datetime.now(UTC).isoformat()
    }  # fmt: skip
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/scans", {"json": {"code": code}}),
        ("POST", "/v1/scans", {"json": {"code": code}, "headers": bearer}),
        ("POST", path_of(code), {"data": form}),
        ("PATCH", f"/v1/alerts/{'0' * 32}", {"json": {"state": "active"}, "headers": bearer}),
    ]
    return [
        client.request(method, path, **more | {"headers": more.get("headers", {}) | headers})
        .status_code
        for method, path, more in asked
    ]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_records_nothing(
    client: httpx.Client, stand: Stand, headers: dict[str, str]
) -> None:
    assert _recording(stand, client, headers) == [403] * 4


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_our_own_page_and_programs_record(
    client: httpx.Client, stand: Stand, headers: dict[str, str]
) -> None:
    assert _recording(stand, client, headers) == [202, 202, 200, 404]


def test_our_own_form_shows_its_origin(client: httpx.Client, stand: Stand) -> None:
    # Fetch standard, "append a request Origin header": under no-referrer it would be null.
    assert client.get(path_of(stand.world.code())).headers["referrer-policy"] == "same-origin"


def test_what_records_nothing_may_be_asked_from_anywhere(
    client: httpx.Client, stand: Stand
) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    code = stand.world.code()
    assert client.get(path_of(code), headers=foreign).status_code == 200
    assert client.post("/v1/verify", json={"code": code}, headers=foreign).status_code == 200


@pytest.mark.parametrize("path", ["/01/09521234000013", "/01/x", "/.well-known/gs1resolver"])
def test_a_resolver_is_readable_from_pages_of_any_site(client: httpx.Client, path: str) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    preflight = client.options(path, headers=headers)
    read = client.get(path, headers=headers)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert "GET" in preflight.headers["access-control-allow-methods"]
    assert {r.headers["access-control-allow-origin"] for r in (preflight, read)} == {"*"}


def test_nothing_else_is(client: httpx.Client, stand: Stand) -> None:
    headers = {"Origin": "https://shop.example"}
    code = stand.world.code()
    others = [
        client.get("/v1/alerts", headers=headers),
        client.post("/v1/scans", json={"code": code}, headers=headers),
        client.post(path_of(code), headers=headers),
        client.post("/v1/verify", json={"code": code}, headers=headers),
    ]
    assert not [r for r in others if "access-control-allow-origin" in r.headers]


@pytest.mark.parametrize("tail", ["", "/21/ABC", "?linkType=linkset"])
@pytest.mark.parametrize("accept", ["text/html", "application/json", "application/linkset+json"])
def test_a_wrong_check_digit_is_a_bad_request(client: httpx.Client, tail: str, accept: str) -> None:
    headers = {"Accept": accept}
    assert client.get(f"/01/09521234000014{tail}", headers=headers).status_code == 400
    assert client.get(f"/01/09521234000013{tail}", headers=headers).status_code == 200
