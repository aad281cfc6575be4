"""A ledger for one test, and writers that tests can call from any thread."""

import asyncio
import threading
from collections.abc import Collection, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import sql

from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry
from ledger.address import LedgerAddress
from ledger.opening import open_async_writer, open_reader, open_writer
from ledger.protocols import (
    AsyncLedgerWriter,
    ItemChange,
    KnownItem,
    Pending,
    Progress,
    Reassessment,
)
from ledger.reading import LedgerReader

T = TypeVar("T")

PATIENCE_S = 60.0


class Writer(Protocol):
    """What both kinds of writer have in common, without waiting for an event loop."""

    def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]: ...
    def batch_registry(self) -> tuple[BatchRegistry, int]: ...
    def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        reassessed: Reassessment | None = None,
        settled: Pending | None = None,
    ) -> set[ItemId]: ...
    def accept_batches(self, batches: Sequence[Batch], at: datetime) -> None: ...
    def accept_trust_list(self, document: bytes, version: int, at: datetime) -> None: ...
    def trust_list(self) -> bytes | None: ...
    def next_reassessment(self, limit: int) -> Reassessment | None: ...
    def next_pending(self, limit: int) -> Pending | None: ...
    def signals_about(self, subject: EntityId) -> list[Signal]: ...
    def close(self) -> None: ...


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


class SqliteWriting:
    """`LedgerWriter` without its positions."""

    def __init__(self, path: Path) -> None:
        self._writer = open_writer(path)
        self.known = self._writer.known
        self.batch_registry = self._writer.batch_registry
        self.write = self._writer.write
        self.trust_list = self._writer.trust_list
        self.next_reassessment = self._writer.next_reassessment
        self.next_pending = self._writer.next_pending
        self.signals_about = self._writer.signals_about
        self.close = self._writer.close

    def accept_batches(self, batches: Sequence[Batch], at: datetime) -> None:
        self._writer.accept_batches(batches, Progress("batches@test", 1), at)

    def accept_trust_list(self, document: bytes, version: int, at: datetime) -> None:
        self._writer.accept_trust_list(document, version, Progress("trust@test", 1), at)


class PostgresWriting:
    """`AsyncLedgerWriter` on a loop of its own."""

    def __init__(self, open_it: Coroutine[Any, Any, AsyncLedgerWriter]) -> None:
        self._loop = Loop()
        self._writer = self._loop.run(open_it)

    def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        return self._loop.run(self._writer.known(items))

    def batch_registry(self) -> tuple[BatchRegistry, int]:
        return self._loop.run(self._writer.batch_registry())

    def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        reassessed: Reassessment | None = None,
        settled: Pending | None = None,
    ) -> set[ItemId]:
        return self._loop.run(
            self._writer.write(
                changes, registry_version, at, reassessed=reassessed, settled=settled
            )
        )

    def accept_batches(self, batches: Sequence[Batch], at: datetime) -> None:
        self._loop.run(self._writer.accept_batches(batches, at))

    def accept_trust_list(self, document: bytes, version: int, at: datetime) -> None:
        self._loop.run(self._writer.accept_trust_list(document, version, at))

    def trust_list(self) -> bytes | None:
        return self._loop.run(self._writer.trust_list())

    def next_reassessment(self, limit: int) -> Reassessment | None:
        return self._loop.run(self._writer.next_reassessment(limit))

    def next_pending(self, limit: int) -> Pending | None:
        return self._loop.run(self._writer.next_pending(limit))

    def signals_about(self, subject: EntityId) -> list[Signal]:
        return self._loop.run(self._writer.signals_about(subject))

    def close(self) -> None:
        self._loop.run(self._writer.close())
        self._loop.close()


class Ledgers:
    """One migrated, empty ledger; what is opened on it is closed by `close`."""

    def __init__(self, address: LedgerAddress) -> None:
        self.address = address
        self._writers: list[Writer] = []
        self._readers: list[LedgerReader] = []

    def writer(self) -> Writer:
        opened: Writer = (
            SqliteWriting(self.address)
            if isinstance(self.address, Path)
            else PostgresWriting(open_async_writer(self.address))
        )
        self._writers.append(opened)
        return opened

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
