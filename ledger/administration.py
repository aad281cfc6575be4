"""What an operator does with the ledger: tokens, dead letters, exports."""

import base64
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from authenticity.detection.alerts import Alert
from authenticity.gs1.item import ItemId
from authenticity.history.history import History, decode_history
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.dead_letter import DeadLetter
from authenticity.records.scan import from_epoch_ms, to_epoch_ms
from ledger import schema
from ledger.address import LedgerAddress
from ledger.batch_cache import batch_of, read_row, registry_of
from ledger.database import Database
from ledger.part_cache import LazyMembership, PartCache
from ledger.postgres.server import LONG
from ledger.queries.reader import token_record
from ledger.queries.serial_parts import count_held, read_parts
from ledger.records import (
    Prefixes,
    Role,
    StoredDeadLetter,
    TokenRecord,
    decode_alert,
    from_key,
    is_about_entity,
)

TOKEN_MARK = "ts_"  # noqa: S105 - no secret: lets secret scanners recognise a token in a leak
GATEWAY_ROLE = "gateway"
"""What the column `role` holds for a token without one."""


class LedgerAdministration:
    """Synchronous, for the command line. Methods raise `LedgerUnavailableError`."""

    def __init__(self, address: LedgerAddress) -> None:
        """For a migrated ledger."""
        self._address = address
        self._database = Database(address)

    def create_token(
        self,
        role: Role | None,
        name: str,
        prefixes: Prefixes,
        expires_at: datetime,
    ) -> tuple[str, TokenRecord]:
        """A new bearer token (256 random bits): its text, known only now, and its record.

        `role`: None for a gateway, which has none.
        """
        gateway = role is None
        text = TOKEN_MARK + secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        token_id = secrets.token_hex(6)
        with self._database.translate_errors(), self._database.writes.begin() as connection:
            connection.execute(
                insert(schema.tokens).values(
                    id=token_id,
                    sha256=sha256(text.encode()).digest(),
                    role=role or GATEWAY_ROLE,
                    name=name,
                    prefixes=None if prefixes is None else json.dumps(prefixes),
                    created_ms=to_epoch_ms(now),
                    expires_ms=to_epoch_ms(expires_at),
                    gateway=gateway,
                )
            )
        return text, TokenRecord(token_id, role, name, prefixes, now, expires_at, None, gateway)

    def revoke_token(self, token_id: str) -> bool:
        """Whether there was such a token. Revoking twice keeps the first time."""
        table = schema.tokens
        now_ms = to_epoch_ms(datetime.now(UTC))
        with self._database.translate_errors(), self._database.writes.begin() as connection:
            connection.execute(
                update(table)
                .where(table.c.id == token_id, table.c.revoked_ms.is_(None))
                .values(revoked_ms=now_ms)
            )
            return connection.scalar(select(table.c.id).where(table.c.id == token_id)) is not None

    def tokens(self) -> list[TokenRecord]:
        """All of them, oldest first."""
        table = schema.tokens
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            rows = connection.execute(select(table).order_by(table.c.created_ms, table.c.id))
            return [token_record(row) for row in rows]

    def dead_letters(self, *, after: int = 0, limit: int = 100) -> list[StoredDeadLetter]:
        """At most `limit` with a number above `after`, in the order in which they were written."""
        table = schema.dead_letters
        statement = select(table).where(table.c.number > after).order_by(table.c.number)
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            return [_stored_dead_letter(row) for row in connection.execute(statement.limit(limit))]

    def batches(self) -> list[Batch]:
        """Every registered batch, by issuer and id."""
        table = schema.batches
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            headers = connection.scalars(
                select(table.c.header).order_by(table.c.issuer, table.c.batch_id)
            )
            return [batch_of(header) for header in headers]

    def statement(self, issuer: str, batch_id: str) -> BatchStatement | None:
        """What stands of this batch; of a ledger of 0.1.0 it may be unsigned."""
        table = schema.batches
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            row = connection.scalar(
                select(table.c.header).where(table.c.issuer == issuer, table.c.batch_id == batch_id)
            )
            return None if row is None else read_row(row)

    def trust_list(self) -> bytes | None:
        """The document of the newest trust list that was accepted."""
        table = schema.trust_lists
        newest = select(table.c.document).order_by(table.c.version.desc()).limit(1)
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            document: bytes | None = connection.scalar(newest)
            return document

    def last_dead_letter(self) -> int:
        """The number of the newest dead letter, 0 before the first."""
        newest = select(func.max(schema.dead_letters.c.number))
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            return connection.scalar(newest) or 0

    def parts_held(self, batch: Batch) -> int:
        """How many of the parts that this header names are here."""
        with self._database.translate_errors(), self._database.reads.begin() as connection:
            return count_held(connection, batch)

    def snapshot(self) -> "Snapshot":
        """A view of the whole ledger at one moment, while engines go on."""
        return Snapshot(self._address)

    def close(self) -> None:
        """Close the ledger."""
        self._database.close()


class Snapshot:
    """One read transaction; use as a context manager. Rows stream, nothing is held."""

    def __init__(self, address: LedgerAddress) -> None:
        self._database = Database(address, connections=1, patience=LONG, target="primary")

    def __enter__(self) -> "Snapshot":
        with self._database.translate_errors():
            self._connection = self._database.reads.connect()
            self._connection.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._database.close()

    def batch_registry(self) -> BatchRegistry:
        """The registered batches. Parts of their serial lists are read when they are asked."""
        with self._database.translate_errors():
            headers = self._connection.scalars(select(schema.batches.c.header))
            registry = registry_of(headers)
        return registry.answered_by(LazyMembership(self._read_parts, PartCache()))

    def _read_parts(
        self, issuer: str, batch_id: str, numbers: Sequence[int]
    ) -> Iterable[tuple[bytes, bytes]]:
        with self._database.translate_errors():
            return read_parts(self._connection, issuer, batch_id, numbers)

    def alerts(self) -> Iterator[Alert]:
        """The newest version of every alert, retracted ones too, by id."""
        table = schema.alerts
        with self._database.translate_errors():
            statement = select(table.c.alert).order_by(table.c.id)
            for alert in self._connection.scalars(statement.execution_options(yield_per=1_000)):
                yield decode_alert(alert)

    def histories(self) -> Iterator[tuple[ItemId, History]]:
        """Every item, by id. The rows of batches and scanners, which have none, are left out."""
        table = schema.items
        statement = select(table.c.item, table.c.history).order_by(table.c.item)
        with self._database.translate_errors():
            for key, history in self._connection.execute(
                statement.execution_options(yield_per=1_000)
            ):
                if not is_about_entity(key):
                    yield from_key(key), decode_history(history)

    def pending_entities(self) -> int:
        """How many batches and scanners wait to be assessed; 0 where alerts are final."""
        with self._database.translate_errors():
            entities = select(func.count(schema.subjects_due.c.subject.distinct()))
            return self._connection.scalar(entities) or 0


def _stored_dead_letter(row: Row[Any]) -> StoredDeadLetter:
    """A source is named after its topic: `scans@<identity of the log>`."""
    dead_letter = DeadLetter(
        row.source.partition("@")[0],
        0,
        row.position,
        row.reason,
        from_epoch_ms(row.at_ms),
        base64.b64encode(row.raw).decode(),
        row.bytes,
    )
    return StoredDeadLetter(row.number, row.source, dead_letter)
