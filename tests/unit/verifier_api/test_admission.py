"""The limiter comes first: on every route, and for every body and token that is refused."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

import verifier_api.http.bodies as bodies
from ledger.protocols import LedgerReader
from ledger.records import Role
from tests.support.service import Stand, in_process_service, path_of, unhurried
from verifier_api.http.middleware import FREE_PATHS
from verifier_api.settings import Settings

SCARCE: dict[str, Any] = {"anonymous_per_minute": 1, "anonymous_burst": 10}
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


class CountingReader:
    """The real ledger; counts the tokens it is asked for."""

    def __init__(self, real: LedgerReader) -> None:
        self._real = real
        self.tokens_asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def token(self, digest: bytes) -> Any:
        self.tokens_asked += 1
        return await self._real.token(digest)


@pytest.fixture
def scarce(tmp_path: Path) -> Iterator[Stand]:
    with in_process_service(tmp_path, settings=unhurried(**SCARCE)) as stand:
        yield stand


def _left(stand: Stand) -> float:
    [bucket] = stand.state.admission.anonymous._buckets.values()
    return bucket.tokens


def _spend(stand: Stand, client: httpx.Client) -> None:
    while client.get("/nowhere").status_code != 429:
        pass


class Inner:
    """Stands in the place of the framework, or of the bare app, and counts."""

    def __init__(self, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = 0
        outermost = stand.app.outermost  # type: ignore[attr-defined]
        monkeypatch.setattr(outermost, "_app", self)
        monkeypatch.setattr(outermost, "_bare", dict.fromkeys(outermost._bare, self))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def _requests(stand: Stand) -> list[tuple[str, str]]:
    """Every method of every route, and what is no route."""
    filled = {"{code:path}": "x", "{gtin}": "1", "{serial:path}": "1", "{id}": "1", "{name}": "x"}
    asked = [
        ("GET", "/nowhere"),
        ("BREW", "/nowhere"),
        ("PUT", "/v1/scans"),
        ("HEAD", "/v1/alerts"),
    ]
    for route in iter_route_contexts(stand.app.routes):
        path = str(route.path)
        for name, value in filled.items():
            path = path.replace(name, value)
        asked += [(method, path) for method in sorted(route.methods or ())]
    return [(method, path) for method, path in asked if path not in FREE_PATHS]


def test_every_route_costs_and_none_is_reached_by_whoever_has_nothing_left(
    scarce: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Inner(scarce, monkeypatch)
    requests = _requests(scarce)
    assert len(requests) > 15
    with scarce.client() as client:
        for method, path in requests:
            scarce.state.admission.anonymous._buckets.clear()
            client.request(method, path)
            assert _left(scarce) < 10, (method, path)
        _spend(scarce, client)
        reached = inner.reached
        refused = {(client.request(method, path).status_code) for method, path in requests}
    assert refused == {429}
    assert inner.reached == reached


def test_nothing_but_health_is_free() -> None:
    assert {"/healthz", "/readyz"} == FREE_PATHS


def test_health_is_free_and_cheap(tmp_path: Path) -> None:
    settings = unhurried(**SCARCE, readiness_known_s=1e9)
    with in_process_service(tmp_path, settings=settings) as stand, stand.client() as client:
        pings = 0
        real = stand.state.reader.ping

        async def counted() -> None:
            nonlocal pings
            pings += 1
            await real()

        stand.state.reader.ping = counted  # type: ignore[method-assign]
        _spend(stand, client)
        statuses = {client.get(path).status_code for path in sorted(FREE_PATHS) * 20}
    assert statuses == {200}
    assert pings == 1


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/v1/scans", {"content": b"\n" * 1_900_000, "headers": NDJSON}),
        ("/v1/scans", {"content": b"[" + b"1," * 900_000 + b"1]", "headers": JSON}),
        ("/v1/scans", {"content": b"[" * 1_900_000, "headers": JSON}),
        ("/v1/scans", {"content": b"{" * 16_000, "headers": JSON}),
        ("/v1/scans", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
        ("/v1/verify", {"content": b"[" * 16_000, "headers": JSON}),
        ("/v1/verify", {"content": b"\xff", "headers": JSON}),
        ("/v1/verify", {"content": b"x" * 20_000, "headers": JSON}),
        ("/v1/verify", {"content": b"{}", "headers": {"Authorization": "Basic x"}}),
        ("/v1/verify", {"content": b"{}", "headers": {"Authorization": "Bearer guess"}}),
    ],
)
def test_a_refused_body_or_token_pays_until_nothing_is_left(
    scarce: Stand, path: str, request_: dict[str, Any]
) -> None:
    with scarce.client() as client:
        statuses = [client.post(path, **request_).status_code for _ in range(11)]
    assert statuses[-1] == 429
    assert set(statuses) <= {400, 401, 413, 415, 422, 429}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\n" * 150_000, NDJSON),
        (b"\n" * 500, NDJSON),
        (b"{}\n" * 500, NDJSON),
        (b"[" + b"1," * 500 + b"1]", JSON),
        (b"{}\n" * 50_000, NDJSON),
        (b"[" + b"1," * 75_000 + b"1]", JSON),
        (b"[" + b"{}," * 49_000 + b"{}]", JSON),
    ],
)
def test_what_cannot_be_paid_is_not_taken_apart(
    scarce: Stand, monkeypatch: pytest.MonkeyPatch, body: bytes, kind: dict[str, str]
) -> None:
    made: list[bytes] = []
    decoder = bodies._lines_decoder

    class Counting:
        def decode(self, raw: bytes) -> Any:
            made.append(raw)
            return decoder.decode(raw)

    monkeypatch.setattr(bodies, "_lines_decoder", Counting())
    monkeypatch.setattr(bodies, "decode", lambda *_: pytest.fail("a line was decoded"))
    with scarce.client() as client:
        response = client.post("/v1/scans", content=body, headers=kind)
    assert response.status_code in (413, 429)
    assert not made


def test_more_lines_than_the_bound_are_refused_before_they_are_paid(scarce: Stand) -> None:
    with scarce.client() as client:
        headers = NDJSON | scarce.bearer(Role.OFFICER)
        many = client.post("/v1/scans", content=b"\n" * 10_001, headers=headers)
        array = client.post(
            "/v1/scans", content=b"[" + b"1," * 320_000 + b"1]", headers=JSON | headers | JSON
        )
    assert (many.status_code, array.status_code) == (413, 413)


async def _endless(sent: list[int]) -> AsyncIterator[bytes]:
    while True:
        sent.append(1)
        yield b"\n" * 16_384


def test_a_body_is_read_only_as_far_as_it_is_paid(scarce: Stand) -> None:
    sent: list[int] = []
    with scarce.client() as client:
        for _ in range(5):
            client.get("/nowhere")
    [response] = _answers(scarce, [(_endless(sent), {})])
    assert response.status_code == 429
    assert len(sent) == 6


def _answers(
    stand: Stand, requests: list[tuple[AsyncIterator[bytes], dict[str, str]]]
) -> list[httpx.Response]:
    """Streamed bodies; the sync client has none."""
    transport: Any = stand.transport
    found: list[httpx.Response] = []
    for content, headers in requests:
        request = httpx.Request(
            "POST", "http://127.0.0.1/v1/scans", content=content, headers=NDJSON | headers
        )
        found.append(transport.handle_request(request))
    return found


def test_a_bogus_token_is_looked_up_and_listened_to_only_while_its_address_may_try(
    tmp_path: Path,
) -> None:
    readers: list[CountingReader] = []

    def counting(real: LedgerReader) -> Any:
        readers.append(CountingReader(real))
        return readers[0]

    with in_process_service(tmp_path, reader=counting, settings=unhurried(**SCARCE)) as stand:
        sent: list[int] = []
        requests = [
            (_endless(sent), {"Authorization": f"Bearer guess-{number}"}) for number in range(30)
        ]
        statuses = [response.status_code for response in _answers(stand, requests)]
        assert statuses == [401] * 10 + [429] * 20
        assert readers[0].tokens_asked == 10
        assert not sent


def test_anonymous_neighbours_do_not_take_a_tokens_allowance(scarce: Stand) -> None:
    body = {"code": scarce.world.code()}
    with scarce.client() as client:
        _spend(scarce, client)
        headers = scarce.bearer(Role.OFFICER)
        assert {client.post("/v1/verify", json=body, headers=headers).status_code} == {200}
        lines = [body] * 200
        assert client.post("/v1/scans", json=lines, headers=headers).status_code == 202


def test_a_token_has_an_allowance_of_its_own_wherever_it_is_used(tmp_path: Path) -> None:
    settings = unhurried(token_per_minute=1, token_burst=100)
    with in_process_service(tmp_path, settings=settings) as stand, stand.client() as client:
        one, other = stand.bearer(Role.OFFICER, "stolen"), stand.bearer(Role.OFFICER, "honest")
        body = {"code": stand.world.code()}
        assert client.post("/v1/scans", json=[body] * 90, headers=one).status_code == 202
        too_many = client.post("/v1/scans", json=[body] * 90, headers=one)
        assert (too_many.status_code, "retry-after" in too_many.headers) == (429, True)
        never = client.post("/v1/scans", json=[body] * 101, headers=other)
        assert (never.status_code, "at most 100" in never.json()["detail"]) == (429, True)
        assert client.get("/v1/alerts", headers=other).status_code == 200
        assert client.post("/v1/verify", json=body).status_code == 200


def test_an_unreachable_ledger_makes_no_token_free(tmp_path: Path) -> None:
    from authenticity.errors import LedgerUnavailableError

    class Down(CountingReader):
        async def token(self, digest: bytes) -> Any:
            raise LedgerUnavailableError("it is down")

    with (
        in_process_service(
            tmp_path, reader=lambda real: Down(real), settings=unhurried(**SCARCE)
        ) as stand,
        stand.client() as client,
    ):
        body = {"code": stand.world.code()}
        headers = {"Authorization": "Bearer anything"}
        statuses = [
            client.post("/v1/verify", json=body, headers=headers).status_code for _ in range(11)
        ]
    assert statuses == [200] * 10 + [429]


def test_large_bodies_share_a_bounded_memory_and_small_ones_do_not_wait(tmp_path: Path) -> None:
    settings = unhurried(anonymous_bodies_in_flight_bytes=100_000)
    with in_process_service(tmp_path, settings=settings) as stand, stand.client() as client:
        large = b"\n" * 90_000
        body = {"code": stand.world.code()}
        inside: list[int] = []

        async def parts() -> AsyncIterator[bytes]:
            yield large
            # While this body is open, another comes: in the same loop, for the client is sync.
            transport = httpx.ASGITransport(stand.app)
            async with httpx.AsyncClient(transport=transport, base_url=stand.url) as other:
                refused = await other.post("/v1/scans", content=large, headers=NDJSON)
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
                small = await other.post("/v1/verify", json=body)
                officer = await other.post(
                    "/v1/scans", content=large, headers=NDJSON | stand.bearer(Role.OFFICER)
                )
                inside.extend([refused.status_code, small.status_code, officer.status_code])
            yield b"\n"

        _answers(stand, [(parts(), {})])
        assert inside == [503, 200, 413]
        budget = stand.state.admission._bodies._anonymous
        assert budget.left_bytes == 100_000
        assert client.post("/v1/scans", content=large, headers=NDJSON).status_code == 413


def test_the_refusal_of_a_page_is_a_page_and_written_once(
    scarce: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scarce.client() as client:
        _spend(scarce, client)
        path = path_of(scarce.world.code())
        first = client.get(path, headers={"Accept-Language": "de"})
        monkeypatch.setattr(
            "verifier_api.web.answer_page.environment", lambda: pytest.fail("written again")
        )
        again = client.get(path, headers={"Accept-Language": "de, en;q=0.5"})
        data = client.get(path, headers={"Accept": "application/json"})
        posted = client.post(path, data={"scan_id": "x"}, headers={"Accept-Language": "de"})
    assert (first.status_code, first.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert again.text == first.text
    assert data.headers["content-type"] == "application/problem+json"
    assert posted.status_code == 429


def test_two_forwarded_lines_name_the_same_client_on_every_route(tmp_path: Path) -> None:
    from ipaddress import ip_network

    limits = unhurried(**SCARCE).limits
    settings = Settings(limits=limits, trusted_proxies=(ip_network("127.0.0.0/8"),))
    lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2")]
    with in_process_service(tmp_path, settings=settings) as stand, stand.client() as client:
        for method, path in _requests(stand):
            client.request(method, path, headers=lines)
            assert list(stand.state.admission.anonymous._buckets) == [0x0202_0202], path
            wrong = client.request(method, path, headers=[*lines, ("X-Forwarded-For", "proxy")])
            assert wrong.status_code == 400, path
            stand.state.admission.nameless._buckets.clear()
            stand.state.admission.anonymous._buckets.clear()


def test_what_a_proxy_writes_that_is_no_address_is_paid_by_a_bucket_of_its_own(
    tmp_path: Path,
) -> None:
    from ipaddress import ip_network

    limits = unhurried(anonymous_per_minute=0.001, anonymous_burst=3).limits
    settings = Settings(limits=limits, trusted_proxies=(ip_network("127.0.0.0/8"),))
    with in_process_service(tmp_path, settings=settings) as stand, stand.client() as client:
        body = {"code": stand.world.code()}

        def ask(forwarded: dict[str, str]) -> int:
            return client.post("/v1/verify", json=body, headers=forwarded).status_code

        garbled = {ask({"X-Forwarded-For": f"what-{number}"}) for number in range(3)}
        assert garbled == {400}
        assert ask({"X-Forwarded-For": "unknown"}) == 429
        assert [ask({}) for _ in range(3)] == [200] * 3, "the proxy itself is not hindered"
        assert ask({"X-Forwarded-For": "203.0.113.7"}) == 200
