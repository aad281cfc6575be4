"""What a recorded scan says about where it came from, against the app behind a trusted proxy."""

import logging
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from authenticity.records.network import NetworkClass
from authenticity.records.scan import CAPTURE_AFTER, CAPTURE_BEFORE, SCAN_FORMAT, Scan, decode_scan
from events.publisher import Publisher, Record
from events.topics import SCANS
from ledger.administration import LedgerAdministration
from ledger.records import Role
from tests.support.geo import CLASSES, SEOUL, write_database
from tests.support.patience import wait_until
from tests.support.service import SECRET, Stand, in_process_service, path_of, unhurried
from verifier_api.network.geo_watch import GeoFiles
from verifier_api.network.keyed_hashes import KeyedHashes

HASHES = KeyedHashes(SECRET)
PARIS_NET, SEOUL_NET, HOSTED = "192.0.2.7", "198.51.100.99", "192.0.2.200"
GPS_PARIS = {"lat": 48.86, "lon": 2.35, "accuracy_km": 0.02, "source": "gps"}


class Kept:
    """The log, and what was appended to it."""

    records: list[Record] = []  # noqa: RUF012 - of one test module

    def __init__(self, real: Publisher) -> None:
        self._real = real

    def publish(self, records: Sequence[Record]) -> "Future[None]":
        self.records.extend(record for record in records if record.topic is SCANS)
        return self._real.publish(records)

    def close(self) -> None:
        self._real.close()


@pytest.fixture(scope="module")
def geo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("geo")
    (folder / "geo").mkdir()
    write_database(folder / "geo" / "city.mmdb")
    write_database(folder / "geo" / "asn.mmdb", CLASSES, kind="Test-ASN")
    return folder


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory, geo: Path) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("service")
    settings = replace(
        unhurried(token_known_s=0.0, geo_files_every_s=0.0),
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        access_log=True,
    )
    files = GeoFiles.find({}, geo)
    with in_process_service(folder, settings=settings, geo=files, publisher=Kept) as running:
        yield running


@pytest.fixture
def client(stand: Stand) -> Iterator[httpx.Client]:
    Kept.records.clear()
    with stand.client() as client:
        yield client


def _scans() -> list[Scan]:
    return [decode_scan(record.value) for record in Kept.records]


def _post(client: httpx.Client, body: object, address: str = PARIS_NET, **headers: str) -> Any:
    return client.post("/v1/scans", json=body, headers={"X-Forwarded-For": address, **headers})


def _recorded(client: httpx.Client, body: object, address: str = PARIS_NET, **more: str) -> Scan:
    response = _post(client, body, address, **more)
    assert response.status_code == 202, response.text
    return _scans()[-1]


def _gateway(stand: Stand, name: str) -> tuple[dict[str, str], str]:
    administration = LedgerAdministration(stand.folder / "ledger.sqlite")
    until = datetime.now(UTC) + timedelta(days=1)
    text, record = administration.create_token(None, name, None, until)
    administration.close()
    return {"Authorization": f"Bearer {text}"}, record.id


def test_a_recorded_scan_carries_the_network_that_its_address_is_of(
    client: httpx.Client, stand: Stand
) -> None:
    scan = _recorded(client, {"code": stand.world.code()})
    assert scan.v == SCAN_FORMAT
    assert scan.network is not None
    assert scan.network.network == HASHES.network(bytes([192, 0, 2, 0]))
    assert (scan.network.kind, scan.network.country) == (NetworkClass.FIXED, "FR")
    assert (scan.network.lat, scan.network.lon, scan.network.accuracy_km) == (48.86, 2.35, 20.0)
    assert not scan.clamped


@pytest.mark.parametrize("door", ["one", "many", "page"])
def test_every_door_that_records_stamps(client: httpx.Client, stand: Stand, door: str) -> None:
    code = stand.world.code()
    forwarded = {"X-Forwarded-For": SEOUL_NET}
    form = {"scan_id": "s", "session": "mine", "captured_at": datetime.now(UTC).isoformat()}
    if door == "page":
        assert client.post(path_of(code), data=form, headers=forwarded).status_code == 200
    else:
        body = {"code": code, **form}
        assert _post(client, [body] if door == "many" else body, SEOUL_NET).status_code == 202
    [scan] = _scans()
    assert scan.network is not None
    assert (scan.network.country, scan.network.kind) == ("KR", NetworkClass.MOBILE)
    assert scan.session == HASHES.session("consumer-web", "mine")
    assert scan.selection == HASHES.selection("consumer-web", scan.scan_id)


@pytest.mark.parametrize(
    "address", ["::ffff:198.51.100.99", "64:ff9b::198.51.100.99", "64:ff9b::c633:6463"]
)
def test_an_ipv4_address_inside_ipv6_is_the_same_network(
    client: httpx.Client, stand: Stand, address: str
) -> None:
    bare, wrapped = (
        _recorded(client, {"code": stand.world.code()}, text) for text in (SEOUL_NET, address)
    )
    assert bare.network == wrapped.network


def _seen_by_an_officer(client: httpx.Client, stand: Stand, code: str) -> dict[str, Any]:
    gtin, serial = code.split("/01/")[1][:14], code.split("/21/")[1].split("?")[0]
    found: dict[str, Any] = client.get(
        f"/v1/items/{gtin}/{serial}",
        headers={**stand.bearer(Role.OFFICER, "asks"), "X-Forwarded-For": PARIS_NET},
    ).json()
    return found


@pytest.mark.parametrize("who", ["with a session", "without a session", "officer", "gateway"])
@pytest.mark.parametrize("ago", [timedelta(seconds=2), CAPTURE_BEFORE + timedelta(days=1)])
def test_a_retry_is_the_same_scan_whatever_network_it_comes_from_and_however_late(
    client: httpx.Client, stand: Stand, who: str, ago: timedelta
) -> None:
    at = (datetime.now(UTC) - ago).isoformat()
    body = {"code": stand.world.code(), "scan_id": f"{who} {ago}", "captured_at": at}
    headers: dict[str, str] = {}
    if who == "officer":
        headers = stand.bearer(Role.OFFICER, "seller")
        body |= {"act": "sell", "channel": "retail"}
    elif who == "gateway":
        headers, _ = _gateway(stand, f"app {ago.days}")
    elif who == "with a session":
        body |= {"session": "mine"}
    answers = []
    for number, address in enumerate((PARIS_NET, "192.0.2.99", SEOUL_NET)):
        passed = {"network": {**NETWORK, "network": f"n{number // 2}"}} if who == "gateway" else {}
        answers.append(_post(client, {**body, **passed}, address, **headers).json())
        stand.drain()
    scans = [scan for scan in _scans() if scan.code == body["code"]]
    assert len({scan.selection for scan in scans}) == len({scan.scan_id for scan in scans}) == 1
    assert {each["standing"] for each in answers} == {"verified"}
    assert {each["scans"] for each in answers} == {0}
    assert len({each["reference"] for each in answers}) == 1
    found = _seen_by_an_officer(client, stand, body["code"])
    assert found["scans"] == 1
    assert "scan-id-reused" not in {finding["kind"] for finding in found["findings"]}
    history = stand.history(body["code"])
    assert history is not None
    if who == "officer":
        assert len(history.observations) == 1


def test_different_scans_under_one_id_are_found_from_whatever_networks(
    client: httpx.Client, stand: Stand
) -> None:
    at = datetime.now(UTC).isoformat()
    for changed in ({"captured_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()},
                    {"place": GPS_PARIS}):  # fmt: skip
        body = {"code": stand.world.code(), "scan_id": "s", "session": "mine", "captured_at": at}
        _recorded(client, body)
        _recorded(client, {**body, **changed}, SEOUL_NET)
        stand.drain()
        found = _seen_by_an_officer(client, stand, body["code"])
        assert "scan-id-reused" in {finding["kind"] for finding in found["findings"]}


def test_the_session_of_the_page_is_still_told_from_others(
    client: httpx.Client, stand: Stand
) -> None:
    code = stand.world.code()
    _recorded(client, {"code": code, "session": "one"})
    stand.drain()
    ask = {"X-Forwarded-For": PARIS_NET}
    same = client.post("/v1/verify", json={"code": code, "session": "one"}, headers=ask).json()
    other = client.post("/v1/verify", json={"code": code, "session": "two"}, headers=ask).json()
    assert (same["standing"], other["standing"]) == ("verified", "seen-before")


@pytest.mark.parametrize("source", ["fixed-ip", "mobile-ip"])
def test_a_place_by_address_is_refused_and_nothing_is_recorded(
    client: httpx.Client, stand: Stand, source: str
) -> None:
    body = {"code": stand.world.code(), "place": {**GPS_PARIS, "source": source}}
    response = _post(client, body)
    assert response.status_code == 422
    assert source in response.json()["detail"]
    assert "gps" in response.json()["next_step"]
    assert _scans() == []


def test_of_many_scans_the_ones_with_a_place_by_address_are_refused(
    client: httpx.Client, stand: Stand
) -> None:
    bad = {"code": stand.world.code(), "place": {**GPS_PARIS, "source": "fixed-ip"}}
    good = {"code": stand.world.code(), "place": GPS_PARIS}
    response = _post(client, [bad, good])
    assert response.status_code == 207
    assert [row.get("status") for row in response.json()["results"]] == [422, None]
    assert [scan.code for scan in _scans()] == [good["code"]]


def test_a_known_scanner_names_any_source_about_items_of_its_role(
    client: httpx.Client, stand: Stand
) -> None:
    place = {**GPS_PARIS, "source": "fixed-ip"}
    own = stand.bearer(Role.RIGHTS_HOLDER, "shop", ["9521234"])
    scan = _recorded(client, {"code": stand.world.code(), "place": place}, **own)
    assert scan.authorised
    assert scan.place is not None
    other = stand.bearer(Role.RIGHTS_HOLDER, "rival", ["9526543"])
    assert _post(client, {"code": stand.world.code(), "place": place}, **other).status_code == 422


def test_a_country_that_the_place_is_not_in_is_dropped(client: httpx.Client, stand: Stand) -> None:
    true, false = (
        _recorded(client, {"code": stand.world.code(), "place": {**GPS_PARIS, "country": country}})
        for country in ("FR", "KR")
    )
    assert true.place is not None
    assert false.place is not None
    assert (true.place.country, false.place.country) == ("FR", None)


@pytest.mark.parametrize(
    ("ago", "clamped"),
    [
        (CAPTURE_BEFORE - timedelta(minutes=5), False),
        (CAPTURE_BEFORE + timedelta(minutes=5), True),
        (timedelta(days=365 * 6), True),
        (-CAPTURE_AFTER / 2, False),
        (-CAPTURE_AFTER * 2, True),
    ],
)
def test_a_capture_time_out_of_bounds_becomes_the_arrival(
    client: httpx.Client, stand: Stand, ago: timedelta, clamped: bool
) -> None:
    stated = datetime.now(UTC) - ago
    body = {"code": stand.world.code(), "captured_at": stated.isoformat()}
    scan = _recorded(client, body)
    assert scan.clamped == clamped
    assert scan.captured_at == (scan.received_at if clamped else stated)


def test_a_known_scanners_capture_time_is_its_own(client: httpx.Client, stand: Stand) -> None:
    stated = datetime.now(UTC) - timedelta(days=30)
    body = {"code": stand.world.code(), "captured_at": stated.isoformat(), "session": "port"}
    scan = _recorded(client, body, **stand.bearer(Role.OFFICER))
    assert (scan.captured_at, scan.clamped, scan.session) == (stated, False, "port")
    assert scan.network is not None


NETWORK = {"network": "subscriber-7", "kind": "mobile", "country": "KR"}


@pytest.mark.parametrize("role", [None, *Role])
def test_a_network_in_a_body_is_refused_from_whoever_is_no_gateway(
    client: httpx.Client, stand: Stand, role: Role | None
) -> None:
    bearer = stand.bearer(role, prefixes=["9521234"]) if role else {}
    body = {"code": stand.world.code(), "network": NETWORK}
    refused = _post(client, body, **bearer)
    assert refused.status_code == 403
    assert "--gateway" in refused.json()["next_step"]
    results = _post(client, [body], **bearer).json()["results"]
    assert [row["status"] for row in results] == [403]
    assert _scans() == []


def test_what_a_gateway_passes_is_a_consumers_scan_under_its_name(
    client: httpx.Client, stand: Stand
) -> None:
    bearer, _ = _gateway(stand, "app")
    body = {"code": stand.world.code(), "network": NETWORK, "session": "user"}
    scan = _recorded(client, body, **bearer)
    assert (scan.publisher, scan.authorised, scan.channel) == ("app", False, "consumer")
    assert (scan.act, scan.session) == (None, HASHES.session("app", "user"))
    assert scan.network is not None
    assert (scan.network.kind, scan.network.country) == (NetworkClass.MOBILE, "KR")
    assert scan.network.network == HASHES.passed_network("app", "subscriber-7")
    assert scan.network.accuracy_km is not None, "the country's centre stands in"


@pytest.mark.parametrize(
    "claim", [{"act": "seize"}, {"operation": "Pangea"}, {"channel": "customs"}]
)
@pytest.mark.parametrize("network", [{"network": NETWORK}, {}])
def test_a_gateways_user_has_no_act_operation_or_channel_of_its_own(
    client: httpx.Client, stand: Stand, claim: dict[str, str], network: dict[str, Any]
) -> None:
    bearer, _ = _gateway(stand, "app-3")
    refused = _post(client, {"code": stand.world.code(), **network, **claim}, **bearer)
    assert (refused.status_code, _scans()) == (403, [])
    assert "leave out" in refused.json()["next_step"]


def test_a_gateways_own_address_is_no_evidence_of_where_its_user_is(
    client: httpx.Client, stand: Stand
) -> None:
    bearer, _ = _gateway(stand, "app-4")
    scan = _recorded(client, {"code": stand.world.code(), "session": "u"}, PARIS_NET, **bearer)
    assert (scan.publisher, scan.authorised, scan.channel) == ("app-4", False, "consumer")
    assert scan.network is None
    assert scan.session == HASHES.session("app-4", "u")


@pytest.mark.parametrize("country", ["ZZ", "AA", "EU", "UK"])
@pytest.mark.parametrize("who", ["nobody", "officer", "gateway", "gateway with a place"])
def test_a_country_that_there_is_not_is_refused_whoever_sends_it(
    client: httpx.Client, stand: Stand, country: str, who: str
) -> None:
    body: dict[str, Any] = {"code": stand.world.code()}
    headers: dict[str, str] = {}
    if "gateway" in who:
        headers, _ = _gateway(stand, "app-5")
        place = {"lat": 48.86, "lon": 2.35, "accuracy_km": 5.0} if "place" in who else {}
        body["network"] = {**NETWORK, "country": country, **place}
    else:
        body["place"] = {**GPS_PARIS, "country": country}
        headers = stand.bearer(Role.OFFICER, "customs-5") if who == "officer" else {}
    refused = _post(client, body, **headers)
    assert refused.status_code == 422
    assert "is no country" in refused.json()["detail"] and refused.json()["next_step"]
    assert ("did you mean GB" in refused.json()["detail"]) == (country == "UK")
    line = client.post("/v1/scans", json=[body], headers=headers).json()["results"][0]
    assert line["detail"] == refused.json()["detail"]
    assert stand.scans_of(body["code"]) == 0


def test_gateways_cannot_speak_of_each_others_networks_and_are_refused_once_revoked(
    client: httpx.Client, stand: Stand
) -> None:
    (one, one_id), (two, _) = _gateway(stand, "one"), _gateway(stand, "two")
    body = {"code": stand.world.code(), "network": NETWORK}
    first, second = _recorded(client, body, **one), _recorded(client, body, **two)
    assert first.network is not None
    assert second.network is not None
    assert first.network.network != second.network.network
    own = _recorded(client, {"code": stand.world.code()}, HOSTED)
    assert own.network is not None
    assert own.network.network not in (first.network.network, second.network.network)
    administration = LedgerAdministration(stand.folder / "ledger.sqlite")
    administration.revoke_token(one_id)
    administration.close()
    wait_until(lambda: _post(client, body, **one).status_code == 401)
    assert _recorded(client, body, **two).network == second.network


def test_a_gateway_states_no_place_by_address_of_its_users_and_no_impossible_country(
    client: httpx.Client, stand: Stand
) -> None:
    bearer, _ = _gateway(stand, "app-2")
    code = stand.world.code()
    place = {**GPS_PARIS, "source": "fixed-ip"}
    assert (
        _post(client, {"code": code, "network": NETWORK, "place": place}, **bearer).status_code
        == 422
    )
    lying = {**NETWORK, "lat": 48.86, "lon": 2.35, "accuracy_km": 5.0}
    scan = _recorded(client, {"code": code, "network": lying}, **bearer)
    assert scan.network is not None
    assert (scan.network.country, scan.network.lat) == (None, 48.86)
    partly = {**NETWORK, "lat": 48.86}
    assert _post(client, {"code": code, "network": partly}, **bearer).status_code == 422


def test_no_address_is_kept_in_record_ledger_log_line_or_metric(
    client: httpx.Client, stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = ("203.0.113.77", "2001:db8:1234:5678::9")
    with caplog.at_level(logging.DEBUG):
        for address in addresses:
            code = stand.world.code()
            _recorded(client, {"code": code}, address)
            _post(client, {"code": code, "place": {**GPS_PARIS, "source": "fixed-ip"}}, address)
            client.post("/v1/verify", json={"code": code}, headers={"X-Forwarded-For": address})
        stand.drain()
    files = b"".join(path.read_bytes() for path in stand.folder.rglob("*") if path.is_file())
    shown = client.get("/metrics").content
    records = b"".join(record.value for record in Kept.records)
    said = "\n".join(f"{line.getMessage()} {line.__dict__}" for line in caplog.records).encode()
    assert b"POST" in said
    for text in (b"203.0.113", b"2001:db8:1234", SECRET, SECRET.hex().encode()):
        for where in (files, shown, records, said):
            assert text not in where


def test_a_new_file_is_in_force_without_a_restart_and_a_broken_one_is_shown(
    client: httpx.Client, stand: Stand, geo: Path
) -> None:
    def country() -> str | None:
        network = _recorded(client, {"code": stand.world.code()}, "203.0.113.5").network
        return None if network is None else network.country

    def has_problem() -> bool:
        found = re.search(
            r'touchstone_geo_file_problem{file="city"} (.+)', client.get("/metrics").text
        )
        assert found is not None
        return float(found[1]) > 0

    path = geo / "geo" / "city.mmdb"
    before = path.read_bytes()
    assert (country(), has_problem()) == ("DE", False)
    write_database(path, {"203.0.113.0/24": SEOUL})
    wait_until(lambda: country() == "KR")
    path.write_bytes(b"broken")
    wait_until(has_problem)
    assert country() == "KR"
    path.write_bytes(before)
    wait_until(lambda: not has_problem())
    assert country() == "DE"


def test_text_that_is_no_address_gives_no_network(client: httpx.Client, stand: Stand) -> None:
    response = _post(client, {"code": stand.world.code()}, "unknown")
    if response.status_code == 202:
        [scan] = _scans()
        assert scan.network is None
        assert scan.selection == HASHES.selection("consumer-web", scan.scan_id)
    else:
        assert response.status_code == 400
        assert _scans() == []
