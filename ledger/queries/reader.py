"""`LedgerReader` on SQLite and PostgreSQL, in a few threads of its own."""

import asyncio
import json
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Row, func, or_, select

from authenticity.errors import InputError
from authenticity.gs1.item import ItemId
from authenticity.history.history import History, decode_history
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry, Question
from authenticity.records.scan import from_epoch_ms
from authenticity.trust.entitlement import Entitlement
from ledger import schema
from ledger.address import LedgerAddress
from ledger.batch_cache import CachedBatchRegistry, batch_of
from ledger.database import Database
from ledger.part_cache import in_groups
from ledger.queries.alerts import (
    change_case,
    conditions_of,
    find_alert,
    owned,
    records_of,
    storable,
)
from ledger.queries.histories import HistoryLookup, PostgresHistoryLookup, SqliteHistoryLookup
from ledger.queries.serial_parts import count_held, read_parts
from ledger.records import (
    AlertFilter,
    AlertRecord,
    CaseChange,
    FeedEntry,
    Page,
    PartsHeld,
    Role,
    TokenRecord,
    decode_alert,
    is_about_entity,
    to_key,
)

T = TypeVar("T")

THREADS: Final = 4
MOST_ROWS: Final = 1_000


class SqlReader:
    """See `LedgerReader`. On SQLite reads never wait for the engine's writes (WAL), on
    PostgreSQL never for anybody's."""

    def __init__(self, address: LedgerAddress) -> None:
        """For a migrated ledger; connections open when first used."""
        # Where disks are full or a failover is under way, reading may still be possible.
        self._database = Database(address, connections=THREADS, target="primary")
        self._look_up: HistoryLookup = (
            SqliteHistoryLookup(address)
            if isinstance(address, Path)
            else PostgresHistoryLookup(self._database)
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ledger")
        self._registry = CachedBatchRegistry()
        self._database.when_connected(self._registry.forget)

    async def item(self, item: ItemId) -> History | None:
        """See `LedgerReader.item`."""
        [history], _ = await self._in_thread(self._items, [to_key(item)])
        return history

    async def items(self, items: Sequence[ItemId]) -> tuple[list[History | None], BatchRegistry]:
        """See `LedgerReader.items`."""
        return await self._in_thread(self._items, [to_key(item) for item in items])

    async def batch_registry(self) -> BatchRegistry:
        """See `LedgerReader.batch_registry`."""
        _, batch_registry = await self._in_thread(self._items, [])
        return batch_registry

    async def memberships(self, questions: Collection[Question]) -> dict[Question, bool]:
        """See `LedgerReader.memberships`."""
        cache = self._registry.parts
        answers, missing = cache.ask(questions)
        if not missing:
            return answers

        def read(connection: Connection) -> dict[Question, bool]:
            for issuer, batch_id, asked in in_groups(missing):
                numbers = [part.number for part in asked]
                for digest, content in read_parts(connection, issuer, batch_id, numbers):
                    answers.update(cache.answer(digest, content, asked))
            return answers

        return await self._query(read)

    async def parts_held(self, issuer: str, batch_id: str) -> PartsHeld:
        """See `LedgerReader.parts_held`."""
        table = schema.batches

        def read(connection: Connection) -> PartsHeld:
            header = connection.scalar(
                select(table.c.header).where(table.c.issuer == issuer, table.c.batch_id == batch_id)
            )
            if header is None:
                return PartsHeld(0, 0)
            batch = batch_of(header)
            return PartsHeld(count_held(connection, batch), batch.parts)

        return await self._query(read)

    async def trust_list(self) -> bytes | None:
        """See `LedgerReader.trust_list`."""

        def read(connection: Connection) -> bytes | None:
            table = schema.trust_lists
            newest = select(table.c.document).order_by(table.c.version.desc()).limit(1)
            return connection.scalar(newest)

        return await self._query(read)

    async def alerts(
        self, where: AlertFilter, *, after: str | None, limit: int
    ) -> Page[AlertRecord]:
        """See `LedgerReader.alerts`."""
        table = schema.alerts
        limit = _bounded(limit)
        statement = (
            select(table)
            .where(*conditions_of(where), table.c.raised_number > _cursor_number(after))
            .order_by(table.c.raised_number)
            .limit(limit + 1)
        )

        def read(connection: Connection) -> Page[AlertRecord]:
            rows = connection.execute(statement).all()
            page, more = rows[:limit], len(rows) > limit
            records = records_of(connection, page)
            return Page(records, str(page[-1].raised_number) if more else None)

        return await self._query(read)

    async def alert(self, alert_id: str, entitlement: Entitlement | None) -> AlertRecord | None:
        """See `LedgerReader.alert`."""
        return await self._query(lambda connection: find_alert(connection, alert_id, entitlement))

    async def feed(
        self, after: int, limit: int, entitlement: Entitlement | None
    ) -> list[FeedEntry]:
        """See `LedgerReader.feed`."""
        table = schema.feed
        statement = (
            select(table)
            .where(table.c.number > after, *owned(table.c.item, entitlement))
            .order_by(table.c.number)
            .limit(_bounded(limit))
        )

        def read(connection: Connection) -> list[FeedEntry]:
            return [
                FeedEntry(row.number, from_epoch_ms(row.at_ms), decode_alert(row.alert))
                for row in connection.execute(statement)
            ]

        return await self._query(read)

    async def newest_feed_number(self) -> int:
        """See `LedgerReader.newest_feed_number`."""
        newest = select(func.max(schema.feed.c.number))
        return await self._query(lambda connection: connection.scalar(newest) or 0)

    async def change_case(
        self, alert_id: str, change: CaseChange, entitlement: Entitlement | None
    ) -> AlertRecord | None:
        """See `LedgerReader.change_case`."""
        return await self._query(
            lambda connection: change_case(connection, alert_id, change, entitlement),
            self._database.writes,
        )

    async def batches(
        self, entitlement: Entitlement | None, *, after: str | None, limit: int
    ) -> Page[Batch]:
        """See `LedgerReader.batches`."""
        table = schema.batches
        issuer, batch_id = _cursor_pair(after)
        limit = _bounded(limit)
        statement = (
            select(table)
            .where(
                or_(
                    table.c.issuer > issuer,
                    (table.c.issuer == issuer) & (table.c.batch_id > batch_id),
                ),
                *owned(table.c.gtin, entitlement),
            )
            .order_by(table.c.issuer, table.c.batch_id)
            .limit(limit + 1)
        )

        def read(connection: Connection) -> Page[Batch]:
            rows = connection.execute(statement).all()
            page, more = rows[:limit], len(rows) > limit
            cursor = json.dumps([page[-1].issuer, page[-1].batch_id]) if more else None
            return Page(tuple(batch_of(row.header) for row in page), cursor)

        return await self._query(read)

    async def token(self, token_sha256: bytes) -> TokenRecord | None:
        """See `LedgerReader.token`."""
        table = schema.tokens

        def read(connection: Connection) -> TokenRecord | None:
            row = connection.execute(select(table).where(table.c.sha256 == token_sha256)).first()
            return token_record(row) if row else None

        return await self._query(read)

    async def ping(self) -> None:
        """See `LedgerReader.ping`."""
        await self._query(lambda connection: connection.scalar(select(schema.catalogue.c.version)))

    async def close(self) -> None:
        """See `LedgerReader.close`."""
        await asyncio.to_thread(self._threads.shutdown)
        self._database.close()

    def _items(self, keys: Sequence[str]) -> tuple[list[History | None], BatchRegistry]:
        histories, version = self._look_up.find(keys)
        batch_registry = self._registry.of(version)
        if batch_registry is None:
            batch_registry = self._read_batch_registry()
        return [
            decode_history(histories[key])
            if key in histories and not is_about_entity(key)
            else None
            for key in keys
        ], batch_registry

    def _read_batch_registry(self) -> BatchRegistry:
        """Two threads may read it at once; each keeps a registry with its own version."""
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            version = connection.scalar(select(schema.catalogue.c.version))
            headers = connection.scalars(select(schema.batches.c.header)).all()
        return self._registry.keep(version or 0, headers)

    async def _query(self, work: Callable[[Connection], T], engine: Engine | None = None) -> T:
        def run() -> T:
            with (
                self._database.translate_errors(),
                (engine or self._database.reads).begin() as connection,
            ):
                return work(connection)

        return await self._in_thread(run)

    async def _in_thread(self, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)


def token_record(row: Row[Any]) -> TokenRecord:
    """A row of `tokens`, without its hash."""
    return TokenRecord(
        row.id,
        None if row.gateway else Role(row.role),
        row.name,
        tuple(json.loads(row.prefixes)) if row.prefixes is not None else None,
        from_epoch_ms(row.created_ms),
        from_epoch_ms(row.expires_ms),
        from_epoch_ms(row.revoked_ms) if row.revoked_ms is not None else None,
        row.gateway,
    )


def _bounded(limit: int) -> int:
    return max(1, min(limit, MOST_ROWS))


def _cursor_number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InputError("this cursor was not given by this service")
    return int(cursor)


def _cursor_pair(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", ""
    try:
        issuer, batch_id = json.loads(cursor)
    except (ValueError, TypeError, RecursionError):
        issuer = batch_id = None
    if not all(isinstance(part, str) and storable(part) for part in (issuer, batch_id)):
        raise InputError("this cursor was not given by this service")
    return issuer, batch_id
