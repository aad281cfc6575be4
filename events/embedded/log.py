"""The event log of the embedded engine: one SQLite file, a table for each topic.

Appends are durable when they return (WAL, `synchronous=FULL`), and several processes may
append: SQLite lets one write at a time, so that offsets become visible in order, and a
reader that resumes after 17 never misses 16. The file is bounded: what every consumer
has passed is dropped by age (`prune`), and past `LogLimits.most_bytes` appends are
refused rather than the disk filled.
"""

import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final, NamedTuple

from authenticity.errors import LogUnavailableError
from events.publisher import Record
from events.topics import BATCHES, SCANS, TRUST, Topic

LOGGED: Final = (SCANS, BATCHES, TRUST)
_TABLE: Final = {topic: f'"{topic.name}"' for topic in LOGGED}


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Bounds of the log file and of waiting for it.

    What every consumer has passed goes when it is older than `kept_days`, or earlier if
    the log is fuller than `crowded_above` of `most_bytes`.
    """

    most_bytes: int = 8 * 2**30
    crowded_above: float = 0.5
    read_bytes: int = 32 * 2**20
    kept_days: int = 30
    busy_timeout_s: float = 5.0
    pruned_at_once: int = 20_000


class Entry(NamedTuple):
    """One record as read. Offsets grow within a topic, with gaps after pruning.

    `appended_s`: when it was appended, in whole seconds since 1970, by the clock of the
    machine that appended it.
    """

    offset: int
    key: bytes
    value: bytes
    appended_s: int


class EmbeddedLog:
    """One process's hold on the log. Not for use by several threads at once."""

    def __init__(self, path: Path, limits: LogLimits | None = None) -> None:
        """Open the log, and make it if it is not there.

        Raises `LogUnavailableError`.
        """
        self._path = path
        self.limits = limits or LogLimits()
        with self._translate_errors("opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path,
                timeout=self.limits.busy_timeout_s,
                isolation_level=None,
                check_same_thread=False,
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            for topic, table in _TABLE.items():
                self._db.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} ("
                    " position INTEGER PRIMARY KEY AUTOINCREMENT,"
                    " key BLOB NOT NULL, value BLOB NOT NULL, appended_s INTEGER NOT NULL)"
                )
                if topic.compacted:
                    index = f'"{topic.name}-by-key"'
                    self._db.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} (key)")
            self.identity = self._identify()

    def source(self, topic: Topic) -> str:
        """Name of a topic of this log, and of no other: a position means nothing elsewhere."""
        return f"{topic.name}@{self.identity}"

    def append(self, records: Sequence[Record]) -> None:
        """All of these or none, on the disk when it returns.

        Raises `LogUnavailableError`: nothing was written.
        """
        now_s = int(time.time())
        rows: dict[Topic, list[tuple[bytes, bytes, int]]] = {}
        for record in records:
            rows.setdefault(record.topic, []).append((record.key, record.value, now_s))
        with self._translate_errors("written"), self._transaction():
            self._refuse_when_full()
            for topic, values in rows.items():
                self._db.executemany(
                    f"INSERT INTO {_TABLE[topic]} (key, value, appended_s) VALUES (?, ?, ?)",  # noqa: S608
                    values,
                )

    def read(self, topic: Topic, after: int, limit: int) -> list[Entry]:
        """At most `limit` records with an offset above `after`, in order.

        Fewer once they have more than `LogLimits.read_bytes`. Raises `LogUnavailableError`.
        """
        entries: list[Entry] = []
        bytes_left = self.limits.read_bytes
        with self._translate_errors("read"):
            rows = self._db.execute(
                f"SELECT position, key, value, appended_s FROM {_TABLE[topic]}"  # noqa: S608
                " WHERE position > ? ORDER BY position LIMIT ?",
                (after, limit),
            )
            with closing(rows):
                for row in rows:
                    entries.append(Entry._make(row))
                    bytes_left -= len(row[2])
                    if bytes_left <= 0:
                        break
        return entries

    def end(self, topic: Topic) -> int:
        """Offset of the newest record ever appended, 0 for none."""
        with self._translate_errors("read"):
            row = self._db.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = ?", (topic.name,)
            ).fetchone()
            return int(row[0]) if row else 0

    def carries(self, topic: Topic, text: bytes) -> bool:
        """Whether any record's value has these bytes. Reads them all where none has.

        Raises `LogUnavailableError`.
        """
        with self._translate_errors("read"):
            query = f"SELECT 1 FROM {_TABLE[topic]} WHERE instr(value, ?) LIMIT 1"  # noqa: S608
            return self._db.execute(query, (text,)).fetchone() is not None

    def prune(self, topic: Topic, passed: int) -> int:
        """Drop records that are old and not above `passed`, a bounded number at once.

        In a crowded log they need not be old: what is passed makes room for what is new.
        Of a compacted topic every record goes that a newer one of its key replaces, and
        none besides. Returns how many went. Raises `LogUnavailableError`.
        """
        table = _TABLE[topic]
        with self._translate_errors("pruned"), self._transaction():
            passed_ones = f"SELECT * FROM {table} a WHERE position <= :passed"  # noqa: S608
            if topic.compacted:
                newest = f"SELECT max(position) FROM {table} b WHERE b.key = a.key"  # noqa: S608
                may_go = f"{passed_ones} AND position < ({newest}) LIMIT :most"
            else:  # only the oldest few are considered, or an append would wait long
                oldest = f"{passed_ones} ORDER BY position LIMIT :most"
                may_go = f"SELECT * FROM ({oldest}) WHERE appended_s < :before_s"  # noqa: S608
            cursor = self._db.execute(
                f"DELETE FROM {table} WHERE position IN (SELECT position FROM ({may_go}))",  # noqa: S608
                {
                    "passed": passed,
                    "most": self.limits.pruned_at_once,
                    "before_s": self._outdated_before_s(),
                },
            )
            return cursor.rowcount

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _identify(self) -> str:
        self._db.execute("CREATE TABLE IF NOT EXISTS log (one INTEGER PRIMARY KEY, identity TEXT)")
        self._db.execute(
            "INSERT INTO log VALUES (1, ?) ON CONFLICT (one) DO NOTHING", (secrets.token_hex(8),)
        )
        [(identity,)] = self._db.execute("SELECT identity FROM log")
        return str(identity)

    def _outdated_before_s(self) -> float:
        """Appended before this, a passed record may go: at any time if the log is crowded."""
        if self._used_bytes() > self.limits.crowded_above * self.limits.most_bytes:
            return inf
        return time.time() - self.limits.kept_days * 86_400

    def _used_bytes(self) -> int:
        """What holds records; pages freed by pruning are used again and do not count."""
        [(pages,)] = self._db.execute("PRAGMA page_count")
        [(free,)] = self._db.execute("PRAGMA freelist_count")
        [(page_bytes,)] = self._db.execute("PRAGMA page_size")
        return int((pages - free) * page_bytes)

    def _refuse_when_full(self) -> None:
        if self._used_bytes() > self.limits.most_bytes:
            raise LogUnavailableError(
                f"the event log {self._path.name} has reached {self.limits.most_bytes:,} bytes",
                next_step="start the engine to pass what is waiting, or raise the limit",
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _translate_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LogUnavailableError(
                f"the event log {self._path.name} cannot be {what}: {error}",
                next_step="check free space and permissions of the data folder, then try again",
            ) from error
