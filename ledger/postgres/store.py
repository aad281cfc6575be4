"""`AsyncLedgerWriter` on PostgreSQL: the fold's hot statements by hand on the driver.

```
write: 1. begin; share the catalogue's lock        many folds at once, no change of batches
       2. is the catalogue's version still ours?   in a statement that begins after 1
       3. write the items whose version we read    in sorted order: no two folds deadlock
       4. their clues, and which subjects are due  rows of items that are ours until 6
       5. take the feed's lock; number the changes held until the commit, so that numbers
                                                   become visible in their order
       6. commit
```
A lock on the catalogue is exclusive for whoever changes batches; the feed's is taken last,
and only by those who have alerts to write. Isolation is READ COMMITTED: each statement sees
what was committed before it began, hence what was committed before its lock was given.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.detection.signals import MAX_SIGNALS_ASSESSED, Signal
from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import EntityId, ItemId
from authenticity.history.history import decode_history
from authenticity.records.batch import Batch, decode_batch, encode_batch
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import to_epoch_ms
from ledger.address import PostgresAddress
from ledger.batch_cache import CachedBatchRegistry, standing_after
from ledger.postgres.connection import Connection, OwnConnection
from ledger.postgres.server import BATCH_REGISTRY_LOCK, FEED_LOCK, LOCKS
from ledger.protocols import BatchRegistryChanged, ItemChange, KnownItem, Pending, Reassessment
from ledger.queries.signal_rows import (
    ENTRIES_AT_ONCE,
    decode_signals,
    encode_signals,
    pending_of,
    signal_changes,
    signal_of,
)
from ledger.records import decode_alert, encode_alert, from_key, to_key

_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED;"
_BEGIN_FOLD: Final = f"{_BEGIN} SELECT pg_advisory_xact_lock_shared({LOCKS}, {BATCH_REGISTRY_LOCK})"
_BEGIN_BATCHES: Final = f"{_BEGIN} SELECT pg_advisory_xact_lock({LOCKS}, {BATCH_REGISTRY_LOCK})"
_ORDER_FEED: Final = f"SELECT pg_advisory_xact_lock({LOCKS}, {FEED_LOCK})"

_CATALOGUE_VERSION: Final = "SELECT version FROM catalogue"

# One statement, one snapshot: histories, and under version 0 the alerts.
_KNOWN: Final = """
    SELECT item, history AS bytes, version, clues FROM items WHERE item = ANY($1::text[])
    UNION ALL
    SELECT item, alert, 0, NULL FROM alerts WHERE item = ANY($1::text[])
"""

_WRITE_ITEMS: Final = """
    INSERT INTO items (item, history, version, clues)
    SELECT item, history, version, clues
    FROM unnest($1::text[], $2::bytea[], $3::integer[], $4::bytea[])
        AS news (item, history, version, clues)
    ORDER BY item
    ON CONFLICT (item) DO UPDATE SET history = excluded.history, version = excluded.version,
        clues = excluded.clues
    WHERE items.version = excluded.version - 1
    RETURNING item
"""

_DELETE_CLUES: Final = """
    DELETE FROM clues USING unnest($1::text[], $2::text[], $3::text[]) AS gone (subject, item, sign)
    WHERE clues.subject = gone.subject AND clues.item = gone.item AND clues.sign = gone.sign
"""

_WRITE_CLUES: Final = """
    WITH due AS (INSERT INTO subjects_due (subject) SELECT unnest($1::text[]))
    INSERT INTO clues (subject, item, sign, rest)
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[])
"""

_WRITE_ALERTS: Final = """
    WITH news AS (
        SELECT nextval('feed_number_seq') AS number, given.*
        FROM (
            SELECT * FROM unnest(
                $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::bytea[]
            ) WITH ORDINALITY AS a (id, item, kind, severity, retracted, alert, place)
            ORDER BY place
        ) AS given
    ), fed AS (
        INSERT INTO feed (number, item, at_ms, alert) SELECT number, item, $1, alert FROM news
    )
    INSERT INTO alerts
        (id, item, kind, severity, retracted, alert, raised_number, raised_ms, updated_ms)
    SELECT id, item, kind, severity, retracted, alert, number, $1, $1 FROM news
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET severity = excluded.severity,
        retracted = excluded.retracted, alert = excluded.alert, updated_ms = excluded.updated_ms
"""

_SETTLE: Final = "DELETE FROM subjects_due WHERE number = ANY($1::bigint[])"

_WRITE_BATCHES: Final = """
    INSERT INTO batches (issuer, batch_id, gtin, header)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
    ON CONFLICT (issuer, batch_id) DO UPDATE SET gtin = excluded.gtin, header = excluded.header
"""

_JUDGE_ANEW: Final = """
    WITH next AS (UPDATE catalogue SET version = version + 1 RETURNING version)
    INSERT INTO reassessments (gtin, passed, catalogue_version)
    SELECT gtin, '', next.version FROM next, unnest($1::text[]) AS changed (gtin)
    ON CONFLICT (gtin) DO UPDATE SET passed = '', catalogue_version = excluded.catalogue_version
"""


class PostgresWriter:
    """One connection, which comes back by itself. No lock is held while Python works."""

    def __init__(self, address: PostgresAddress) -> None:
        """For a migrated ledger; connects when first used."""
        self._connection = OwnConnection(address)
        self._address = address
        self._catalogue = CachedBatchRegistry()
        self._catalogue_from = 0

    async def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        """See `LedgerWriter.known`. All of it is of one snapshot."""
        keys = sorted(map(to_key, items))
        async with self._connection.use() as db:
            rows = await db.fetch(_KNOWN, keys)
        published: dict[str, dict[FindingKind, Alert]] = {}
        for key, encoded, version, _ in rows:
            if not version:
                alert = decode_alert(encoded)
                published.setdefault(key, {})[alert.kind] = alert
        return {
            (item := from_key(key)): KnownItem(
                decode_history(encoded),
                version,
                published.get(key, {}),
                decode_signals(item, signals) if signals else (),
            )
            for key, encoded, version, signals in rows
            if version
        }

    async def batch_registry(self) -> tuple[BatchRegistry, int]:
        """See `LedgerWriter.batch_registry`."""
        async with self._connection.use() as db:
            if self._catalogue_from != self._connection.made:
                self._catalogue.forget()  # after a failover a version may mean something else
                self._catalogue_from = self._connection.made
            version: int = await db.fetchval(_CATALOGUE_VERSION)
            if (kept := self._catalogue.of(version)) is not None:
                return kept, version
            # The shared lock holds back whoever would change batches between the two reads.
            await db.execute(_BEGIN_FOLD)
            version = await db.fetchval(_CATALOGUE_VERSION)
            rows = await db.fetch("SELECT header FROM batches")
            await db.execute("COMMIT")
        return self._catalogue.keep(version, (row[0] for row in rows)), version

    async def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        reassessed: Reassessment | None = None,
        settled: Pending | None = None,
    ) -> set[ItemId]:
        """See `LedgerWriter.write`."""
        rows = sorted(
            (to_key(c.item), c.history, c.version + 1, encode_signals(c.signals)) for c in changes
        )
        async with self._connection.use() as db:
            await db.execute(_BEGIN_FOLD)
            current = await db.fetchval(_CATALOGUE_VERSION) == registry_version
            if current:
                keys = await _written(db, rows)
                written = [change for change in changes if to_key(change.item) in keys]
                met = {change.item for change in changes if to_key(change.item) not in keys}
                await _write_clues(db, written)
                if reassessed and not met:
                    await _write_reassessed(db, reassessed)
                if settled and not met:
                    await db.execute(_SETTLE, settled.numbers)
                await _write_alerts(db, [a for c in written for a in c.alerts], to_epoch_ms(at))
                await self._commit(db)
            else:
                await db.execute("ROLLBACK")
        if not current:
            raise BatchRegistryChanged
        return met

    async def accept_batches(self, batches: Sequence[Batch], at: datetime) -> None:  # noqa: ARG002
        """See `LedgerWriter.accept_batches`. Waits for the folds that are writing."""
        if not batches:
            return
        keys = sorted({(batch.issuer, batch.batch_id) for batch in batches})
        async with self._connection.use() as db:
            await db.execute(_BEGIN_BATCHES)
            rows = await db.fetch(
                "SELECT header FROM batches WHERE (issuer, batch_id)"
                " IN (SELECT * FROM unnest($1::text[], $2::text[]))",
                *map(list, zip(*keys, strict=True)),
            )
            known = [decode_batch(row[0]) for row in rows]
            changed, gtins = standing_after({(b.issuer, b.batch_id): b for b in known}, batches)
            if changed:
                await db.execute(
                    _WRITE_BATCHES,
                    [batch.issuer for batch in changed],
                    [batch.batch_id for batch in changed],
                    [batch.gtin for batch in changed],
                    [encode_batch(batch) for batch in changed],
                )
                await db.execute(_JUDGE_ANEW, gtins)
            await self._commit(db)

    async def accept_trust_list(self, document: bytes, version: int, at: datetime) -> None:
        """See `AsyncLedgerWriter.accept_trust_list`."""
        async with self._connection.use() as db:
            await db.execute(
                "INSERT INTO trust_lists (version, document, accepted_ms) VALUES ($1, $2, $3)"
                " ON CONFLICT (version) DO NOTHING",
                version, document, to_epoch_ms(at),
            )  # fmt: skip

    async def trust_list(self) -> bytes | None:
        """See `AsyncLedgerWriter.trust_list`."""
        async with self._connection.use() as db:
            document: bytes | None = await db.fetchval(
                "SELECT document FROM trust_lists ORDER BY version DESC LIMIT 1"
            )
        return document

    async def trust_version(self) -> int:
        """See `AsyncLedgerWriter.trust_version`."""
        async with self._connection.use() as db:
            return int(await db.fetchval("SELECT coalesce(max(version), 0) FROM trust_lists"))

    async def next_reassessment(self, limit: int) -> Reassessment | None:
        """See `LedgerWriter.next_reassessment`."""
        async with self._connection.use() as db:
            row = await db.fetchrow(
                "SELECT gtin, passed, catalogue_version FROM reassessments ORDER BY gtin LIMIT 1"
            )
            if row is None:
                return None
            gtin, passed, version = row
            # "0" follows "/" in the order of bytes: all items with this GTIN, and none of its
            # batches.
            keys = await db.fetch(
                "SELECT item FROM items WHERE item > $1 AND item < $2 ORDER BY item LIMIT $3",
                max(passed, f"{gtin}/21/"), f"{gtin}/210", limit,
            )  # fmt: skip
        return Reassessment(gtin, version, [from_key(key) for (key,) in keys])

    async def next_pending(self, limit: int) -> Pending | None:
        """See `LedgerWriter.next_pending`."""
        async with self._connection.use() as db:
            entries = await db.fetch(
                "SELECT number, subject FROM subjects_due ORDER BY number LIMIT $1",
                ENTRIES_AT_ONCE,
            )
        return pending_of(entries, limit)

    async def signals_about(self, subject: EntityId) -> list[Signal]:
        """See `LedgerWriter.signals_about`."""
        async with self._connection.use() as db:
            rows = await db.fetch(
                "SELECT item, sign, rest FROM clues WHERE subject = $1"
                " ORDER BY item, sign LIMIT $2",
                to_key(subject), MAX_SIGNALS_ASSESSED,
            )  # fmt: skip
        return [signal_of(subject, *row) for row in rows]

    async def close(self) -> None:
        """See `AsyncLedgerWriter.close`."""
        await self._connection.close()

    async def _commit(self, db: Connection) -> None:
        """The server answers COMMIT with ROLLBACK where it has given up before."""
        if await db.execute("COMMIT") != "COMMIT":
            raise LedgerUnavailableError(
                f"the ledger {self._address} did not commit", next_step="try again"
            )


async def _written(
    db: Connection, rows: Sequence[tuple[str, bytes, int, bytes | None]]
) -> set[str]:
    """Write those whose version is still the one before; their keys."""
    if not rows:
        return set()
    columns = map(list, zip(*rows, strict=True))
    return {row[0] for row in await db.fetch(_WRITE_ITEMS, *columns)}


async def _write_clues(db: Connection, changes: Sequence[ItemChange]) -> None:
    """Nobody else touches the signals of an item whose row is being written."""
    changed = signal_changes(changes)
    if changed is None:
        return
    if changed.gone:
        subjects, items, signs, _ = map(list, zip(*changed.gone, strict=True))
        await db.execute(_DELETE_CLUES, subjects, items, signs)
    columns = map(list, zip(*changed.come, strict=True)) if changed.come else ([], [], [], [])
    await db.execute(_WRITE_CLUES, changed.due, *columns)


async def _write_alerts(db: Connection, alerts: Sequence[Alert], at_ms: int) -> None:
    if not alerts:
        return
    columns = (
        [alert.id for alert in alerts],
        [to_key(alert.item) for alert in alerts],
        [alert.kind for alert in alerts],
        [alert.severity for alert in alerts],
        [alert.retracted for alert in alerts],
        [encode_alert(alert) for alert in alerts],
    )
    await db.execute(_ORDER_FEED)
    await db.execute(_WRITE_ALERTS, at_ms, *columns)


async def _write_reassessed(db: Connection, reassessed: Reassessment) -> None:
    """Move on, unless a newer change of the catalogue has set this product back."""
    which = (reassessed.gtin, reassessed.registry_version)
    if reassessed.items:
        await db.execute(
            "UPDATE reassessments SET passed = $3 WHERE gtin = $1 AND catalogue_version = $2",
            *which, to_key(reassessed.items[-1]),
        )  # fmt: skip
    else:
        await db.execute(
            "DELETE FROM reassessments WHERE gtin = $1 AND catalogue_version = $2", *which
        )
