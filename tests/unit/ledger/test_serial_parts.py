"""Serial lists on SQLite."""

from tests.contracts.ledger.part_keeping import PartsContract


class TestPartsOnSqlite(PartsContract):
    """See `tests.contracts.ledger`."""
