"""The migrations and the schema say the same."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ledger.opening import migrate
from ledger.schema import metadata
from ledger.sqlite.connection import open_engine
from tests.contracts.ledger.upgrading import UpgradingContract


class TestUpgradingOnSqlite(UpgradingContract):
    """See `tests.contracts.ledger`."""

    @pytest.fixture
    def unmigrated(self, tmp_path: Path) -> Path:
        return tmp_path / "ledger.sqlite"


def test_a_migrated_ledger_has_the_tables_of_the_schema_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    migrate(path)
    migrate(path)
    engine = open_engine(path)
    with engine.connect() as connection:
        topic_drift = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert topic_drift == []
