"""A running service as those who attack it see it: over a socket, through a trusted proxy.

What is real: server, app, log, engine and ledger. What a test decides: the address that the
proxy writes, the time, and what the files of addresses say (`tests.support.geo.WORLD`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec

from authenticity.detection.findings import PER_BATCH
from authenticity.gs1.item import batch_entity
from events.embedded.log import EmbeddedLog
from events.topics import SCANS
from ledger.administration import LedgerAdministration
from ledger.opening import open_store
from ledger.protocols import LedgerStore
from ledger.records import Role
from simulation.two_makers import GTINS
from tests.integration.api.stand import standing_service
from tests.support.geo import CLASSES_OF_WORLD, WORLD, write_database
from tests.support.patience import PATIENCE_S
from tests.support.service import Stand, path_of, unhurried
from verifier_api.network.geo_watch import GeoFiles

PARIS, TOKYO, NEW_YORK, SYDNEY, SEOUL = ("3fff:1", "3fff:2", "3fff:3", "3fff:4", "3fff:5")
"""Beginnings of addresses there. A third group makes a network: 3fff:1:7::1 is in Paris."""
HOSTED, TUNNELLED, NOWHERE = ("3fff:a", "3fff:b", "3fff:f")
ABROAD: Final = (TOKYO, NEW_YORK, SYDNEY, SEOUL)
DOORS: Final = ("one", "array", "lines", "page")
PLACES: Final = {
    "Paris": (48.86, 2.35), "Seoul": (37.57, 126.98), "Sydney": (-33.87, 151.21),
    "New York": (40.71, -74.0), "Tokyo": (35.68, 139.65), "Cape Town": (-33.92, 18.42),
}  # fmt: skip
HARMLESS: Final = ("verified", "seen-before")
Body = dict[str, Any]


@dataclass
class Clock:
    """The time of service and engine; tests move it forward."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        """Aware, UTC."""
        return self.now

    def pass_(self, **much: float) -> None:
        """Let so much time pass."""
        self.now += timedelta(**much)


@dataclass(frozen=True)
class Seen:
    """What is said of one item: to a stranger with the code in hand, to an officer, in the
    officer's view of the item, and the alerts that stand about it, by kind."""

    consumer: Body
    officer: Body
    item: Body
    alerts: frozenset[str]

    @property
    def standings(self) -> set[str]:
        """All that is said."""
        return {each["standing"] for each in (self.consumer, self.officer, self.item)}

    @property
    def raised(self) -> frozenset[str]:
        """The kinds of these alerts, and of those about its batch that it gives reason for."""
        return self.alerts | {each["kind"] for each in self.item["findings"]} & PER_BATCH

    @property
    def counts(self) -> list[int]:
        """Every number of scans that somebody is shown."""
        stated = [
            reason["facts"][name]
            for view in (self.officer, self.item)
            for finding in (*view["findings"], *view["findings_of_batch"])
            for reason in finding["reasons"]
            for name in ("at_least", "items_at_least")
            if name in reason["facts"] and reason["reason"].startswith("scanned-in")
        ]
        return [*(view["scans"] for view in (self.consumer, self.officer, self.item)), *stated]


@dataclass
class Site:
    """The service under attack. `received`: how many scans it has acknowledged."""

    stand: Stand
    clock: Clock
    client: httpx.Client
    store: LedgerStore
    received: int = 0
    officer: dict[str, str] = field(default_factory=dict)
    _networks: int = 0

    def bearer(
        self, role: Role, name: str, prefixes: Sequence[str] | None = None
    ) -> dict[str, str]:
        """Headers with a new token, for longer than any test's clock runs."""
        return self.token(role, name, prefixes)[0]

    def token(
        self, role: Role | None, name: str, prefixes: Sequence[str] | None = None
    ) -> tuple[dict[str, str], str]:
        """The same, and the id of the token. `role`: None for a gateway."""
        administration = LedgerAdministration(self.stand.folder / "ledger.sqlite")
        try:
            until = self.clock.now + timedelta(days=2_000)
            held = None if prefixes is None else tuple(prefixes)
            text, record = administration.create_token(role, name, held, until)
        finally:
            administration.close()
        return {"Authorization": f"Bearer {text}"}, record.id

    def revoke(self, token_id: str) -> None:
        """End this token."""
        administration = LedgerAdministration(self.stand.folder / "ledger.sqlite")
        administration.revoke_token(token_id)
        administration.close()

    def address(self, city: str) -> str:
        """In a network there that no other call gives."""
        self._networks += 1
        return f"{city}:{self._networks:x}::1"

    def send(self, door: str, address: str, bodies: Sequence[Body], **headers: str) -> int:
        """Through this door, as if the proxy had it from this address. How many were recorded."""
        recorded = sum(_RECORDED[door](self, {"X-Forwarded-For": address, **headers}, bodies))
        self.received += recorded
        return recorded

    def scan(self, code: str, address: str, **body: Any) -> Body:
        """One scan, which is recorded, and its answer."""
        response = self.client.post(
            "/v1/scans", json={"code": code, **body}, headers={"X-Forwarded-For": address}
        )
        assert response.status_code == 202, response.text
        self.received += 1
        answer: Body = response.json()
        return answer

    def known_scan(self, code: str, bearer: Mapping[str, str], place: str, **body: Any) -> Body:
        """The same by a known scanner at this place."""
        lat, lon = PLACES[place]
        at = {"lat": lat, "lon": lon, "accuracy_km": 0.02, "source": "gps"}
        response = self.client.post(
            "/v1/scans", json={"code": code, "place": at, **body}, headers=dict(bearer)
        )
        assert response.status_code == 202, response.text
        self.received += 1
        answer: Body = response.json()
        return answer

    def settle(self) -> None:
        """Wait until everything sent is folded, and every batch and network is assessed."""
        self.stand.drain()
        self.stand.until(lambda: self.stand.read(self.store.next_pending(1)) is None)

    def verify(self, code: str, address: str, **headers: str) -> Body:
        """What `POST /v1/verify` answers."""
        sent = {"X-Forwarded-For": address, **headers}
        response = self.client.post("/v1/verify", json={"code": code}, headers=sent)
        assert response.status_code == 200, response.text
        answer: Body = response.json()
        return answer

    def seen(self, code: str) -> Seen:
        """What is said of this pack, once everything is folded."""
        self.settle()
        consumer = self.verify(code, f"{PARIS}:ffff::1")
        officer = self.verify(code, f"{PARIS}:ffff::1", **self.officer)
        path = "/v1/items/" + consumer["item"].split("/01/")[1].replace("/21/", "/")
        response = self.client.get(path, headers=self.officer)
        assert response.status_code == 200, response.text
        return Seen(consumer, officer, response.json(), self.alerts(consumer["item"]))

    def alerts(self, about: str) -> frozenset[str]:
        """The kinds of the alerts that stand about this item or entity."""
        response = self.client.get(
            "/v1/alerts", params={"item": about, "retracted": "false"}, headers=self.officer
        )
        assert response.status_code == 200, response.text
        return frozenset(each["alert"]["kind"] for each in response.json()["alerts"])

    def alerts_of_lot(self, lot: str) -> frozenset[str]:
        """Likewise about a batch of the first maker."""
        return self.alerts(batch_entity(GTINS[0], lot))

    def recorded_lines(self) -> list[bytes]:
        """Every scan on the log, as it travels."""
        log = EmbeddedLog(self.stand.folder / "log.sqlite")
        lines: list[bytes] = []
        after = 0
        while entries := log.read(SCANS, after, 10_000):
            lines += [entry.value for entry in entries]
            after = entries[-1].offset
        log.close()
        return lines


def _one(site: Site, headers: dict[str, str], bodies: Sequence[Body]) -> Iterator[int]:
    for body in bodies:
        response = site.client.post("/v1/scans", json=body, headers=headers)
        assert response.status_code in (202, 401, 403, 422), response.text
        yield response.status_code == 202


def _many(content: bytes, kind: str) -> Callable[[Site, dict[str, str]], int]:
    def sent(site: Site, headers: dict[str, str]) -> int:
        response = site.client.post(
            "/v1/scans", content=content, headers={**headers, "Content-Type": kind}
        )
        assert response.status_code in (202, 207), response.text
        return int(response.json()["recorded"])

    return sent


def _array(site: Site, headers: dict[str, str], bodies: Sequence[Body]) -> Iterator[int]:
    yield _many(msgspec.json.encode(bodies), "application/json")(site, headers)


def _lines(site: Site, headers: dict[str, str], bodies: Sequence[Body]) -> Iterator[int]:
    content = b"\n".join(msgspec.json.encode(body) for body in bodies)
    yield _many(content, "application/x-ndjson")(site, headers)


def _page(site: Site, headers: dict[str, str], bodies: Sequence[Body]) -> Iterator[int]:
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in bodies:
        if not str(body["code"]).startswith("https://") or "/01/" not in body["code"]:
            continue
        fields = {"scan_id": "s", "session": "p", "captured_at": site.clock.now.isoformat()}
        form = fields | {name: value for name, value in body.items() if isinstance(value, str)}
        del form["code"]
        response = site.client.post(
            path_of(body["code"]), content=urlencode(form), headers={**headers, **form_type}
        )
        assert response.status_code in (200, 400, 422), response.text
        yield response.status_code == 200


_RECORDED: Final = {"one": _one, "array": _array, "lines": _lines, "page": _page}


@contextmanager
def attacked_service(folder: Path, limits: Mapping[str, Any] | None = None) -> Iterator[Site]:
    """A service with the lot L1 of the first maker registered, for sale in France. `limits`:
    those that differ from a service that refuses nobody."""
    (folder / "geo").mkdir()
    write_database(folder / "geo" / "city.mmdb", WORLD)
    write_database(folder / "geo" / "asn.mmdb", CLASSES_OF_WORLD, kind="Test-ASN")
    settings = replace(unhurried(**(limits or {})), trusted_proxies=(ip_network("127.0.0.0/8"),))
    clock = Clock()
    with (
        standing_service(
            folder, settings=settings, geo=GeoFiles.find({}, folder), clock=clock
        ) as stand,
        httpx.Client(base_url=stand.url, timeout=PATIENCE_S) as client,
    ):
        stand.register(stand.world.batch(markets=("FR",)))
        site = Site(stand, clock, client, open_store(folder / "ledger.sqlite"))
        site.officer = site.bearer(Role.OFFICER, "customs-1")
        yield site
