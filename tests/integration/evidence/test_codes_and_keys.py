"""Codes that nobody issued, keys that were lost, and capture times of somebody's choice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from authenticity.gs1.item import item_id
from authenticity.records.serial_filter import build_filter
from authenticity.trust.issuers import Issuer
from authenticity.trust.verdict import IssuerId
from events.publisher import Record
from events.topics import BATCHES
from ledger.records import Role
from simulation.seeded_signer import SeededSigner
from verifier_api.services.probing import INVENTED_COSTS

from .attacks import BEFORE
from .site import ABROAD, DOORS, HARMLESS, PARIS, TOKYO, Body, Site, attacked_service

Sending = Callable[[str, str], Body]


def _registered_lot(site: Site, lot: str, **changes: Any) -> list[str]:
    """The codes of a lot whose batch names its serials."""
    serials = [site.stand.world.serial() for _ in range(50)]
    batch = site.stand.world.batch(
        batch_id=lot, lot=lot, serials=build_filter(serials), count=50, **changes
    )
    site.stand.register(batch)
    return [site.stand.world.code(serial, lot=lot) for serial in serials]


@pytest.mark.parametrize("asked", ["verify", "view", *DOORS])
def test_no_invented_serial_reads_genuine_whoever_holds_the_key(site: Site, asked: str) -> None:
    """Signed with the maker's own key, which was stolen."""
    issued = _registered_lot(site, f"F-{asked}")
    invented = [site.stand.world.code(lot=f"F-{asked}") for _ in range(300)]
    address = site.address(PARIS)
    for code in invented if asked in ("verify", "view") else invented[:40]:
        if asked == "view":
            url = "/" + code.split("/", 3)[3]
            answer = site.client.get(
                url, headers={"X-Forwarded-For": address, "Accept": "application/json"}
            ).json()
        elif asked == "verify":
            answer = site.verify(code, address)
        else:
            site.send(asked, address, [{"code": code}])
            answer = site.verify(code, address)
        assert answer["standing"] == "suspect"
        assert answer["findings"][0]["kind"] == "never-issued"
        assert "Genuine code" not in answer["advice"]["title"]
    assert {site.verify(code, address)["standing"] for code in issued} <= set(HARMLESS)


def test_asking_for_invented_serials_is_charged_like_probing(tmp_path: Path) -> None:
    """Whoever asks pays twenty checks for each, from however many addresses of one network."""
    with attacked_service(
        tmp_path, limits={"anonymous_per_minute": 1.0, "anonymous_burst": 200}
    ) as site:
        issued = _registered_lot(site, "F")
        honest, thief = f"{PARIS}:1::1", f"{TOKYO}:1::1"
        answered = _answered(site, thief, [site.stand.world.code(lot="F") for _ in range(100)])
        assert answered <= 200 // (INVENTED_COSTS + 1) + 1
        assert _answered(site, honest, issued) == len(issued)


def _answered(site: Site, address: str, codes: list[str]) -> int:
    headers = {"X-Forwarded-For": address}
    answers = [
        site.client.post("/v1/verify", json={"code": code}, headers=headers) for code in codes
    ]
    assert {answer.status_code for answer in answers} <= {200, 429}
    return sum(answer.status_code == 200 for answer in answers)


@pytest.fixture(params=["verify", *DOORS])
def told(request: pytest.FixtureRequest, site: Site) -> Sending:
    """Asks about a code as captured at a time, at each door, and gives the answer of it."""

    def ask(code: str, captured_at: str) -> Body:
        address = site.address(TOKYO)
        if request.param != "verify":
            body = {
                "code": code, "scan_id": "s", "session": "s", "captured_at": captured_at,
            }  # fmt: skip
            site.send(request.param, address, [body])
        headers = {"X-Forwarded-For": address}
        sent = {"code": code, "captured_at": captured_at}
        response = site.client.post("/v1/verify", json=sent, headers=headers)
        assert response.status_code == 200
        answer: Body = response.json()
        return answer

    return ask


@pytest.mark.parametrize("days_ago", [3, 400, 2_500])
def test_a_capture_time_of_somebodys_choice_stains_no_genuine_pack(
    site: Site, told: Sending, days_ago: int
) -> None:
    """Before the key was made, at the bound of what is believed, and years ago."""
    code = site.stand.world.code()
    answer = told(code, (site.clock.now - timedelta(days=days_ago)).isoformat())
    assert answer["standing"] in HARMLESS
    site.scan(code, site.address(PARIS))
    seen = site.seen(code)
    assert seen.standings <= set(HARMLESS)
    assert not seen.alerts
    earliest = site.clock.now - BEFORE
    assert all(
        datetime.fromisoformat(view["first"]) >= earliest
        for view in (seen.consumer, seen.officer, seen.item)
    )


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service whose first maker lost the key in slot 0 a day ago: L1 was
    registered with it before, and the lot K1 with the next one; neither has a filter."""
    folder: Path = tmp_path_factory.mktemp("fallen")
    with attacked_service(folder) as site:
        world = site.stand.world
        now = site.clock.now
        site.stand.trust(world.next_trust_document(revoked={0: now - timedelta(days=1)}))
        site.stand.until(lambda: site.stand.engine.stats.trust_version == 2)
        site.stand.until(lambda: site.verify(world.code(), "8.8.8.8")["trust_list_version"] == 2)
        before = now - timedelta(days=10)
        batch = world.batch(batch_id="K1", lot="K1", key_slot=1, registered_at=before)
        statement = world.statement(batch, signer=world.successors[0])
        _register(site, statement)
        yield site


def _register(site: Site, statement: bytes) -> None:
    site.stand.publisher.publish([Record(BATCHES, b"K1", statement)]).result(60)
    site.settle()


@pytest.mark.parametrize("lot", ["K1", "nobody's"])
@pytest.mark.parametrize("door", ["verify", *DOORS])
@pytest.mark.parametrize("hours_ago", [0, 30, 71, 24 * 60])
def test_a_revoked_key_makes_no_genuine_code_however_early_it_is_said_to_be_read(
    fallen: Site, lot: str, door: str, hours_ago: int
) -> None:
    site, code = fallen, fallen.stand.world.code(lot=lot)
    captured_at = (site.clock.now - timedelta(hours=hours_ago)).isoformat()
    body = {"code": code, "scan_id": "s", "session": "s", "captured_at": captured_at}
    if door != "verify":
        assert site.send(door, site.address(PARIS), [body]) == 1
    answer = site.client.post("/v1/verify", json=body).json()
    assert (answer["standing"], answer["verdict"]) == ("suspect", "Doubtful")
    assert answer["doubt"] == "key-revoked"
    if door != "verify":
        site.settle()
        path = "/v1/items/" + answer["item"].split("/01/")[1].replace("/21/", "/")
        item = site.client.get(path, headers=site.officer).json()
        assert item["standing"] not in HARMLESS


def test_a_pack_that_was_registered_with_the_key_before_it_fell_stays_genuine(
    fallen: Site,
) -> None:
    code = fallen.stand.world.code()
    assert fallen.verify(code, "8.8.8.8")["standing"] in HARMLESS
    for city in ABROAD[:1]:
        fallen.scan(code, fallen.address(city))
    assert fallen.seen(code).standings <= set(HARMLESS)


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The range 95212349 of the first maker's prefix 9521234 was sold to a third company."""
    folder: Path = tmp_path_factory.mktemp("divided")
    with attacked_service(folder) as site:
        world = site.stand.world
        known = world.trust_list.issuers[0].keys[0]
        key = replace(known, public_key=SeededSigner(1, "buyer").public_key)
        buyer = Issuer(IssuerId("buyer"), "Buyer", ("95212349",), ("id.buyer.example",), (key,))
        issuers = (*world.trust_list.issuers, buyer)
        site.stand.trust(world.next_trust_document(issuers=issuers))
        site.stand.until(lambda: site.verify("x", "8.8.8.8")["trust_list_version"] == 2)
        yield site


def test_the_holder_of_a_prefix_sells_nothing_of_a_range_that_was_sold(divided: Site) -> None:
    site, world = divided, divided.stand.world
    gtin = with_check_digit("0952123490000")
    serial = world.serial()
    signer = SeededSigner(1, "buyer")
    code = world.code(serial, gtin=gtin, lot="B", signer=signer)
    buyer, seller, stranger = (
        site.bearer(Role.RIGHTS_HOLDER, f"{name}-shop", [prefix])
        for name, prefix in (("b", "95212349"), ("s", "9521234"), ("x", "9526543"))
    )
    for rival in (seller, stranger):
        for _ in range(2):
            body = {"code": code, "act": "sell", "channel": "retail"}
            assert _status(site.client.post("/v1/scans", json=body, headers=rival)) == 403
        lines = site.client.post("/v1/scans", json=[body], headers=rival).json()["results"]
        assert [line["status"] for line in lines] == [403]
    site.known_scan(code, buyer, "Paris", act="sell", channel="retail")
    seen = site.seen(code)
    assert seen.standings <= set(HARMLESS)
    assert not seen.alerts
    for rival in (seller, stranger):
        item = item_id(gtin, serial)
        path = f"/v1/items/{gtin}/{serial}"
        assert _status(site.client.get(path, headers=rival)) == 404
        listed = site.client.get("/v1/alerts", params={"item": item}, headers=rival).json()
        assert listed["alerts"] == []


def with_check_digit(digits: str) -> str:
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def _status(response: httpx.Response) -> int:
    return response.status_code


def test_an_officer_s_six_scans_in_six_cities_in_six_minutes_are_an_alert(site: Site) -> None:
    code = site.stand.world.code()
    for city in ("Seoul", "Paris", "Sydney", "New York", "Tokyo", "Cape Town"):
        captured_at = site.clock.now.isoformat()
        site.known_scan(code, site.officer, city, captured_at=captured_at, channel="customs")
        site.clock.pass_(minutes=1)
    seen = site.seen(code)
    assert "clone-suspected" in seen.alerts
    assert seen.standings == {"caution"}


def test_officers_of_several_countries_prove_it(site: Site) -> None:
    code = site.stand.world.code()
    for city in ("Seoul", "Paris", "Sydney", "New York", "Seoul", "Paris"):
        bearer = site.bearer(Role.OFFICER, f"customs {city}")
        site.known_scan(code, bearer, city, channel="customs")
        site.clock.pass_(minutes=1)
    seen = site.seen(code)
    assert {"clone-suspected", "clone-confirmed"} <= seen.alerts
    assert seen.standings == {"suspect"}


@pytest.mark.parametrize("claim", ["channel", "act", "operation", "place", "authorised"])
def test_six_such_scans_by_a_stranger_are_refused_or_mean_nothing(site: Site, claim: str) -> None:
    code = site.stand.world.code()
    by_address = {"lat": 37.57, "lon": 126.98, "accuracy_km": 1.0, "source": "fixed-ip"}
    values = {
        "channel": "customs", "act": "sell", "operation": "o", "authorised": True,
        "place": by_address,
    }  # fmt: skip
    body: Body = {"code": code, claim: values[claim]}
    address = site.address(TOKYO)
    for door in DOORS[:3]:
        recorded = site.send(door, address, [body] * 2)
        assert recorded == (2 if claim == "authorised" else 0)
    site.scan(code, site.address(PARIS))
    seen = site.seen(code)
    assert seen.standings <= set(HARMLESS)
    assert not seen.alerts
