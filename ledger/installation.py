"""What a ledger knows of the installation that it is of: the fingerprint of its secret.

The scans of a ledger carry hashes under one secret. Its fingerprint tells whether a secret is
that one, and nothing else of it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from sqlalchemy import delete, select, text

from authenticity.history.history import decode_history
from ledger import schema
from ledger.address import LedgerAddress
from ledger.database import Database

_SECRET: Final = "secret"  # noqa: S105 - the names of rows
_FORGOTTEN: Final = "secret forgotten"
_HISTORIES_READ: Final = 100_000
_AT_ONCE: Final = 1_000
_NOTE: Final = text(
    "INSERT INTO installation (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING"
)


def secret_fingerprint(address: LedgerAddress) -> bytes | None:
    """That of the secret which a service of this ledger used first; None before the first.

    For a migrated ledger. Raises `LedgerUnavailableError`.
    """
    table = schema.installation
    with _opened(address) as database, database.reads.begin() as connection:
        known = connection.scalar(select(table.c.value).where(table.c.name == _SECRET))
    return None if known is None else bytes(known)


def note_secret(address: LedgerAddress, fingerprint: bytes) -> bytes:
    """Keep this fingerprint unless one is kept; the one that is kept then. Of several that
    note theirs at once, all are given the same. Raises as `secret_fingerprint`."""
    with _opened(address) as database, database.writes.begin() as connection:
        connection.execute(_NOTE, {"name": _SECRET, "value": fingerprint})
    return secret_fingerprint(address) or fingerprint


def forget_secret(address: LedgerAddress) -> bool:
    """Have the next service begin with whatever secret it has, or with a new one; whether one
    was known. For the owner of the tables. Raises as `secret_fingerprint`."""
    table = schema.installation
    with _opened(address) as database, database.writes.begin() as connection:
        gone = connection.execute(delete(table).where(table.c.name == _SECRET))
        connection.execute(_NOTE, {"name": _FORGOTTEN, "value": b""})
    return bool(gone.rowcount)


def may_begin_anew(address: LedgerAddress) -> bool:
    """Whether the owner said that the secret is lost (`forget_secret`). Raises likewise."""
    table = schema.installation
    with _opened(address) as database, database.reads.begin() as connection:
        marks = select(table.c.name).where(table.c.name == _FORGOTTEN)
        return connection.scalar(marks) is not None


def has_keyed_histories(address: LedgerAddress) -> bool:
    """Whether histories hold hashes of networks, which only a secret makes: of the first
    100,000 items that it has. Raises as `secret_fingerprint`."""
    table = schema.items
    some = select(table.c.history).order_by(table.c.item).limit(_HISTORIES_READ)
    with _opened(address) as database, database.reads.begin() as connection:
        streamed = connection.execution_options(yield_per=_AT_ONCE)
        with closing(streamed.scalars(some)) as rows:
            return any(
                observation.network
                for raw in rows
                for observation in decode_history(bytes(raw)).observations
            )


@contextmanager
def _opened(address: LedgerAddress) -> Iterator[Database]:
    database = Database(address)
    with database.translate_errors():
        try:
            yield database
        finally:
            database.close()
