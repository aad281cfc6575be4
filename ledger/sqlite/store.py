"""`LedgerStore` on SQLite: the fold's hot statements by hand on the driver.

The statements run on the caller's event loop and block it. The one engine that has its ledger
in a file runs on a loop and a thread of its own, where nothing else waits: a thread for each
statement would only make it slower.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import SIGNAL_KINDS
from authenticity.detection.item_state import ItemChange, KnownItem
from authenticity.detection.signals import MAX_SIGNALS_ASSESSED, Signal
from authenticity.gs1.item import EntityId, ItemId
from authenticity.records.batch_registry import BatchRegistry, Question
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.dead_letter import kept_bytes
from authenticity.records.part_statement import PartRank, SignedPart, rank_of_part
from authenticity.records.scan import to_epoch_ms
from ledger.batch_cache import (
    BatchKey,
    CachedBatchRegistry,
    PartPlace,
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
from ledger.protocols import BatchRegistryChanged, Pending, Progress, Reassessment
from ledger.queries.signal_rows import (
    ENTRIES_AT_ONCE,
    encode_signals,
    pending_of,
    signal_changes,
    signal_of,
)
from ledger.records import encode_alert, from_key, to_key
from ledger.sqlite.connection import open_connection, translate_errors


class SqliteStore:
    """One connection. SQLite has one writer at a time, which orders the feed; that no lock is
    held while Python works is what lets several processes fold at once."""

    def __init__(self, path: Path) -> None:
        """Open a migrated ledger; raises `LedgerUnavailableError`."""
        self._path = path
        self._db = open_connection(path)
        self._registry = CachedBatchRegistry()

    async def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        """See `LedgerStore.known`. All of it is of one snapshot."""
        keys = json.dumps([to_key(item) for item in items])
        with self._transaction("BEGIN"):
            rows = self._db.execute(
                "SELECT item, history, version, clues FROM items"
                " WHERE item IN (SELECT value FROM json_each(?))",
                (keys,),
            ).fetchall()
            alerts = self._db.execute(
                "SELECT item, alert FROM alerts WHERE item IN (SELECT value FROM json_each(?))",
                (keys,),
            ).fetchall()
        return known_items(rows, alerts)

    async def batch_registry(self) -> tuple[BatchRegistry, int]:
        """See `LedgerStore.batch_registry`."""
        with self._transaction("BEGIN"):
            [(version,)] = self._db.execute("SELECT version FROM catalogue")
            if (kept := self._registry.of(version)) is not None:
                return kept, version
            headers = self._db.execute("SELECT header FROM batches").fetchall()
        return self._registry.keep(version, (header for (header,) in headers)), version

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
        with self._transaction():
            [(version,)] = self._db.execute("SELECT version FROM catalogue")
            if version != registry_version:
                raise BatchRegistryChanged
            conflicts = self._conflicts(changes)
            written = [c for c in changes if c.item not in conflicts] if conflicts else changes
            self._write_items(written)
            self._write_signals(written)
            self._write_alerts([a for change in written for a in change.alerts], to_epoch_ms(at))
            if not conflicts:
                self._write_progress(progress)
                if reassessed:
                    self._write_reassessed(reassessed)
                if acknowledged:
                    self._acknowledge(acknowledged)
        return conflicts

    async def memberships(self, questions: Collection[Question]) -> dict[Question, bool]:
        """See `LedgerStore.memberships`."""
        cache = self._registry.parts
        answers, missing = cache.ask(questions)
        for issuer, batch_id, asked in in_groups(missing):
            with translate_errors(self._path):
                rows = self._db.execute(
                    "SELECT sha256, content FROM serial_parts WHERE issuer = ? AND batch_id = ?"
                    " AND number IN (SELECT value FROM json_each(?))",
                    (issuer, batch_id, json.dumps([part.number for part in asked])),
                ).fetchall()
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
        """See `LedgerStore.accept_batches`."""
        with self._transaction():
            changes = changes_after(
                self._known_batches(batches_of(statements, parts)),
                statements,
                self._known_parts(places_of(parts)),
                parts,
            )
            self._db.executemany(
                "INSERT INTO batches (issuer, batch_id, gtin, header) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (issuer, batch_id) DO UPDATE"
                " SET gtin = excluded.gtin, header = excluded.header",
                [(*key_of(each), each.batch.gtin, row_of(each)) for each in changes.statements],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO serial_parts"
                " (issuer, batch_id, number, key_slot, revision, sha256, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(*place_of(x), *rank_of_part(x), x.part.serials) for x in changes.parts],
            )
            if changes.gtins:
                self._have_reassessed(changes.gtins)
            self._write_progress(progress)

    async def unstated(self, batches: Collection[BatchKey]) -> set[BatchKey]:
        """See `LedgerStore.unstated`."""
        with translate_errors(self._path):
            return {
                key
                for key in batches
                if self._db.execute(
                    "SELECT 1 FROM batches WHERE issuer = ? AND batch_id = ?", key
                ).fetchone()
                is None
            }

    async def unclaimed_parts(self, issuer: str) -> int:
        """See `LedgerStore.unclaimed_parts`."""
        with translate_errors(self._path):
            row = self._db.execute(UNCLAIMED_PARTS.replace("$1", "?"), (issuer,)).fetchone()
        return int(row[0])

    async def accept_trust_list(
        self,
        document: bytes | None,
        version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
    ) -> None:
        """See `LedgerStore.accept_trust_list`."""
        with self._transaction():
            if document is not None:
                self._db.execute(
                    "INSERT INTO trust_lists (version, document, accepted_ms) VALUES (?, ?, ?)"
                    " ON CONFLICT (version) DO NOTHING",
                    (version, document, to_epoch_ms(at)),
                )
            self._write_progress(progress)

    async def trust_list(self) -> bytes | None:
        """See `LedgerStore.trust_list`."""
        with translate_errors(self._path):
            row = self._db.execute(
                "SELECT document FROM trust_lists ORDER BY version DESC LIMIT 1"
            ).fetchone()
        return row[0] if row else None

    async def trust_version(self) -> int:
        """See `LedgerStore.trust_version`."""
        with translate_errors(self._path):
            row = self._db.execute("SELECT coalesce(max(version), 0) FROM trust_lists").fetchone()
        return int(row[0])

    async def position(self, source: str) -> int:
        """See `LedgerStore.position`."""
        with translate_errors(self._path):
            row = self._db.execute(
                "SELECT position FROM positions WHERE source = ?", (source,)
            ).fetchone()
        return int(row[0]) if row else 0

    async def is_durable(self) -> bool:
        """See `LedgerStore.is_durable`. Commits are not flushed here, checkpoints are."""
        with translate_errors(self._path):
            row = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        blocked, frames, copied = row
        return not blocked and bool(frames == copied)

    async def next_reassessment(self, limit: int) -> Reassessment | None:
        """See `LedgerStore.next_reassessment`."""
        with self._transaction("BEGIN"):
            row = self._db.execute(
                "SELECT gtin, passed, catalogue_version FROM reassessments LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            gtin, passed, version = row
            # "0" follows "/" in the order of characters: all items with this GTIN, and none of
            # its batches.
            keys = self._db.execute(
                "SELECT item FROM items WHERE item > ? AND item < ? ORDER BY item LIMIT ?",
                (max(passed, f"{gtin}/21/"), f"{gtin}/210", limit),
            ).fetchall()
        return Reassessment(gtin, version, [from_key(key) for (key,) in keys])

    async def next_pending(self, limit: int) -> Pending | None:
        """See `LedgerStore.next_pending`."""
        with translate_errors(self._path):
            entries = self._db.execute(
                "SELECT number, subject FROM subjects_due ORDER BY number LIMIT ?",
                (ENTRIES_AT_ONCE,),
            ).fetchall()
        return pending_of(entries, limit)

    async def signals_about(self, entity: EntityId) -> list[Signal]:
        """See `LedgerStore.signals_about`."""
        with translate_errors(self._path):
            rows = [
                row
                for kind in SIGNAL_KINDS
                for row in self._db.execute(
                    "SELECT item, sign, rest FROM clues WHERE subject = ? AND sign = ?"
                    " ORDER BY item LIMIT ?",
                    (to_key(entity), kind, MAX_SIGNALS_ASSESSED),
                )
            ]
        return sorted(signal_of(entity, *row) for row in rows)

    async def close(self) -> None:
        """See `LedgerStore.close`."""
        self._db.close()

    def _conflicts(self, changes: Sequence[ItemChange]) -> set[ItemId]:
        read = {to_key(change.item): change.version for change in changes}
        now = dict(
            self._db.execute(
                "SELECT item, version FROM items WHERE item IN (SELECT value FROM json_each(?))",
                (json.dumps(list(read)),),
            ).fetchall()
        )
        return {from_key(key) for key, version in read.items() if now.get(key, 0) != version}

    def _write_items(self, changes: Sequence[ItemChange]) -> None:
        self._db.executemany(
            "INSERT INTO items (item, history, version, clues) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (item) DO UPDATE SET history = excluded.history,"
            " version = excluded.version, clues = excluded.clues",
            sorted(
                (to_key(c.item), c.history, c.version + 1, encode_signals(c.signals))
                for c in changes
            ),
        )

    def _write_signals(self, changes: Sequence[ItemChange]) -> None:
        changed = signal_changes(changes)
        if changed is None:
            return
        self._db.executemany(
            "DELETE FROM clues WHERE subject = ? AND item = ? AND sign = ?",
            [row[:3] for row in changed.gone],
        )
        self._db.executemany(
            "INSERT INTO clues (subject, item, sign, rest) VALUES (?, ?, ?, ?)", changed.come
        )
        self._db.executemany(
            "INSERT INTO subjects_due (subject) VALUES (?)", [(key,) for key in changed.pending]
        )

    def _write_alerts(self, alerts: Sequence[Alert], at_ms: int) -> None:
        if not alerts:
            return
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'feed'").fetchone()
        first = (row[0] if row else 0) + 1
        numbered = [
            (number, to_key(alert.item), at_ms, encode_alert(alert), alert)
            for number, alert in enumerate(alerts, first)
        ]
        self._db.executemany(
            "INSERT INTO feed (number, item, at_ms, alert) VALUES (?, ?, ?, ?)",
            [row[:4] for row in numbered],
        )
        self._db.executemany(
            "INSERT INTO alerts (id, item, kind, severity, retracted, alert,"
            " raised_number, raised_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET severity = excluded.severity,"
            " retracted = excluded.retracted, alert = excluded.alert,"
            " updated_ms = excluded.updated_ms",
            [
                (a.id, key, a.kind, a.severity, a.retracted, encoded, number, at_ms, at_ms)
                for number, key, _, encoded, a in numbered
            ],
        )

    def _write_progress(self, progress: Progress | None) -> None:
        if progress is None:
            return
        self._db.execute(
            "INSERT INTO positions (source, position) VALUES (?, ?) ON CONFLICT (source)"
            " DO UPDATE SET position = max(position, excluded.position)",
            (progress.source, progress.position),
        )
        self._db.executemany(
            "INSERT INTO dead_letters (source, position, reason, at_ms, raw, bytes)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source, position) DO NOTHING",
            [
                (progress.source, x.offset, x.reason, to_epoch_ms(x.at), kept_bytes(x), x.bytes)
                for x in progress.dead_letters
            ],
        )

    def _write_reassessed(self, reassessed: Reassessment) -> None:
        """Move on, unless a newer change of the batches has set this product back."""
        which = (reassessed.gtin, reassessed.registry_version)
        if reassessed.items:
            self._db.execute(
                "UPDATE reassessments SET passed = ? WHERE gtin = ? AND catalogue_version = ?",
                (to_key(reassessed.items[-1]), *which),
            )
        else:
            self._db.execute(
                "DELETE FROM reassessments WHERE gtin = ? AND catalogue_version = ?", which
            )

    def _acknowledge(self, pending: Pending) -> None:
        self._db.execute(
            "DELETE FROM subjects_due WHERE number IN (SELECT value FROM json_each(?))",
            (json.dumps(pending.numbers),),
        )

    def _known_batches(self, batches: Sequence[BatchKey]) -> dict[BatchKey, BatchStatement]:
        """What stands about these."""
        known: dict[BatchKey, BatchStatement] = {}
        for key in batches:
            for (header,) in self._db.execute(
                "SELECT header FROM batches WHERE issuer = ? AND batch_id = ?", key
            ):
                known[key] = read_row(header)
        return known

    def _known_parts(self, places: Sequence[PartPlace]) -> dict[PartPlace, PartRank]:
        """The rank of what is kept there."""
        kept: dict[PartPlace, PartRank] = {}
        for place in places:
            for row in self._db.execute(
                "SELECT key_slot, revision, sha256 FROM serial_parts"
                " WHERE issuer = ? AND batch_id = ? AND number = ?",
                place,
            ):
                kept[place] = row
        return kept

    def _have_reassessed(self, gtins: Sequence[str]) -> None:
        self._db.execute("UPDATE catalogue SET version = version + 1")
        self._db.executemany(
            "INSERT INTO reassessments (gtin, passed, catalogue_version)"
            " VALUES (?, '', (SELECT version FROM catalogue)) ON CONFLICT (gtin)"
            " DO UPDATE SET passed = '', catalogue_version = excluded.catalogue_version",
            [(gtin,) for gtin in gtins],
        )

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        with translate_errors(self._path):
            self._db.execute(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
