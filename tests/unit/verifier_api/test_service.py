"""The API as callers meet it, without a socket: real app, real log, real engine, real ledger."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from authenticity.errors import LogUnavailableError
from authenticity.gs1.code import item_of
from authenticity.gs1.item import ItemId, text_id
from authenticity.history.history import History
from authenticity.history.observation import ACTS
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import REFUSALS, Act, Channel, encode_scan
from authenticity.records.serial_filter import build_filter
from ledger.protocols import LedgerReader
from ledger.records import Role
from tests.support.service import (
    BrokenPublisher,
    Stand,
    in_process_service,
    path_of,
    unhurried,
)


def _posted(client: httpx.Client, path: str, body: object, **more: Any) -> dict[str, Any]:
    response = client.post(path, json=body, **more)
    assert response.status_code in (200, 202), response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_verify_records_nothing(client: httpx.Client, stand: Stand) -> None:
    code = stand.world.code()
    answer = _posted(client, "/v1/verify", {"code": code})
    stand.drain()
    assert (answer["standing"], answer["recorded"]) == ("verified", False)
    assert stand.scans_of(code) == 0


def test_a_recorded_scan_is_seen_before_for_another_session_alone(
    client: httpx.Client, stand: Stand
) -> None:
    code = stand.world.code()
    assert _posted(client, "/v1/scans", {"code": code, "session": "one"})["recorded"]
    stand.drain()
    same = _posted(client, "/v1/verify", {"code": code, "session": "one"})
    other = _posted(client, "/v1/verify", {"code": code, "session": "two"})
    assert (same["standing"], other["standing"]) == ("verified", "seen-before")
    assert (same["scans"], other["scans"]) == (0, 1)


def test_the_same_scan_again_gets_the_same_answer_and_counts_once(
    client: httpx.Client, stand: Stand
) -> None:
    scan = {
        "code": stand.world.code(),
        "scan_id": "retry-1",
        "session": "mine",
        "captured_at": datetime.now(UTC).isoformat(),
    }
    first = _posted(client, "/v1/scans", scan)
    stand.drain()
    assert _posted(client, "/v1/scans", scan) == first
    stand.drain()
    other = _posted(client, "/v1/verify", {"code": scan["code"]})
    assert other["scans"] == 1


def test_a_capture_time_that_utc_cannot_write_is_the_callers_error(
    client: httpx.Client, stand: Stand
) -> None:
    scan = {"code": stand.world.code(), "scan_id": "x", "captured_at": "0001-01-01T00:00:00+23:59"}
    response = client.post("/v1/scans", json=scan)
    assert response.status_code == 422
    assert "captured_at" in response.json()["detail"]


def test_nobody_overwrites_anothers_scan_id(client: httpx.Client, stand: Stand) -> None:
    code, at = stand.world.code(), datetime.now(UTC)
    for session, minutes in (("one", 0), ("two", 1)):
        captured_at = (at - timedelta(minutes=minutes)).isoformat()
        scan = {"code": code, "scan_id": "same", "session": session, "captured_at": captured_at}
        _posted(client, "/v1/scans", scan)
    stand.drain()
    serial = code.split("/21/")[1].split("?")[0]
    response = client.get(
        f"/v1/items/09521234000013/{serial}", headers=stand.bearer(Role.OFFICER, "customs-9")
    )
    kinds = {finding["kind"] for finding in response.json()["findings"]}
    assert stand.scans_of(code) == 2
    assert response.json()["scans"] == 1  # from one network
    assert "scan-id-reused" not in kinds


@pytest.mark.parametrize(
    "claim",
    [
        *({"channel": channel} for channel in Channel if channel is not Channel.CONSUMER),
        *({"act": act} for act in Act),
        {"operation": "sale"},
        {"channel": "consumer", "act": "sell"},
        {"act": "seize", "refused_for": "suspected-falsified"},
    ],
    ids=str,
)
def test_an_anonymous_claim_of_authority_is_refused_and_leaves_nothing(
    client: httpx.Client, stand: Stand, claim: dict[str, str]
) -> None:
    code = stand.world.code()
    body = {"code": code, "authorised": True, "publisher": "customs-1"} | claim
    response = client.post("/v1/scans", json=body)
    assert response.status_code == 401
    assert "WWW-Authenticate" in response.headers and response.json()["next_step"]
    lines = client.post("/v1/scans", json=[body, {"code": code}, body]).json()
    assert [each.get("status") for each in lines["results"]] == [401, None, 401]
    stand.drain()
    [observation] = _history(stand, code).observations
    assert (observation.actor, observation.act, observation.channel) == (0, 0, 0)


def test_an_act_on_anothers_item_is_refused_and_a_mere_scan_is_that_of_a_stranger(
    client: httpx.Client, stand: Stand
) -> None:
    code, theirs = (stand.world.code(maker=maker) for maker in (0, 1))
    headers = stand.bearer(Role.RIGHTS_HOLDER, "alpine-line", ["9521234"])
    for claim in ({"act": "sell"}, {"operation": "sale"}):
        body = {"code": theirs, "channel": "retail"} | claim
        assert client.post("/v1/scans", json=body, headers=headers).status_code == 403
        lines = [body, body | {"code": code}, {"code": theirs}, body | {"code": "no code"}]
        response = client.post("/v1/scans", json=lines, headers=headers)
        statuses = [each.get("status") for each in response.json()["results"]]
        assert (response.status_code, statuses) == (207, [403, None, None, 403])
    stand.drain()
    assert all(each.actor == each.act == 0 for each in _history(stand, theirs).observations)
    assert all(each.actor for each in _history(stand, code).observations)


@pytest.mark.parametrize("role", [Role.RIGHTS_HOLDER, Role.ISSUER])
@pytest.mark.parametrize("what", ["another's item", "no item"])
def test_a_channel_on_anothers_item_is_refused_and_a_mere_scan_is_a_consumers(
    client: httpx.Client, stand: Stand, role: Role, what: str
) -> None:
    """Scans on the maker's own channels would not count as those of others."""
    no_code = f"torn label {secrets.token_hex(8)}"
    own = stand.world.code()
    theirs = stand.world.code(maker=1) if what == "another's item" else no_code
    headers = stand.bearer(role, "alpine-dock", ["9521234"])
    for channel in Channel:
        bodies = [{"code": theirs, "channel": channel}, {"code": own, "channel": channel}]
        answers = [client.post("/v1/scans", json=each, headers=headers) for each in bodies]
        allowed = channel in (Channel.RETAIL, Channel.LOGISTICS, Channel.MAKER)
        is_consumer = channel is Channel.CONSUMER
        expected = [202 if is_consumer else 403, 202 if allowed else 403]
        assert [each.status_code for each in answers] == expected
        assert is_consumer or answers[0].json()["next_step"]
    lines = [{"code": theirs, "channel": "retail"}, {"code": theirs}]
    results = client.post("/v1/scans", json=lines, headers=headers).json()["results"]
    assert [each.get("status") for each in results] == [403, None]
    stand.drain()
    item = item_of(theirs) or text_id(theirs)
    history = stand.read(stand.reader.item(item))
    assert history is not None and history.observations
    assert {(each.actor, each.channel) for each in history.observations} == {(0, 0)}


def test_scans_with_the_token_of_another_company_are_scans_by_others(
    client: httpx.Client, stand: Stand
) -> None:
    code = stand.world.code(maker=1)
    headers = stand.bearer(Role.ISSUER, "alpine-maker", ["9521234"])
    for number in range(3):
        body = {"code": code, "session": f"{number}"}
        assert client.post("/v1/scans", json=body, headers=headers).status_code == 202
    stand.drain()
    told = client.post("/v1/verify", json={"code": code}).json()
    assert told["standing"] == "seen-before"


def test_an_officers_act_on_a_pack_that_cannot_be_read_is_kept(
    client: httpx.Client, stand: Stand
) -> None:
    text = f"torn label {secrets.token_hex(8)}"
    body = {"code": text, "act": "detain", "channel": "customs"}
    headers = stand.bearer(Role.OFFICER, "customs-7")
    assert client.post("/v1/scans", json=body, headers=headers).status_code == 202
    stand.drain()
    history = stand.read(stand.reader.item(text_id(text)))
    assert history is not None
    [observation] = history.observations
    assert observation.actor != 0 and observation.act != 0


def test_an_officers_act_is_recorded_under_their_name(client: httpx.Client, stand: Stand) -> None:
    code = stand.world.code()
    headers = stand.bearer(Role.OFFICER, "customs-2")
    body = {"code": code, "act": "detain", "channel": "police"}
    answer = _posted(client, "/v1/scans", body, headers=headers)
    stand.drain()
    [observation] = _history(stand, code).observations
    assert answer["advice"]["title"] == "Green: genuine code"
    assert observation.actor != 0
    assert observation.act != 0


def test_an_officer_says_why_a_pack_is_refused(client: httpx.Client, stand: Stand) -> None:
    code = stand.world.code()
    headers = stand.bearer(Role.OFFICER, "customs-2")
    body = {"code": code, "act": "detain", "refused_for": "documents"}
    _posted(client, "/v1/scans", body, headers=headers)
    stand.drain()
    [observation] = _history(stand, code).observations
    assert (ACTS[observation.act], observation.refused_for) == (Act.DETAIN, "documents")


@pytest.mark.parametrize("act", [None, *Act])
def test_a_ground_without_a_refusal_is_refused_and_told_what_to_do(
    client: httpx.Client, stand: Stand, act: Act | None
) -> None:
    headers = stand.bearer(Role.OFFICER, "customs-2")
    code = stand.world.code()
    body = {"code": code, "act": act, "refused_for": "suspected-falsified"}
    lines = client.post("/v1/scans", json=[body, {"code": code}], headers=headers).json()
    alone = client.post("/v1/scans", json=body, headers=headers)
    if act in REFUSALS:
        assert (alone.status_code, lines["refused"]) == (202, 0)
    else:
        assert (alone.status_code, lines["refused"]) == (422, 1)
        assert "`refused_for`" in alone.json()["detail"]
        assert "leave `refused_for` out" in alone.json()["next_step"]


def _history(stand: Stand, code: str) -> History:
    history = stand.history(code)
    assert history is not None
    return history


def test_bulk_answers_every_line_and_says_which_failed(client: httpx.Client, stand: Stand) -> None:
    good = encode_scan(stand.world.scan(stand.world.code()))
    lines = b"\n".join([good, b"{", b'{"code": 1}', good])
    response = client.post(
        "/v1/scans", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    results = response.json()["results"]
    assert response.status_code == 207
    assert [result["recorded"] for result in results] == [True, False, False, True]
    assert [result.get("status") for result in results] == [None, 400, 422, None]
    assert [result["line"] for result in results[1:3]] == [2, 3]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b'{"x": ' + b"[" * 8_000, {"Content-Type": "application/json"}, 400),
        (b'{"code": 7}', {"Content-Type": "application/json"}, 422),
        (b"\xff", {"Content-Type": "application/json"}, 400),
        (b'{"code": "\\ud800"}', {"Content-Type": "application/json"}, 400),
        (b"x", {"Content-Type": "text/plain"}, 415),
        (b" " * 20_000, {"Content-Type": "application/json"}, 413),
        (b'{"code": "x"}', {"Content-Type": "application/json", "Authorization": "Basic x"}, 401),
    ],
)
def test_bad_requests_are_problems_in_words(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = client.post("/v1/verify", content=content, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "next_step"} <= set(response.json())


def test_unknown_paths_and_methods_are_problems_too(client: httpx.Client) -> None:
    missing, wrong = client.get("/nix"), client.put("/v1/alerts/x")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert {missing.headers["content-type"], wrong.headers["content-type"]} == {
        "application/problem+json"
    }
    assert set(wrong.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "PATCH"}


def test_revocation_reaches_the_running_service_and_a_rollback_does_not(tmp_path: Path) -> None:
    settings = unhurried(trust_list_every_s=0.01)
    with in_process_service(tmp_path, settings=settings) as stand, stand.client() as client:
        code = stand.world.code()
        assert _posted(client, "/v1/verify", {"code": code})["standing"] == "verified"
        revoked_at = datetime.now(UTC) - timedelta(seconds=1)
        stand.trust(stand.world.next_trust_document(revoked={0: revoked_at}))
        stand.until(lambda: _posted(client, "/v1/verify", {"code": code})["doubt"] == "key-revoked")
        stand.trust(stand.world.trust_document)
        stand.drain()
        read_at = stand.state.trust.read_at
        stand.until(
            lambda: client.get("/healthz").is_success and stand.state.trust.read_at != read_at
        )
        assert _posted(client, "/v1/verify", {"code": code})["standing"] == "suspect"
        etag = client.get("/.well-known/trust-list.jws").headers["etag"]
        again = client.get("/.well-known/trust-list.jws", headers={"If-None-Match": etag})
        assert again.status_code == 304


class SlowReader:
    """The real ledger, whose items never come."""

    def __init__(self, real: LedgerReader) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def items(self, items: Sequence[ItemId]) -> tuple[list[History | None], BatchRegistry]:
        await asyncio.Event().wait()
        raise AssertionError("it is never set")


def test_a_ledger_that_never_answers_gives_a_provisional_answer(tmp_path: Path) -> None:
    with (
        in_process_service(
            tmp_path,
            reader=lambda real: SlowReader(real),
            settings=unhurried(ledger_within_s=0.05),
        ) as stand,
        stand.client() as client,
    ):
        for path, status in (("/v1/verify", 200), ("/v1/scans", 202)):
            response = client.post(path, json={"code": stand.world.code()})
            assert response.status_code == status
            assert (response.json()["verdict"], response.json()["provisional"]) == (
                "Genuine",
                True,
            )
        page = client.get(path_of(stand.world.code()), headers={"Accept-Language": "de"})
        assert (page.status_code, page.headers["content-language"]) == (200, "de")
        assert "Bestätigt · vorläufig" in page.text
        assert "Noch nicht gescannt" not in page.text


@pytest.mark.parametrize("error", [LogUnavailableError("disk full"), None], ids=["full", "hangs"])
def test_a_log_that_cannot_be_written_gives_503_with_the_verdict(
    tmp_path: Path, error: Exception | None
) -> None:
    with (
        in_process_service(
            tmp_path,
            publisher=lambda _: BrokenPublisher(error),
            settings=unhurried(publish_within_s=0.05),
        ) as stand,
        stand.client() as client,
    ):
        response = client.post("/v1/scans", json={"code": stand.world.forged_code()})
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["answer"]["doubt"] == "forged"
        assert response.json()["answer"]["recorded"] is False
        assert client.get("/readyz").status_code == 503


def test_rights_holders_see_their_own_brand_alone(client: httpx.Client, stand: Stand) -> None:
    code = stand.world.code()
    stand.publish(*stand.world.copied_scans(code))
    serial = code.split("/21/")[1].split("?")[0]
    own = stand.bearer(Role.RIGHTS_HOLDER, "alpine", ["9521234"])
    other = stand.bearer(Role.RIGHTS_HOLDER, "harbour", ["9526543"])
    path = f"/v1/items/09521234000013/{serial}"
    seen = client.get(path, headers=own)
    assert seen.json()["standing"] == "caution"
    assert client.get(path, headers=other).status_code == 404
    alerts = client.get("/v1/alerts", headers=own).json()["alerts"]
    assert any(record["alert"]["item"].endswith(serial) for record in alerts)
    foreign = client.get("/v1/alerts", headers=other).json()["alerts"]
    assert all("/01/09526543" in record["alert"]["item"] for record in foreign)
    answer = _posted(client, "/v1/verify", {"code": code}, headers=own)
    cloned = next(f for f in answer["findings"] if f["kind"] == "clone-suspected")
    assert cloned["reasons"]
    assert client.get(f"/v1/alerts/{cloned['alert_id']}", headers=own).status_code == 200
    assert client.get(f"/v1/alerts/{cloned['alert_id']}", headers=other).status_code == 404
    anonymous = _posted(client, "/v1/verify", {"code": code})
    assert {tuple(f["reasons"]) for f in anonymous["findings"]} == {()}


def test_a_campaign_on_its_batch_is_told_to_officers_and_its_rights_holder_alone(
    client: httpx.Client, stand: Stand
) -> None:
    for _ in range(6):
        stand.publish(*stand.world.copied_scans(stand.world.code(lot="C7")))
    officer = stand.bearer(Role.OFFICER, "customs-7")
    own = stand.bearer(Role.RIGHTS_HOLDER, "alpine-7", ["9521234"])
    other = stand.bearer(Role.RIGHTS_HOLDER, "harbour-7", ["9526543"])
    body = {"code": stand.world.code(lot="C7")}

    def of_batch(headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = _posted(client, "/v1/verify", body, headers=headers)[
            "findings_of_batch"
        ]
        return found

    stand.until(lambda: bool(of_batch(own)))
    [campaign] = of_batch(own)
    assert campaign["kind"] == "campaign"
    assert campaign["words"]["reasons"]
    assert [finding["kind"] for finding in of_batch(officer)] == ["campaign"]
    assert of_batch(other) == of_batch() == []
    german = client.get(f"/v1/alerts/{campaign['alert_id']}?lang=de", headers=own).json()
    assert german["words"]["title"] == "Viele Packungen wirken kopiert"
    [line] = client.post("/v1/scans", json=[body], headers=officer).json()["results"]
    assert [finding["kind"] for finding in line["findings_of_batch"]] == ["campaign"]


def test_a_batch_scanned_before_its_release_is_one_alert_that_says_why_it_is_retracted(
    client: httpx.Client, stand: Stand
) -> None:
    batch = stand.world.batch(batch_id="n7", lot="N7", released_at=None)
    stand.register(batch)
    codes = [stand.world.code(lot="N7") for _ in range(4)]
    stand.publish(*(stand.world.scan(code) for code in codes))
    own = stand.bearer(Role.RIGHTS_HOLDER, "alpine-n7", ["9521234"])

    def told(**where: str) -> list[dict[str, Any]]:
        asked = {"kind": "not-released", "lang": "de", **where}
        found: list[dict[str, Any]] = client.get("/v1/alerts", params=asked, headers=own).json()[
            "alerts"
        ]
        return found

    stand.until(lambda: bool(told()))
    [raised] = told()
    assert raised["alert"]["item"].endswith("/10/N7")
    assert "retracted_because" not in raised["alert"] | raised["words"]
    body = {"code": codes[0]}
    answer = _posted(client, "/v1/verify", body, headers=own)
    assert ("not-released", None) in [(f["kind"], f["alert_id"]) for f in answer["findings"]]
    assert answer["findings_of_batch"] == []
    anonymous = _posted(client, "/v1/verify", body)
    assert anonymous["standing"] == "seen-before"
    assert {finding["kind"] for finding in anonymous["findings"]} == {"seen-before"}
    stand.register(msgspec.structs.replace(batch, revision=2, released_at=stand.world.now))
    stand.until(lambda: bool(told(retracted="true")))
    [gone] = told()
    assert gone["alert"]["retracted_because"] == [
        {"reason": "batch-released", "facts": {"batch": "n7"}}
    ]
    assert gone["words"]["retracted_because"] == ["Der Hersteller hat Charge n7 freigegeben."]


def test_a_case_moves_and_closing_needs_a_reason(client: httpx.Client, stand: Stand) -> None:
    code = stand.world.forged_code()
    stand.publish(stand.world.officer_scan(code))
    headers = stand.bearer(Role.RIGHTS_HOLDER, "alpine-2", ["9521234"])
    where = {"kind": "forged", "case": "new", "item": item_of(code)}
    [record] = client.get("/v1/alerts", params=where, headers=headers).json()["alerts"]
    path = f"/v1/alerts/{record['alert']['id']}"
    active = client.patch(path, json={"state": "active"}, headers=headers)
    assert (active.status_code, active.json()["case"]) == (200, "active")
    assert client.patch(path, json={"state": "closed"}, headers=headers).status_code == 409
    closed = client.patch(path, json={"state": "closed", "reason": "destroyed"}, headers=headers)
    assert closed.json()["steps"][-1]["by"] == "alpine-2"
    officer = stand.bearer(Role.OFFICER, "customs-3")
    assert client.patch(path, json={"state": "active"}, headers=officer).status_code == 403


def test_one_code_answers_as_page_json_or_linkset(client: httpx.Client, stand: Stand) -> None:
    path = path_of(stand.world.code())
    kinds = {
        accept: client.get(path, headers={"Accept": accept}).headers["content-type"]
        for accept in ("*/*", "text/html", "application/json", "application/linkset+json")
    }
    assert [kind.partition(";")[0] for kind in kinds.values()] == [
        "text/html", "text/html", "application/json", "application/linkset+json",
    ]  # fmt: skip
    linkset = client.get(f"{path}&linkType=linkset").json()["linkset"]
    assert "https://ref.gs1.org/voc/pip" in linkset[0]
    assert client.get("/.well-known/gs1resolver").json()["supportedPrimaryKeys"] == ["01"]


def test_an_escaped_serial_is_read_as_it_was_printed(client: httpx.Client, stand: Stand) -> None:
    code = stand.world.code(serial="A/B+C%2")
    answer = client.get(path_of(code), headers={"Accept": "application/json"}).json()
    assert (answer["standing"], answer["doubt"]) == ("verified", None)
    raw = path_of(code).replace("%2F", "/")
    assert client.get(raw, headers={"Accept": "application/json"}).json()["doubt"] is not None


@pytest.mark.parametrize("door", ["verify", "page", "scan", "scans", "form"])
def test_an_invented_serial_costs_twenty_checks_at_every_door(tmp_path: Path, door: str) -> None:
    """A stolen key signs what it likes; asking which serials pass is dear."""
    settings = unhurried(anonymous_per_minute=0.001, anonymous_burst=30)
    with (
        in_process_service(tmp_path, settings=settings) as stand,
        stand.client() as client,
    ):
        world = stand.world
        own, invented = world.code(serial="S1"), world.code(serial="INVENTED")
        stand.register(world.batch(count=1, serials=build_filter(["S1"])))

        def ask(code: str) -> int:
            now = world.now.isoformat()
            match door:
                case "verify":
                    return client.post("/v1/verify", json={"code": code}).status_code
                case "page":
                    return client.get(path_of(code)).status_code
                case "form":
                    form = {"captured_at": now, "scan_id": code[-20:], "session": "s"}
                    return client.post(path_of(code), data=form).status_code
                case "scan":
                    body = {"code": code, "captured_at": now}
                    return client.post("/v1/scans", json=body).status_code
            bodies = [{"code": code, "captured_at": now}]
            return client.post("/v1/scans", json=bodies).status_code

        honest = [ask(own) for _ in range(8)]
        assert 429 not in honest, honest
        assert ask(invented) not in (429, 422, 400)
        assert [ask(own) for _ in range(2)] == [honest[0], honest[0]]
        assert ask(own) == 429
        officer = client.post("/v1/verify", json={"code": invented},
                              headers=stand.bearer(Role.OFFICER))  # fmt: skip
        assert officer.json()["standing"] == "suspect"


def test_anonymous_calls_are_limited_and_told_when_to_return(tmp_path: Path) -> None:
    settings = unhurried(anonymous_per_minute=1, anonymous_burst=3)
    with (
        in_process_service(tmp_path, settings=settings) as stand,
        stand.client() as client,
    ):
        body = {"code": stand.world.code()}
        statuses = [client.post("/v1/verify", json=body).status_code for _ in range(5)]
        refused = client.post("/v1/verify", json=body, headers={"X-Forwarded-For": "9.9.9.9"})
        page = client.get(path_of(body["code"]))
        officer = client.post("/v1/verify", json=body, headers=stand.bearer(Role.OFFICER))
    assert statuses == [200, 200, 200, 429, 429]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert officer.status_code == 200


def test_a_revoked_token_stops_working(stand: Stand) -> None:
    from ledger.administration import LedgerAdministration

    headers = stand.bearer(Role.ADMIN, "leaver")
    administration = LedgerAdministration(stand.folder / "ledger.sqlite")
    with stand.client() as client:
        assert client.get("/v1/batches", headers=headers).status_code == 200
        [token] = [record for record in administration.tokens() if record.name == "leaver"]
        administration.revoke_token(token.id)
        stand.until(lambda: client.get("/v1/batches", headers=headers).status_code == 401)
    administration.close()


def test_no_channel_beyond_the_role(client: httpx.Client, stand: Stand) -> None:
    body = {"code": stand.world.code(), "channel": Channel.MAKER}
    headers = stand.bearer(Role.OFFICER, "customs-4")
    assert client.post("/v1/scans", json=body, headers=headers).status_code == 403
    assert client.post("/v1/scans", json=[body], headers=headers).json()["refused"] == 1
    assert client.post("/v1/scans", json=body).status_code == 401
