"""What the demonstration sends is what a service takes, from whom it takes it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest

from authenticity.records.place import PlaceSource
from authenticity.records.scan import Channel, Scan, decode_scan, encode_scan
from demo import scanners as module
from demo.scanners import Scanners
from events.publisher import Record
from ledger.administration import LedgerAdministration
from ledger.records import Role
from simulation.traffic import Line, Scenario, Traffic
from tests.support.service import Stand, in_process_service, unhurried

ITEMS = 1_500


@cache
def lines() -> list[Line]:
    """Of a small world, by item."""
    traffic = Traffic(Scenario(7, ITEMS))
    return [line for index in range(ITEMS) for line in traffic.of_pack(index)]


def consumers() -> list[Scan]:
    return [line.scan for line in lines() if line.scan.channel is Channel.CONSUMER]


class KeptScans:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def publish(self, records: Sequence[Record]) -> "Future[None]":
        self.records += records
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def close(self) -> None: ...


def sent(
    monkeypatch: pytest.MonkeyPatch, *, recorded: bool
) -> tuple[KeptScans, list[Line], dict[str, list[Scan]]]:
    """The log, the lines acknowledged, and what went to the service under each token."""
    by_token: dict[str, list[Scan]] = {"the officer's": [], "the gateway's": []}

    class Service:
        def __init__(self, url: str, token: str) -> None:
            self._token = token

        def publish(self, lines: Sequence[bytes]) -> list[dict[str, bool]]:
            by_token[self._token] += [decode_scan(line) for line in lines]
            return [{"recorded": recorded} for _ in lines]

    monkeypatch.setattr(module, "ScanService", Service)
    log = KeptScans()
    tokens = {"officer_token": "the officer's", "gateway_token": "the gateway's"}
    scanners = Scanners(log, "http://here", **tokens)
    acknowledged: list[Line] = []
    for line in lines():
        scanners.publish([line])
        scanners.acknowledged(acknowledged.append, wait=True)
    scanners.close()
    return log, acknowledged, by_token


@pytest.mark.parametrize("recorded", [True, False])
def test_everything_is_published_once_officers_and_consumers_under_their_tokens(
    monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    log, acknowledged, by_token = sent(monkeypatch, recorded=recorded)
    assert acknowledged == lines()
    assert by_token["the officer's"] and by_token["the gateway's"]
    assert all(scan.authorised for scan in by_token["the officer's"])
    assert all(scan.network and not scan.authorised for scan in by_token["the gateway's"])
    logged = [decode_scan(record.value) for record in log.records]
    by_service = [scan for scans in by_token.values() for scan in scans]
    published = logged + by_service if recorded else logged
    assert sorted(map(encode_scan, published)) == sorted(encode_scan(e.scan) for e in lines())


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    with in_process_service(folder, settings=unhurried()) as running:
        yield running


def gateway_token(stand: Stand) -> str:
    administration = LedgerAdministration(stand.folder / "ledger.sqlite")
    try:
        ends_at = datetime.now(UTC) + timedelta(days=1)
        token, _ = administration.create_token(None, "demo-app", None, ends_at)
        return token
    finally:
        administration.close()


def post(stand: Stand, scans: Sequence[Scan], token: str | None = None) -> list[int]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with stand.client() as client:
        answers = [
            client.post(
                "/v1/scans",
                content=encode_scan(scan),
                headers={"Content-Type": "application/json", **headers},
            )
            for scan in scans
        ]
    return [answer.status_code for answer in answers]


def test_a_service_takes_consumers_scans_from_a_gateway(stand: Stand) -> None:
    assert set(post(stand, consumers()[:40], gateway_token(stand))) == {202}


def test_a_service_takes_no_networks_from_anybody_else(stand: Stand) -> None:
    assert set(post(stand, consumers()[:10])) <= {401, 403}
    assert set(post(stand, consumers()[:10], stand.token(Role.OFFICER))) == {403}


def test_what_phones_say_of_themselves_a_service_takes_from_anybody(stand: Stand) -> None:
    """So that no place in the simulated world is one that a service would refuse."""
    placed = [scan for scan in consumers() if scan.place is not None][:20]
    assert {scan.place.source for scan in placed if scan.place} == {PlaceSource.GPS}
    bare = [msgspec.structs.replace(scan, network=None) for scan in placed]
    assert set(post(stand, bare)) == {202}
