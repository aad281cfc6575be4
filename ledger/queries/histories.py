"""The lookup that every check of a code makes: histories by key, on the driver's fast path."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import local
from typing import Final, NamedTuple, Protocol

from sqlalchemy import ARRAY, String, bindparam, text

from ledger.database import Database
from ledger.sqlite.connection import open_connection, translate_errors


class Found(NamedTuple):
    """Encoded histories by key, and the version of the batch registry."""

    histories: dict[str, bytes]
    registry_version: int


class HistoryLookup(Protocol):
    """For several threads. Raises `LedgerUnavailableError`."""

    def find(self, keys: Sequence[str]) -> Found:
        """What is there of these keys."""
        ...


class SqliteHistoryLookup:
    """By hand on the driver, which is ten times as fast; a connection a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = local()

    def find(self, keys: Sequence[str]) -> Found:
        """See `HistoryLookup.find`."""
        connection = self._connection()
        histories: dict[str, bytes] = {}
        with translate_errors(self._path):
            for key in keys:
                row = connection.execute(
                    "SELECT history FROM items WHERE item = ?", (key,)
                ).fetchone()
                if row:
                    histories[key] = row[0]
            [(version,)] = connection.execute("SELECT version FROM catalogue")
        return Found(histories, version)

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._own, "connection"):
            self._own.connection = open_connection(self._path)
            self._own.connection.execute("PRAGMA query_only=ON")
        connection: sqlite3.Connection = self._own.connection
        return connection


class PostgresHistoryLookup:
    """One statement for all of them: what costs is the way to the server."""

    _FIND: Final = text(
        "SELECT c.version, i.item, i.history FROM catalogue AS c"
        " LEFT JOIN items AS i ON i.item = ANY(:keys)"
    ).bindparams(bindparam("keys", type_=ARRAY(String)))

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, keys: Sequence[str]) -> Found:
        """See `HistoryLookup.find`."""
        with self._database.translate_errors(), self._database.statements.connect() as connection:
            rows = connection.execute(self._FIND, {"keys": list(keys)}).all()
        return Found({key: history for _, key, history in rows if key is not None}, rows[0][0])
