"""What a ledger knows of the installation that it is of: the fingerprint of its secret.

The scans of a ledger carry hashes under one secret. Its fingerprint tells whether a secret is
that one, and nothing else of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import delete, select, text

from ledger import schema
from ledger.address import LedgerAddress
from ledger.database import Database

_SECRET: Final = "secret"  # noqa: S105 - the name of a row
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
    """Have the next service begin with whatever secret it has; whether one was known. For the
    owner of the tables. Raises as `secret_fingerprint`."""
    table = schema.installation
    with _opened(address) as database, database.writes.begin() as connection:
        gone = connection.execute(delete(table).where(table.c.name == _SECRET))
    return bool(gone.rowcount)


@contextmanager
def _opened(address: LedgerAddress) -> Iterator[Database]:
    database = Database(address)
    with database.translate_errors():
        try:
            yield database
        finally:
            database.close()
