"""`LedgerStore` on PostgreSQL: the fold's hot statements by hand on the driver.

```
write: 1. begin; share the registry's lock         many folds at once, no change of batches
       2. is the registry's version still ours?    in a statement that begins after 1
       3. write the items whose version we read    in sorted order: no two folds deadlock
       4. their signals, and the entities pending  rows of items that are ours until 6
       5. take the feed's lock; number the changes held until the commit, so that numbers
                                                   become visible in their order
       6. commit
```
The lock on the batch registry is exclusive for whoever changes batches; the feed's is taken last,
and only by those who have alerts to write. Isolation is READ COMMITTED: each statement sees
what was committed before it began, hence what was committed before its lock was given.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import SIGNAL_KINDS
from authenticity.detection.item_state import ItemChange, KnownItem
from authenticity.detection.signals import MAX_SIGNALS_ASSESSED, Signal
from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import EntityId, ItemId
from authenticity.records.batch_registry import BatchRegistry, Question
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.dead_letter import kept_bytes
from authenticity.records.part_statement import SignedPart, rank_of_part
from authenticity.records.scan import to_epoch_ms
from ledger.address import PostgresAddress
from ledger.batch_cache import (
    BatchKey,
    CachedBatchRegistry,
    batches_of,
    changes_after,
    key_of,
    place_of,
    places_of,
    read_row,
    row_of,
)
from ledger.known_items import known_items
from ledger.part_cache import UNCLAIMED_PARTS, in_groups
from ledger.postgres import statements as sql
from ledger.postgres.connection import Connection, OwnConnection
from ledger.protocols import BatchRegistryChanged, Pending, Progress, Reassessment
from ledger.queries.signal_rows import (
    ENTRIES_AT_ONCE,
    encode_signals,
    pending_of,
    signal_changes,
    signal_of,
)
from ledger.records import encode_alert, from_key, to_key


class PostgresStore:
    """One connection, which comes back by itself. No lock is held while Python works."""

    def __init__(self, address: PostgresAddress) -> None:
        """For a migrated ledger; connects when first used."""
        self._connection = OwnConnection(address)
        self._address = address
        self._registry = CachedBatchRegistry()
        self._registry_from = 0

    async def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        """See `LedgerStore.known`. All of it is of one snapshot."""
        keys = sorted(map(to_key, items))
        async with self._connection.use() as db:
            rows = await db.fetch(sql.KNOWN, keys)
        of_items = (row for row in rows if row[2])
        alerts = ((key, encoded) for key, encoded, version, _ in rows if not version)
        return known_items(of_items, alerts)

    async def batch_registry(self) -> tuple[BatchRegistry, int]:
        """See `LedgerStore.batch_registry`."""
        async with self._connection.use() as db:
            if self._registry_from != self._connection.made:
                self._registry.forget()  # after a failover a version may mean something else
                self._registry_from = self._connection.made
            version: int = await db.fetchval(sql.REGISTRY_VERSION)
            if (kept := self._registry.of(version)) is not None:
                return kept, version
            # The shared lock holds back whoever would change batches between the two reads.
            await db.execute(sql.BEGIN_FOLD)
            version = await db.fetchval(sql.REGISTRY_VERSION)
            rows = await db.fetch("SELECT header FROM batches")
            await db.execute("COMMIT")
        return self._registry.keep(version, (row[0] for row in rows)), version

    async def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
        acknowledged: Pending | None = None,
    ) -> set[ItemId]:
        """See `LedgerStore.write`."""
        rows = sorted(
            (to_key(c.item), c.history, c.version + 1, encode_signals(c.signals)) for c in changes
        )
        async with self._connection.use() as db:
            await db.execute(sql.BEGIN_FOLD)
            current = await db.fetchval(sql.REGISTRY_VERSION) == registry_version
            if current:
                keys = await _written(db, rows)
                written = [change for change in changes if to_key(change.item) in keys]
                conflicts = {change.item for change in changes if to_key(change.item) not in keys}
                await _write_signals(db, written)
                if not conflicts:
                    await _write_progress(db, progress)
                    if reassessed:
                        await _write_reassessed(db, reassessed)
                    if acknowledged:
                        await db.execute(sql.ACKNOWLEDGE, acknowledged.numbers)
                await _write_alerts(db, [a for c in written for a in c.alerts], to_epoch_ms(at))
                await self._commit(db)
            else:
                await db.execute("ROLLBACK")
        if not current:
            raise BatchRegistryChanged
        return conflicts

    async def memberships(self, questions: Collection[Question]) -> dict[Question, bool]:
        """See `LedgerStore.memberships`."""
        cache = self._registry.parts
        answers, missing = cache.ask(questions)
        for issuer, batch_id, asked in in_groups(missing):
            numbers = [part.number for part in asked]
            async with self._connection.use() as db:
                rows = await db.fetch(sql.PARTS, issuer, batch_id, numbers)
            for digest, content in rows:
                answers |= cache.answer(digest, content, asked)
        return answers

    async def accept_batches(
        self,
        statements: Sequence[BatchStatement],
        parts: Sequence[SignedPart] = (),
        *,
        progress: Progress | None = None,
    ) -> None:
        """See `LedgerStore.accept_batches`. Waits for the folds that are writing."""
        if not statements and not parts and progress is None:
            return
        keys, places = batches_of(statements, parts), places_of(parts)
        async with self._connection.use() as db:
            await db.execute(sql.BEGIN_BATCHES)
            rows = await db.fetch(sql.KNOWN_BATCHES, *_columns(keys, 2))
            known = [read_row(row[0]) for row in rows]
            kept = await db.fetch(sql.KNOWN_PARTS, *_columns(places, 3))
            changes = changes_after(
                {key_of(each): each for each in known},
                statements,
                {tuple(row[:3]): tuple(row[3:]) for row in kept},
                parts,
            )
            written = [
                (*key_of(each), each.batch.gtin, row_of(each)) for each in changes.statements
            ]
            await db.execute(sql.WRITE_BATCHES, *_columns(written, 4))
            of_parts = [(*place_of(x), *rank_of_part(x), x.part.serials) for x in changes.parts]
            await db.execute(sql.WRITE_PARTS, *_columns(of_parts, 7))
            if changes.gtins:
                await db.execute(sql.REASSESS, changes.gtins)
            await _write_progress(db, progress)
            await self._commit(db)

    async def unstated(self, batches: Collection[BatchKey]) -> set[BatchKey]:
        """See `LedgerStore.unstated`."""
        async with self._connection.use() as db:
            rows = await db.fetch(sql.STATED, *_columns(sorted(batches), 2))
        return set(batches) - {tuple(row) for row in rows}

    async def unclaimed_parts(self, issuer: str) -> int:
        """See `LedgerStore.unclaimed_parts`."""
        async with self._connection.use() as db:
            return int(await db.fetchval(UNCLAIMED_PARTS, issuer))

    async def accept_trust_list(
        self,
        document: bytes | None,
        version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
    ) -> None:
        """See `LedgerStore.accept_trust_list`."""
        async with self._connection.use() as db:
            await db.execute(sql.BEGIN)
            if document is not None:
                await db.execute(sql.WRITE_TRUST_LIST, version, document, to_epoch_ms(at))
            await _write_progress(db, progress)
            await self._commit(db)

    async def trust_list(self) -> bytes | None:
        """See `LedgerStore.trust_list`."""
        async with self._connection.use() as db:
            document: bytes | None = await db.fetchval(
                "SELECT document FROM trust_lists ORDER BY version DESC LIMIT 1"
            )
        return document

    async def trust_version(self) -> int:
        """See `LedgerStore.trust_version`."""
        async with self._connection.use() as db:
            return int(await db.fetchval("SELECT coalesce(max(version), 0) FROM trust_lists"))

    async def position(self, source: str) -> int:
        """See `LedgerStore.position`."""
        async with self._connection.use() as db:
            position = await db.fetchval("SELECT position FROM positions WHERE source = $1", source)
        return int(position or 0)

    async def is_durable(self) -> bool:
        """See `LedgerStore.is_durable`. The server flushes every commit before it answers."""
        return True

    async def next_reassessment(self, limit: int) -> Reassessment | None:
        """See `LedgerStore.next_reassessment`."""
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
        """See `LedgerStore.next_pending`."""
        async with self._connection.use() as db:
            entries = await db.fetch(
                "SELECT number, subject FROM subjects_due ORDER BY number LIMIT $1",
                ENTRIES_AT_ONCE,
            )
        return pending_of(entries, limit)

    async def signals_about(self, entity: EntityId) -> list[Signal]:
        """See `LedgerStore.signals_about`."""
        async with self._connection.use() as db:
            rows = await db.fetch(
                sql.SIGNALS_ABOUT, to_key(entity), SIGNAL_KINDS, MAX_SIGNALS_ASSESSED
            )
        return sorted(signal_of(entity, *row) for row in rows)

    async def close(self) -> None:
        """See `LedgerStore.close`."""
        await self._connection.close()

    async def _commit(self, db: Connection) -> None:
        """The server answers COMMIT with ROLLBACK where it has given up before."""
        if await db.execute("COMMIT") != "COMMIT":
            raise LedgerUnavailableError(
                f"the ledger {self._address} did not commit", next_step="try again"
            )


def _columns(rows: Sequence[Sequence[object]], columns: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(columns)]


async def _written(
    db: Connection, rows: Sequence[tuple[str, bytes, int, bytes | None]]
) -> set[str]:
    """Write those whose version is still the one before; their keys."""
    if not rows:
        return set()
    columns = map(list, zip(*rows, strict=True))
    return {row[0] for row in await db.fetch(sql.WRITE_ITEMS, *columns)}


async def _write_signals(db: Connection, changes: Sequence[ItemChange]) -> None:
    """Nobody else touches the signals of an item whose row is being written."""
    changed = signal_changes(changes)
    if changed is None:
        return
    if changed.gone:
        subjects, items, kinds, _ = map(list, zip(*changed.gone, strict=True))
        await db.execute(sql.DELETE_SIGNALS, subjects, items, kinds)
    columns = map(list, zip(*changed.come, strict=True)) if changed.come else ([], [], [], [])
    await db.execute(sql.WRITE_SIGNALS, changed.pending, *columns)


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
    await db.execute(sql.ORDER_FEED)
    await db.execute(sql.WRITE_ALERTS, at_ms, *columns)


async def _write_progress(db: Connection, progress: Progress | None) -> None:
    if progress is None:
        return
    await db.execute(sql.WRITE_POSITION, progress.source, progress.position)
    if dead_letters := progress.dead_letters:
        await db.execute(
            sql.WRITE_DEAD_LETTERS,
            progress.source,
            [dead_letter.offset for dead_letter in dead_letters],
            [dead_letter.reason for dead_letter in dead_letters],
            [to_epoch_ms(dead_letter.at) for dead_letter in dead_letters],
            [kept_bytes(dead_letter) for dead_letter in dead_letters],
            [dead_letter.bytes for dead_letter in dead_letters],
        )


async def _write_reassessed(db: Connection, reassessed: Reassessment) -> None:
    """Move on, unless a newer change of the batches has set this product back."""
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
