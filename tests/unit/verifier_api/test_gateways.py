"""A gateway's token: its users are consumers, and it reads nothing and acts for nobody."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from authenticity.records.scan import PUBLIC_PAGE, Scan, decode_scan
from authenticity.records.serial_filter import build_filter
from events.embedded.log import EmbeddedLog
from events.topics import SCANS
from ledger.records import Role
from tests.support.service import Stand, in_process_service, path_of, unhurried

NETWORK = {"network": "subscriber-7", "kind": "mobile", "country": "KR"}
OF_THE_REQUEST = ("reference", "scan_id", "recorded", "trace_id")


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("service")
    with in_process_service(folder, settings=unhurried()) as running:
        yield running


@pytest.fixture
def client(stand: Stand) -> Iterator[httpx.Client]:
    with stand.client() as client:
        yield client


def _with_token_only(client: httpx.Client) -> list[tuple[str, str]]:
    """Method and path of every operation that needs a token, by the service's own contract."""
    paths: dict[str, dict[str, Any]] = client.get("/openapi.json").json()["paths"]
    return [
        (
            method.upper(),
            re.sub(r"\{gtin\}", "09521234567899", path).replace("{", "").replace("}", ""),
        )
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation.get("security") and {} not in operation["security"]
    ]


def test_every_route_that_needs_a_role_is_refused_to_a_gateway(
    client: httpx.Client, stand: Stand
) -> None:
    operations = _with_token_only(client)
    assert len(operations) >= 6
    bearer = stand.bearer(None, "app")
    for method, path in operations:
        body = {"json": {"state": "closed", "reason": "no"}} if method == "PATCH" else {}
        refused = client.request(method, path, headers=bearer, **body)  # type: ignore[arg-type]
        assert refused.status_code == 403, (method, path)
        assert "--role" in refused.json()["next_step"] or "roles" in refused.json()["next_step"]


@pytest.mark.parametrize("door", ["verify", "scan", "scans", "page"])
@pytest.mark.parametrize("seen", [True, False])
def test_through_a_gateway_the_answer_is_that_for_anybody(
    client: httpx.Client, stand: Stand, door: str, seen: bool
) -> None:
    """Also of an item with findings, which a role would be told in words."""
    code = stand.world.code(serial=f"{door}-{seen}")
    stand.register(stand.world.batch(count=1, serials=build_filter(["ANOTHER"])))
    if seen:
        client.post("/v1/scans", json={"code": code}, headers=stand.bearer(Role.OFFICER))
        stand.drain()
    told = [_ask(client, door, code, headers) for headers in ({}, stand.bearer(None, "app-2"))]
    assert told[0] == told[1]


def _ask(client: httpx.Client, door: str, code: str, headers: dict[str, str]) -> Any:
    if door == "page":
        answer = client.get(path_of(code), headers={"Accept": "application/json", **headers}).json()
    elif door == "verify":
        answer = client.post("/v1/verify", json={"code": code}, headers=headers).json()
    else:
        body: Any = {"code": code} if door == "scan" else [{"code": code}]
        answer = client.post("/v1/scans", json=body, headers=headers).json()
        answer = answer if door == "scan" else answer["results"][0]
    return {name: value for name, value in answer.items() if name not in OF_THE_REQUEST}


@pytest.mark.parametrize("door", ["verify", "scan", "scans"])
def test_an_invented_serial_is_charged_to_the_gateways_token(tmp_path: Path, door: str) -> None:
    settings = unhurried(token_per_minute=0.001, token_burst=30)
    with (
        in_process_service(tmp_path, settings=settings) as stand,
        stand.client() as client,
    ):
        world = stand.world
        own, invented = world.code(serial="S1"), world.code(serial="INVENTED")
        stand.register(world.batch(count=1, serials=build_filter(["S1"])))
        bearer, other = stand.bearer(None, "app"), stand.bearer(None, "another")

        def ask(code: str, headers: dict[str, str]) -> int:
            body: Any = {"code": code, "network": NETWORK}
            if door == "verify":
                body = {"code": code}
            path = "/v1/verify" if door == "verify" else "/v1/scans"
            sent = [body] if door == "scans" else body
            return client.post(path, json=sent, headers=headers).status_code

        assert {ask(own, bearer) for _ in range(8)} == {200 if door == "verify" else 202}
        assert ask(invented, bearer) < 300
        assert [ask(own, bearer) < 300 for _ in range(3)] == [True, True, False]
        assert ask(own, other) < 300


def test_a_gateway_may_send_as_much_at_once_as_any_token(tmp_path: Path) -> None:
    settings = unhurried(anonymous_burst=2, scan_body_bytes=4_096)
    with (
        in_process_service(tmp_path, settings=settings) as stand,
        stand.client() as client,
    ):
        bodies = [{"code": stand.world.code(), "session": "s" * 60, "network": NETWORK}] * 40
        sent = client.post("/v1/scans", json=bodies, headers=stand.bearer(None, "app-3"))
    assert sent.status_code == 202
    assert sent.json()["recorded"] == len(bodies)


@pytest.mark.parametrize("door", ["scan", "scans", "lines", "form"])
@pytest.mark.parametrize("role", [None, Role.OFFICER, "nobody"])
def test_who_a_scan_is_by_is_the_same_at_every_door(
    client: httpx.Client, stand: Stand, door: str, role: Role | str | None
) -> None:
    """A gateway brings no network evidence of its own address, and its name; an officer
    authority; and whoever has no token the network of the address alone."""
    code, name = stand.world.code(), f"by-{door}"
    headers = {} if role == "nobody" else stand.bearer(Role(role) if role else None, name)
    body = {"code": code, "session": "s", "captured_at": datetime.now(UTC).isoformat()}
    if door == "form":
        form = {key: value for key, value in body.items() if key != "code"}
        sent = client.post(path_of(code), data={**form, "scan_id": "form"}, headers=headers)
    elif door == "lines":
        headers |= {"Content-Type": "application/x-ndjson"}
        sent = client.post("/v1/scans", content=json.dumps(body), headers=headers)
    else:
        sent = client.post("/v1/scans", json=body if door == "scan" else [body], headers=headers)
    assert sent.status_code in (200, 202), sent.text
    [scan] = [scan for scan in _recorded(stand) if scan.code.endswith(path_of(code))]
    assert (scan.publisher, scan.authorised, scan.network is not None) == {
        None: (name, False, False),
        Role.OFFICER: (name, True, True),
        "nobody": (PUBLIC_PAGE, False, True),
    }[role]


def _recorded(stand: Stand) -> list[Scan]:
    with closing(EmbeddedLog(stand.folder / "log.sqlite")) as log:
        end = log.end(SCANS)
        return [decode_scan(entry.value) for entry in log.read(SCANS, max(0, end - 50), 50)]
