"""Reading on SQLite."""

from pathlib import Path

import pytest

from authenticity.errors import LedgerUnavailableError
from ledger.opening import migrate, open_reader
from tests.contracts.ledger.reading import ReadingContract


class TestReadingOnSqlite(ReadingContract):
    """See `tests.contracts.ledger`."""


async def test_a_ledger_that_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(LedgerUnavailableError, match="cannot be used"):
        migrate(path)
    reader = open_reader(path)
    with pytest.raises(LedgerUnavailableError):
        await reader.ping()
    await reader.close()
