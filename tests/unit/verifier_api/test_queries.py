"""What a query may ask for, and how a wrong one is refused."""

from typing import Any

import httpx
import pytest

from authenticity.gs1.code import item_of
from ledger.records import Role
from tests.support.service import Stand, path_of


@pytest.fixture(scope="module")
def headers(stand: Stand) -> dict[str, str]:
    return stand.bearer(Role.ADMIN, "reader")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "copied"),
        ("severity", "purple"),
        ("case", "lost"),
        ("retracted", "maybe"),
        ("item", "https://id.gs1.org/01/95212340000/21/S"),
        ("since", "yesterday"),
        ("since", "0001-01-01T00:00:00+23:59"),
        ("limit", "0"),
        ("limit", "201"),
        ("after", "x" * 513),
    ],
)
def test_a_wrong_parameter_of_the_alerts_is_refused_by_its_name(
    client: httpx.Client, headers: dict[str, str], name: str, value: str
) -> None:
    response = client.get("/v1/alerts", params={name: value}, headers=headers)
    assert response.status_code == 422
    assert name in response.json()["detail"]


def test_alerts_are_narrowed_and_paged(
    client: httpx.Client, stand: Stand, headers: dict[str, str]
) -> None:
    codes = [stand.world.forged_code() for _ in range(2)]
    stand.publish(*(stand.world.officer_scan(code) for code in codes))
    where: dict[str, Any] = {"kind": "forged", "retracted": "false", "limit": 1}
    where["since"] = stand.world.now.isoformat()
    found: list[str] = []
    while True:
        page = client.get("/v1/alerts", params=where, headers=headers).json()
        found += [case["alert"]["item"] for case in page["alerts"]]
        assert len(page["alerts"]) <= 1
        if page["next"] is None:
            break
        where["after"] = page["next"]
    assert {item_of(code) for code in codes} <= set(found)
    assert len(found) == len(set(found))
    retracted = client.get("/v1/alerts?retracted=true&kind=forged", headers=headers).json()
    assert retracted["alerts"] == []


@pytest.mark.parametrize("number", ["-1", "x", "9" * 19])
def test_a_stream_does_not_go_on_after_what_is_no_event(
    client: httpx.Client, headers: dict[str, str], number: str
) -> None:
    asked = headers | {"Last-Event-ID": number}
    assert client.get("/v1/alerts/stream", headers=asked).status_code == 422


@pytest.mark.parametrize("more", [{}, {"Last-Event-ID": "0"}])
def test_one_token_holds_a_bounded_number_of_streams(
    client: httpx.Client, stand: Stand, headers: dict[str, str], more: dict[str, str]
) -> None:
    places = stand.state.feed.places
    places["reader"] = stand.state.limits.streams_per_token
    refused = client.get("/v1/alerts/stream", headers=headers | more)
    del places["reader"]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")


@pytest.mark.parametrize(
    ("link_type", "status"),
    [("gs1:pip", 200), ("gs1:verificationService", 200), ("gs1:recipe", 404), ("all", 200)],
)
def test_the_resolver_knows_its_link_types_alone(
    client: httpx.Client, stand: Stand, link_type: str, status: int
) -> None:
    path = f"{path_of(stand.world.code())}&linkType={link_type}"
    assert client.get(path).status_code == status


def test_a_linkset_of_what_is_no_code_is_refused(client: httpx.Client) -> None:
    response = client.get("/01/123?linkType=linkset")
    assert (response.status_code, response.json()["status"]) == (400, 400)


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"[", 400), (b"[]", 422), (b"[\xff]", 400), (b"[" + b"{}," * 10_000 + b"{}]", 413)],
)
def test_an_array_that_holds_no_scans_or_too_many_is_refused(
    client: httpx.Client, headers: dict[str, str], content: bytes, status: int
) -> None:
    typed = headers | {"Content-Type": "application/json"}
    assert client.post("/v1/scans", content=content, headers=typed).status_code == status


def test_lines_are_answered_as_lines_if_they_are_asked_for(
    client: httpx.Client, stand: Stand
) -> None:
    line = b'{"code": "%s"}\n' % stand.world.code().encode()
    typed = {"Content-Type": "application/x-ndjson", "Accept": "application/x-ndjson"}
    response = client.post("/v1/scans", content=line * 2, headers=typed)
    assert response.status_code == 202
    assert response.headers["content-type"].startswith("application/x-ndjson")
    assert len(response.content.splitlines()) == 2


def test_the_files_of_the_page_may_be_kept_if_they_are_named_with_their_version(
    client: httpx.Client, stand: Stand
) -> None:
    page = client.get(path_of(stand.world.code())).text
    link = next(part for part in page.split('"') if part.startswith("/static/"))
    assert "immutable" in client.get(link).headers["cache-control"]
    assert client.get(link.partition("?")[0]).headers["cache-control"] == "no-cache"
    assert client.get("/static/secrets.txt").status_code == 404
