"""SQLite as the ledger uses it: connections, and its errors translated."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from authenticity.errors import LedgerUnavailableError

BUSY_TIMEOUT_S = 5.0


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what the database raises into `LedgerUnavailableError`."""
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise LedgerUnavailableError(
            f"the ledger {path.name} cannot be used: {cause}",
            next_step="check free space and permissions of the data folder, then try again",
        ) from error


def open_connection(path: Path) -> sqlite3.Connection:
    """A plain connection, in autocommit mode: the hot statements begin and commit by hand."""
    with translate_errors(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        # The position is in the same file: after lost power both fall back alike.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-65536")
        return connection


def open_engine(path: Path, *, begin: str = "BEGIN IMMEDIATE") -> Engine:
    """SQLAlchemy on the same file. A transaction takes the write lock at its beginning, so
    that none fails half-way for having read before; one that only reads says plain BEGIN."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _by_hand(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
