"""`LedgerReader` on SQLite, in a few threads of its own."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import local
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, insert, or_, select, update
from sqlalchemy.sql import Select

from authenticity.batch import Batch, Catalogue, decode_batch
from authenticity.errors import InputError
from authenticity.history import History, decode_history
from authenticity.item import ItemId
from authenticity.scan import from_epoch_ms, to_epoch_ms
from ledger import schema
from ledger.records import (
    CASE_MOVES,
    AlertFilter,
    AlertRecord,
    CaseChange,
    CaseError,
    CaseState,
    CaseStep,
    FeedEntry,
    Page,
    Prefixes,
    Role,
    TokenRecord,
    to_key,
)
from ledger.sqlite import in_words, open_connection, open_engine
from ledger.sqlite_fold import decode_alert

T = TypeVar("T")

THREADS = 4
MOST_ROWS = 1_000


class SqliteReader:
    """See `LedgerReader`. Reads never wait for the engine's writes (WAL)."""

    def __init__(self, path: Path) -> None:
        """For a migrated ledger; connections open when first used."""
        self._path = path
        self._reads = open_engine(path, begin="BEGIN")
        self._writes = open_engine(path)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ledger")
        self._own = local()
        self._catalogue = Catalogue()
        self._catalogue_version = -1

    async def item(self, item: ItemId) -> History | None:
        """See `LedgerReader.item`."""
        return await self._in_thread(self._item, to_key(item))

    async def items(self, items: Sequence[ItemId]) -> tuple[list[History | None], Catalogue]:
        """See `LedgerReader.items`."""
        return await self._in_thread(self._items, [to_key(item) for item in items])

    async def catalogue(self) -> Catalogue:
        """See `LedgerReader.catalogue`."""
        return await self._in_thread(self._read_catalogue)

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
            .where(*_conditions(where), table.c.raised_number > _cursor_number(after))
            .order_by(table.c.raised_number)
            .limit(limit + 1)
        )

        def read(connection: Connection) -> Page[AlertRecord]:
            rows = connection.execute(statement).all()
            page, more = rows[:limit], len(rows) > limit
            records = _records(connection, page)
            return Page(records, str(page[-1].raised_number) if more else None)

        return await self._query(read)

    async def alert(self, alert_id: str, prefixes: Prefixes) -> AlertRecord | None:
        """See `LedgerReader.alert`."""
        return await self._query(lambda connection: _alert(connection, alert_id, prefixes))

    async def feed(self, after: int, limit: int, prefixes: Prefixes) -> list[FeedEntry]:
        """See `LedgerReader.feed`."""
        table = schema.feed
        statement = (
            select(table)
            .where(table.c.number > after, *_owned(table.c.item, prefixes))
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
        self, alert_id: str, change: CaseChange, prefixes: Prefixes
    ) -> AlertRecord | None:
        """See `LedgerReader.change_case`."""
        return await self._query(
            lambda connection: _change_case(connection, alert_id, change, prefixes), self._writes
        )

    async def batches(self, prefixes: Prefixes, *, after: str | None, limit: int) -> Page[Batch]:
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
                *_owned(table.c.gtin, prefixes),
            )
            .order_by(table.c.issuer, table.c.batch_id)
            .limit(limit + 1)
        )

        def read(connection: Connection) -> Page[Batch]:
            rows = connection.execute(statement).all()
            page, more = rows[:limit], len(rows) > limit
            cursor = json.dumps([page[-1].issuer, page[-1].batch_id]) if more else None
            return Page(tuple(decode_batch(row.header) for row in page), cursor)

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
        self._reads.dispose()
        self._writes.dispose()

    def _item(self, key: str) -> History | None:
        with in_words(self._path):
            row = (
                self._connection()
                .execute("SELECT history FROM items WHERE item = ?", (key,))
                .fetchone()
            )
        return decode_history(row[0]) if row else None

    def _items(self, keys: Sequence[str]) -> tuple[list[History | None], Catalogue]:
        return [self._item(key) for key in keys], self._read_catalogue()

    def _read_catalogue(self) -> Catalogue:
        """Two threads may read it at once; each leaves a catalogue with its own version."""
        connection = self._connection()
        with in_words(self._path):
            [(version,)] = connection.execute("SELECT version FROM catalogue")
            if version != self._catalogue_version:
                headers = connection.execute("SELECT header FROM batches").fetchall()
                self._catalogue = Catalogue(decode_batch(header) for (header,) in headers)
                self._catalogue_version = version
        return self._catalogue

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._own, "connection"):
            self._own.connection = open_connection(self._path)
            self._own.connection.execute("PRAGMA query_only=ON")
        connection: sqlite3.Connection = self._own.connection
        return connection

    async def _query(self, work: Callable[[Connection], T], engine: Engine | None = None) -> T:
        def run() -> T:
            with in_words(self._path), (engine or self._reads).begin() as connection:
                return work(connection)

        return await self._in_thread(run)

    async def _in_thread(self, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)


def token_record(row: Row[Any]) -> TokenRecord:
    """A row of `tokens`, without its hash."""
    return TokenRecord(
        row.id,
        Role(row.role),
        row.name,
        tuple(json.loads(row.prefixes)) if row.prefixes is not None else None,
        from_epoch_ms(row.created_ms),
        from_epoch_ms(row.expires_ms),
        from_epoch_ms(row.revoked_ms) if row.revoked_ms is not None else None,
    )


def _owned(column: ColumnElement[str], prefixes: Prefixes) -> Sequence[ColumnElement[bool]]:
    """Items (or GTINs) of these companies: a GTIN's first digit is an indicator."""
    if prefixes is None:
        return ()
    return (or_(False, *(func.substr(column, 2, len(p)) == p for p in prefixes)),)


def _conditions(where: AlertFilter) -> list[ColumnElement[bool]]:
    table = schema.alerts
    conditions = [*_owned(table.c.item, where.prefixes)]
    for column, wanted in (
        (table.c.kind, where.kinds),
        (table.c.severity, where.severities),
        (table.c.case_state, where.cases),
    ):
        if wanted:
            conditions.append(column.in_([str(value) for value in wanted]))
    if where.retracted is not None:
        conditions.append(table.c.retracted == where.retracted)
    if where.item is not None:
        conditions.append(table.c.item == to_key(where.item))
    if where.since is not None:
        conditions.append(table.c.updated_ms >= to_epoch_ms(where.since))
    return conditions


def _alert(connection: Connection, alert_id: str, prefixes: Prefixes) -> AlertRecord | None:
    table = schema.alerts
    statement: Select[Any] = select(table).where(
        table.c.id == alert_id, *_owned(table.c.item, prefixes)
    )
    records = _records(connection, connection.execute(statement).all())
    return records[0] if records else None


def _records(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[AlertRecord, ...]:
    table = schema.case_steps
    steps: dict[str, list[CaseStep]] = {}
    of_these = table.c.alert_id.in_([row.id for row in rows])
    for step in connection.execute(select(table).where(of_these).order_by(table.c.number)):
        steps.setdefault(step.alert_id, []).append(
            CaseStep(CaseState(step.state), step.reason, step.by, from_epoch_ms(step.at_ms))
        )
    return tuple(
        AlertRecord(
            decode_alert(row.alert),
            from_epoch_ms(row.raised_ms),
            from_epoch_ms(row.updated_ms),
            CaseState(row.case_state),
            tuple(steps.get(row.id, ())),
        )
        for row in rows
    )


def _change_case(
    connection: Connection, alert_id: str, change: CaseChange, prefixes: Prefixes
) -> AlertRecord | None:
    record = _alert(connection, alert_id, prefixes)
    if record is None:
        return None
    if change.state not in CASE_MOVES[record.case]:
        allowed = ", ".join(sorted(CASE_MOVES[record.case]))
        raise CaseError(
            f"a case that is {record.case} cannot become {change.state}",
            next_step=f"from here it may become: {allowed}",
        )
    if change.state is CaseState.CLOSED and not (change.reason or "").strip():
        raise CaseError("closing a case needs a reason", next_step="say what was found out")
    connection.execute(
        insert(schema.case_steps).values(
            alert_id=alert_id,
            state=change.state,
            reason=change.reason,
            by=change.by,
            at_ms=to_epoch_ms(datetime.now(UTC)),
        )
    )
    connection.execute(
        update(schema.alerts).where(schema.alerts.c.id == alert_id).values(case_state=change.state)
    )
    return _alert(connection, alert_id, prefixes)


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
    if not isinstance(issuer, str) or not isinstance(batch_id, str):
        raise InputError("this cursor was not given by this service")
    return issuer, batch_id
