"""PostgreSQL as the ledger uses it: connections, locks, and its errors translated.

Two drivers: asyncpg for the fold, psycopg under SQLAlchemy for everything else. What both
may raise is turned into `LedgerUnavailableError` here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from authenticity.errors import LedgerUnavailableError
from ledger.address import PostgresAddress

if TYPE_CHECKING:
    from sqlalchemy import Engine

CONNECT_WITHIN_S: Final = 5
COMMAND_WITHIN_S: Final = 20.0
"""A server that does not answer at all; above every limit that the server itself keeps."""

LOCKS: Final = 1_953_460_083
"""First half of the key of every advisory lock of ours ("tous" in ASCII)."""
BATCH_REGISTRY_LOCK: Final = 1
FEED_LOCK: Final = 2
LEADER_LOCK: Final = 3
MIGRATION_LOCK: Final = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the server lets a statement run, wait for a lock, and a transaction idle.

    A worker that is suspended in the middle of a transaction holds locks that the others
    wait for; it loses its connection before they lose their patience.
    """

    statement_s: int
    lock_s: int
    idle_s: int


SHORT: Final = Patience(statement_s=15, lock_s=8, idle_s=4)
LONG: Final = Patience(statement_s=600, lock_s=300, idle_s=600)


def session_settings(patience: Patience) -> dict[str, str]:
    """What every connection asks of the server."""
    return {
        "application_name": "touchstone",
        "statement_timeout": f"{patience.statement_s}s",
        "lock_timeout": f"{patience.lock_s}s",
        "idle_in_transaction_session_timeout": f"{patience.idle_s}s",
        # A client's machine that is gone must not keep its locks for hours.
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "jit": "off",
        # A plan that was kept from when the ledger was empty reads all of it, for each fold.
        "plan_cache_mode": "force_custom_plan",
    }


async def connect(address: PostgresAddress) -> Any:
    """A connection to a server that takes writes. Raises what the driver raises."""
    return await asyncpg.connect(
        address.url,
        timeout=CONNECT_WITHIN_S,
        command_timeout=COMMAND_WITHIN_S,
        server_settings=session_settings(SHORT),
        target_session_attrs="read-write",
    )


def open_engine(
    address: PostgresAddress,
    *,
    connections: int,
    patience: Patience = SHORT,
    target: str = "read-write",
) -> "Engine":
    """SQLAlchemy with a pool that notices when the server was restarted. Connects later.

    `target`: "primary" for those who must go on reading when the server has been made
    read-only, as some are when their disk is full.
    """
    import psycopg
    from sqlalchemy import create_engine

    settings = session_settings(patience)
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_WITHIN_S,
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "target_session_attrs": target,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(address.url, **arguments),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=CONNECT_WITHIN_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )


@contextmanager
def translate_errors(address: PostgresAddress) -> Iterator[None]:
    """Turn what driver, server and network raise into `LedgerUnavailableError`."""
    try:
        yield
    except Exception as error:
        if not _is_outside(error):
            raise
        raise LedgerUnavailableError(
            f"the ledger {address} cannot be used: {_cause(error)}", next_step=_next_step(error)
        ) from error


def _is_outside(error: Exception) -> bool:
    """Whether driver, server or network raised it. Told by the package that its class is
    of, so that nobody has to import a driver that they do not use."""
    if isinstance(error, OSError | EOFError | UnicodeError):  # timeouts too
        return True
    return type(error).__module__.partition(".")[0] in ("asyncpg", "psycopg", "sqlalchemy")


def _cause(error: BaseException) -> str:
    """The first line of what was said: what follows it may show rows."""
    error = getattr(error, "orig", None) or error
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "the server takes no writes"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _next_step(error: BaseException) -> str:
    error = getattr(error, "orig", None) or error
    code = str(getattr(error, "sqlstate", None) or "")
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        code = "25006"
    return next((_NEXT_STEPS[code[:n]] for n in (5, 3, 2) if code[:n] in _NEXT_STEPS), _ELSE)


_ELSE: Final = "see that the server runs, and that TOUCHSTONE_LEDGER names it, user and password"

_NEXT_STEPS: Final = {
    "08": "see that the server runs and can be reached, then try again",
    "25006": "wait for the failover to end, or name the server that takes writes",
    "25P03": "nothing: this program was suspended for too long in a transaction; try again",
    "28": "correct user and password in TOUCHSTONE_LEDGER, or what the server's pg_hba.conf allows",
    "3D000": "create the database, or correct its name in TOUCHSTONE_LEDGER",
    "40": "nothing: it met another writer; try again",
    "42704": "create the roles first, then run it again",
    "42P01": "bring its tables up to date: touchstone migrate",
    "42703": "bring its tables up to date: touchstone migrate",
    "42501": "grant this role what it needs: touchstone migrate --print-grants",
    "53100": "free space on the disk of the database server, then try again",
    "53200": "give the database server more memory, then try again",
    "53300": "raise max_connections of the server, or run fewer workers",
    "55P03": "look in pg_stat_activity for what holds locks for long, then try again",
    "57014": "look in pg_stat_activity for what makes it slow, then try again",
    "57P": "wait until the server is up again, then try again",
    "58": "read the log of the database server: its disk or file system fails",
    "XX": "read the log of the database server; restore it from a backup if files are damaged",
}
"""By SQLSTATE, or by its class (PostgreSQL documentation, appendix A)."""
