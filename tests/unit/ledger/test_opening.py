"""A ledger in a file that is not ready is refused, with the way to make it so."""

import sqlite3
from pathlib import Path

import pytest

from authenticity.errors import ConfigurationError
from ledger.opening import migrate, require_current


def test_a_ledger_of_this_program_is_ready_and_migrating_it_again_changes_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "deep" / "ledger.sqlite"
    revision = migrate(path)
    require_current(path)
    assert migrate(path) == revision


def test_one_without_tables_or_of_another_revision_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(ConfigurationError, match="it has no tables yet") as refusal:
        require_current(path)
    assert "touchstone migrate" in refusal.value.next_step
    migrate(path)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(ConfigurationError, match="its tables are of revision 9999"):
        require_current(path)
