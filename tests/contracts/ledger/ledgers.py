"""A ledger for one test, and writers that tests can call from any thread."""

import asyncio
import threading
from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import sql

from authenticity.detection.item_state import ItemChange, KnownItem
from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry, Question
from authenticity.records.batch_statement import BatchStatement, unsigned_statement
from authenticity.records.part_statement import SignedPart
from ledger.address import LedgerAddress
from ledger.opening import open_reader, open_store
from ledger.protocols import LedgerReader, Pending, Progress, Reassessment
from simulation.two_makers import World
from tests.support.patience import PATIENCE_S

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it here."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()


class Writer:
    """A store on an event loop of its own: tests call it without waiting for a loop."""

    def __init__(self, address: LedgerAddress) -> None:
        self._loop = Loop()
        self._store = open_store(address)

    def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        return self._loop.run(self._store.known(items))

    def batch_registry(self) -> tuple[BatchRegistry, int]:
        return self._loop.run(self._store.batch_registry())

    def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
        acknowledged: Pending | None = None,
    ) -> set[ItemId]:
        return self._loop.run(
            self._store.write(
                changes, registry_version, at,
                progress=progress, reassessed=reassessed, acknowledged=acknowledged,
            )
        )  # fmt: skip

    def accept_batches(self, batches: Sequence[Batch], *, progress: Progress | None = None) -> None:
        statements = [unsigned_statement(batch) for batch in batches]
        self.accept_statements(statements, progress=progress)

    def accept_statements(
        self,
        statements: Sequence[BatchStatement],
        parts: Sequence[SignedPart] = (),
        *,
        progress: Progress | None = None,
    ) -> None:
        self._loop.run(self._store.accept_batches(statements, parts, progress=progress))

    def memberships(self, questions: Collection[Question]) -> Mapping[Question, bool]:
        return self._loop.run(self._store.memberships(questions))

    def unstated(self, batches: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        return self._loop.run(self._store.unstated(batches))

    def unclaimed_parts(self, issuer: str) -> int:
        return self._loop.run(self._store.unclaimed_parts(issuer))

    def accept_trust_list(
        self,
        document: bytes | None,
        version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
    ) -> None:
        self._loop.run(self._store.accept_trust_list(document, version, at, progress=progress))

    def trust_list(self) -> bytes | None:
        return self._loop.run(self._store.trust_list())

    def trust_version(self) -> int:
        return self._loop.run(self._store.trust_version())

    def position(self, source: str) -> int:
        return self._loop.run(self._store.position(source))

    def is_durable(self) -> bool:
        return self._loop.run(self._store.is_durable())

    def next_reassessment(self, limit: int) -> Reassessment | None:
        return self._loop.run(self._store.next_reassessment(limit))

    def next_pending(self, limit: int) -> Pending | None:
        return self._loop.run(self._store.next_pending(limit))

    def signals_about(self, entity: EntityId) -> list[Signal]:
        return self._loop.run(self._store.signals_about(entity))

    def close(self) -> None:
        self._loop.run(self._store.close())
        self._loop.close()


class Ledgers:
    """One migrated, empty ledger; what is opened on it is closed by `close`."""

    def __init__(self, address: LedgerAddress) -> None:
        self.address = address
        self._writers: list[Writer] = []
        self._readers: list[LedgerReader] = []

    def writer(self) -> Writer:
        self._writers.append(Writer(self.address))
        return self._writers[-1]

    def reader(self) -> LedgerReader:
        self._readers.append(open_reader(self.address))
        return self._readers[-1]

    def all_bytes(self) -> bytes:
        """Everything that is stored, to look for what must not be."""
        if isinstance(self.address, Path):
            return b"".join(file.read_bytes() for file in self.address.parent.iterdir())
        with psycopg.connect(self.address.url) as connection:
            names = connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            ).fetchall()
            tables = [
                connection.execute(
                    sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(name))
                ).fetchall()
                for (name,) in names
            ]
        return repr(tables).encode()

    def close(self) -> None:
        loop = Loop()
        for reader in self._readers:
            loop.run(reader.close())
        loop.close()
        for writer in self._writers:
            writer.close()


class WritingContract:
    """A contract that writes: inherit it where a fixture `ledgers` gives an empty ledger."""

    @pytest.fixture
    def world(self) -> World:
        return World(3)

    @pytest.fixture
    def writer(self, ledgers: Ledgers) -> Writer:
        return ledgers.writer()
