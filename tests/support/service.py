"""The whole service for tests: real log, engine and ledger in files, and the app itself.

`in_process_service` answers without a socket. Its engine takes a step when a test publishes,
so that nothing happens between two lines of a test.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
from fastapi import FastAPI

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.gs1.code import item_of
from authenticity.history.history import History
from authenticity.records.batch import Batch
from authenticity.records.scan import Scan, encode_scan
from events.embedded.log import EmbeddedLog
from events.embedded.publisher import EmbeddedPublisher
from events.publisher import Publisher, Record
from events.topics import BATCHES, SCANS, TRUST, TRUST_KEY, batch_key, scan_key
from ledger.administration import LedgerAdministration
from ledger.opening import open_reader, open_store
from ledger.protocols import LedgerReader
from ledger.records import Role
from simulation.two_makers import World
from stream.sources.embedded import EmbeddedSource
from tests.support.new_ledger import make_ledger
from tests.support.patience import PATIENCE_S, wait_until
from verifier_api.app import Dependencies, create_app
from verifier_api.network.geo_watch import GeoFiles
from verifier_api.settings import Limits, Settings
from verifier_api.state import AppState

T = TypeVar("T")
SECRET: Final = bytes(range(32))
"""Of every installation in tests."""
NO_FILES: Final = GeoFiles()

# At each request httpx looks for trio, which is not here, in every folder of the path.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Stand:
    """`url` answers; `publish` puts scans through the real engine.

    Tests share one of these. Each counts the scans of codes of its own alone
    (`scans_of`), for another test's page may still be posting. `transport` is None where
    `url` is on a real port.
    """

    world: World
    folder: Path
    publisher: Publisher
    reader: LedgerReader
    engine: EmbeddedSource
    app: FastAPI
    url: str = "http://127.0.0.1"
    transport: httpx.BaseTransport | None = None

    @property
    def state(self) -> AppState:
        """The app's own."""
        state: AppState = self.app.state.service
        return state

    def client(self) -> httpx.Client:
        """An HTTP client of this service."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE_S, transport=self.transport)

    def token(
        self, role: Role | None, name: str = "tester", prefixes: Sequence[str] | None = None
    ) -> str:
        """A new bearer token; without a role that of a gateway."""
        administration = LedgerAdministration(self.folder / "ledger.sqlite")
        try:
            held = None if prefixes is None else tuple(prefixes)
            ends_at = datetime.now(UTC) + timedelta(days=1)
            secret, _ = administration.create_token(role, name, held, ends_at)
            return secret
        finally:
            administration.close()

    def bearer(
        self, role: Role | None, name: str = "tester", prefixes: Sequence[str] | None = None
    ) -> dict[str, str]:
        """Request headers with a new token."""
        return {"Authorization": f"Bearer {self.token(role, name, prefixes)}"}

    def publish(self, *scans: Scan) -> None:
        """Append these and wait until they are folded."""
        records = [Record(SCANS, scan_key(None, scan.code), encode_scan(scan)) for scan in scans]
        self.publisher.publish(records).result(PATIENCE_S)
        self.drain()

    def drain(self) -> None:
        """Wait until the engine has folded all that the log holds by now: the log is in one
        order, so a scan appended last is folded last."""
        code = self.world.code()
        record = Record(SCANS, scan_key(None, code), encode_scan(self.world.scan(code)))
        self.publisher.publish([record]).result(PATIENCE_S)
        self.until(lambda: self.scans_of(code) == 1)

    def register(self, batch: Batch) -> None:
        """Register a batch and wait until it stands in the ledger."""
        self.publisher.publish(
            [Record(BATCHES, batch_key(batch), self.world.statement(batch))]
        ).result(PATIENCE_S)
        self.until(lambda: batch in self.read(self._batches()))

    async def _batches(self) -> Sequence[Batch]:
        return (await self.reader.batches(None, after=None, limit=1_000)).items

    def trust(self, document: bytes) -> None:
        """Publish a trust list."""
        self.publisher.publish([Record(TRUST, TRUST_KEY, document)]).result(PATIENCE_S)

    def history(self, code: str) -> History | None:
        """What the ledger holds of the item that this code names."""
        item = item_of(code)
        assert item is not None
        return self.read(self.reader.item(item))

    def scans_of(self, code: str) -> int:
        """How many scans of this code are folded; a scan that was sent twice counts once."""
        history = self.history(code)
        return 0 if history is None else len(history.observations)

    @staticmethod
    def read(asked: Coroutine[Any, Any, T]) -> T:
        """The ledger's answer, in a thread of its own: the caller's may run an event loop."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, asked).result(PATIENCE_S)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait, but not for ever; an engine that has no thread of its own works here."""
        wait_until(lambda: self._caught_up() and holds())

    def _caught_up(self) -> bool:
        while not self.engine.running and self.engine.run_round():
            pass
        return True


@contextmanager
def assembled_service(
    folder: Path,
    *,
    reader: Callable[[LedgerReader], LedgerReader] = lambda real: real,
    publisher: Callable[[Publisher], Publisher] = lambda real: real,
    settings: Settings | None = None,
    geo: GeoFiles = NO_FILES,
    clock: Callable[[], datetime] = _utc_now,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> Iterator[Stand]:
    """Everything real unless told otherwise, and nothing started: neither engine nor app.

    `clock`: of service and engine; `monotonic_s`: of the service's limits.
    """
    world = World(now=datetime.now(UTC))
    make_ledger(folder / "ledger.sqlite")
    log_path = folder / "log.sqlite"
    real_publisher: Publisher = EmbeddedPublisher(log_path)
    engine = EmbeddedSource(
        EmbeddedLog(log_path),
        open_store(folder / "ledger.sqlite"),
        world.roots,
        DEFAULT_POLICY,
        clock=clock,
    )
    real_publisher.publish([Record(TRUST, TRUST_KEY, world.trust_document)]).result(PATIENCE_S)
    real_reader = open_reader(folder / "ledger.sqlite")
    dependencies = Dependencies(
        reader=reader(real_reader),
        publisher=publisher(real_publisher),
        roots=world.roots,
        secret=SECRET,
        geo=geo,
        clock=clock,
        monotonic_s=monotonic_s,
        settings=settings or unhurried(),
        engine_failure=lambda: engine.stats.failure,
    )
    app = create_app(dependencies)
    yield Stand(world, folder, real_publisher, real_reader, engine, app)
    real_publisher.close()


@contextmanager
def in_process_service(folder: Path, **parts: Any) -> Iterator[Stand]:
    """`parts` as for `assembled_service`. Ends by itself."""
    with assembled_service(folder, **parts) as stand:
        stand.until(lambda: stand.engine.stats.trust_version == 1)
        transport = InProcess(stand.app)
        stand.transport = transport
        try:
            yield stand
        finally:
            transport.end()
            stand.engine.close()


class InProcess(httpx.BaseTransport):
    """The app answers on the caller's thread; its background tasks go on during requests alone.

    A client may close it and another use it further, until `end`.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._runner = asyncio.Runner()
        self._ending = asyncio.Event()
        self._life = self._runner.run(self._begin())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The whole answer: one without an end would never come."""
        return self._runner.run(self._answer(request))

    def at_once(self, requests: Sequence[httpx.Request]) -> list[httpx.Response]:
        """The answers to requests that are all under way together."""

        async def answers() -> list[httpx.Response]:
            return await asyncio.gather(*map(self._answer, requests))

        return self._runner.run(answers())

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    async def _begin(self) -> "asyncio.Task[None]":
        begun = asyncio.Event()

        async def live() -> None:
            async with self._app.router.lifespan_context(self._app):
                begun.set()
                await self._ending.wait()

        life = asyncio.create_task(live())
        await begun.wait()
        return life

    async def _end(self) -> None:
        self._ending.set()
        await self._life

    def end(self) -> None:
        """End the app's lifespan."""
        self._runner.run(self._end())
        self._runner.close()


def unhurried(**changes: Any) -> Settings:
    """Without a limit that a test would meet, however busy the machine is."""
    limits: dict[str, Any] = {
        "anonymous_per_minute": 1e8,
        "anonymous_burst": 1_000_000,
        "token_per_minute": 1e8,
        "token_burst": 1_000_000,
        "readiness_known_s": 0.0,
        "token_within_s": PATIENCE_S,
        "ledger_within_s": PATIENCE_S,
        "publish_within_s": PATIENCE_S,
    }
    return Settings(limits=Limits(**(limits | changes)), report_url="https://reports.example/fake")


class BrokenPublisher:
    """A log that cannot be written, or never answers."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def publish(self, records: Sequence[Record]) -> "Future[None]":
        """Fails, or stays open."""
        future: Future[None] = Future()
        if self._error is not None:
            future.set_exception(self._error)
        return future

    def close(self) -> None:
        """Nothing to close."""


def path_of(code: str) -> str:
    """Path and query of a printed code."""
    return "/" + code.split("/", 3)[3]
