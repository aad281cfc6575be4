"""The whole service on one machine, for tests: log, engine, ledger, and HTTP on a free port."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from fastapi import FastAPI

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.gs1.code import item_of
from authenticity.history.history import History
from authenticity.records.batch import Batch, encode_batch
from authenticity.records.scan import Scan, encode_scan
from events.embedded.log import EmbeddedLog
from events.embedded.publisher import EmbeddedPublisher
from events.publisher import Publisher, Record
from events.topics import BATCHES, SCANS, TRUST, TRUST_KEY, batch_key, scan_key
from ledger.administration import LedgerAdministration
from ledger.opening import migrate, open_reader, open_store
from ledger.protocols import LedgerReader
from ledger.records import Role
from stream.sources.embedded import EmbeddedSource
from tests.support.world import World
from verifier_api.app import Dependencies, create_app
from verifier_api.http.server import server_config
from verifier_api.settings import Limits, Settings
from verifier_api.state import AppState

WAIT_S = 30.0

T = TypeVar("T")


@dataclass
class Stand:
    """`url` answers; `publish` puts scans through the real engine.

    Tests share one of these. Each counts the scans of codes of its own alone
    (`scans_of`), for another test's page may still be posting.
    """

    world: World
    folder: Path
    url: str
    publisher: Publisher
    reader: LedgerReader
    engine: EmbeddedSource
    state: AppState

    def client(self, **changes: Any) -> httpx.Client:
        """An HTTP client of this service."""
        return httpx.Client(base_url=self.url, timeout=2 * WAIT_S, **changes)

    def token(self, role: Role, name: str = "tester", prefixes: Sequence[str] | None = None) -> str:
        """A new bearer token."""
        administration = LedgerAdministration(self.folder / "ledger.sqlite")
        try:
            held = None if prefixes is None else tuple(prefixes)
            ends_at = datetime.now(UTC) + timedelta(days=1)
            secret, _ = administration.create_token(role, name, held, ends_at)
            return secret
        finally:
            administration.close()

    def bearer(
        self, role: Role, name: str = "tester", prefixes: Sequence[str] | None = None
    ) -> dict[str, str]:
        """Request headers with a new token."""
        return {"Authorization": f"Bearer {self.token(role, name, prefixes)}"}

    def publish(self, *scans: Scan) -> None:
        """Append these and wait until they are folded."""
        records = [Record(SCANS, scan_key(None, scan.code), encode_scan(scan)) for scan in scans]
        self.publisher.publish(records).result(WAIT_S)
        self.settle()

    def settle(self) -> None:
        """Wait until the engine has folded all that the log holds by now: the log is in one
        order, so a scan appended last is folded last."""
        code = self.world.code()
        record = Record(SCANS, scan_key(None, code), encode_scan(self.world.scan(code)))
        self.publisher.publish([record]).result(WAIT_S)
        self.until(lambda: self.scans_of(code) == 1)

    def register(self, batch: Batch) -> None:
        """Register a batch and wait until it stands in the ledger."""
        self.publisher.publish([Record(BATCHES, batch_key(batch), encode_batch(batch))]).result(5)
        self.until(lambda: batch in self.read(self._batches()))

    async def _batches(self) -> Sequence[Batch]:
        return (await self.reader.batches(None, after=None, limit=1_000)).items

    def trust(self, document: bytes) -> None:
        """Publish a trust list."""
        self.publisher.publish([Record(TRUST, TRUST_KEY, document)]).result(WAIT_S)

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
            return thread.submit(asyncio.run, asked).result(WAIT_S)

    @staticmethod
    def until(holds: Callable[[], bool]) -> None:
        """Wait, but not for ever."""
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold"
            time.sleep(0.02)


@contextmanager
def standing_service(
    folder: Path,
    *,
    reader: Callable[[LedgerReader], LedgerReader] = lambda real: real,
    publisher: Callable[[Publisher], Publisher] = lambda real: real,
    settings: Settings | None = None,
) -> Iterator[Stand]:
    """Everything real unless told otherwise; ends by itself."""
    world = World(now=datetime.now(UTC))
    migrate(folder / "ledger.sqlite")
    log_path = folder / "log.sqlite"
    real_publisher: Publisher = EmbeddedPublisher(log_path)
    engine = EmbeddedSource(
        EmbeddedLog(log_path), open_store(folder / "ledger.sqlite"), world.roots, DEFAULT_POLICY
    )
    real_publisher.publish([Record(TRUST, TRUST_KEY, world.trust_document)]).result(WAIT_S)
    engine.start()
    Stand.until(lambda: engine.stats.trust_version == 1)
    real_reader = open_reader(folder / "ledger.sqlite")
    dependencies = Dependencies(
        reader=reader(real_reader),
        publisher=publisher(real_publisher),
        roots=world.roots,
        settings=settings or unhurried(),
        engine_failure=lambda: engine.stats.failure,
    )
    app = create_app(dependencies)
    with served(app) as url:
        yield Stand(world, folder, url, real_publisher, real_reader, engine, app.state.service)
    real_publisher.close()
    engine.stop()


def unhurried() -> Settings:
    """Without a limit that a test would meet, however busy the machine is."""
    limits = Limits(
        anonymous_per_minute=1e8,
        anonymous_burst=1_000_000,
        token_within_s=WAIT_S,
        ledger_within_s=WAIT_S,
        publish_within_s=WAIT_S,
    )
    return Settings(limits=limits, report_url="https://reports.example/fake")


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app under uvicorn, on a free port of this machine, in a thread."""
    config = server_config(app, host="127.0.0.1", port=0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    Stand.until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        assert not thread.is_alive()


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
