"""Open a ledger, and bring its tables up to date."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from authenticity.errors import ConfigurationError
from ledger.address import LedgerAddress
from ledger.database import Database
from ledger.postgres.server import LOCKS, LONG, MIGRATION_LOCK
from ledger.postgres.store import PostgresStore
from ledger.protocols import LedgerReader, LedgerStore
from ledger.queries.reader import SqlReader
from ledger.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where it is used: a worker that starts again has no time for it.


def open_store(address: LedgerAddress) -> LedgerStore:
    """For an engine, on a migrated ledger. A database is connected to when it is first used, a
    file is opened at once: raises `LedgerUnavailableError`."""
    return SqliteStore(address) if isinstance(address, Path) else PostgresStore(address)


def open_reader(address: LedgerAddress) -> LedgerReader:
    """For the service, on a migrated ledger; connects when first used."""
    return SqlReader(address)


def migrate(address: LedgerAddress) -> str:
    """Upgrade the tables, and return the revision they have then. Safe for several at once.

    A file is made if it is not there; a database of PostgreSQL must be there. Raises
    `LedgerUnavailableError`.
    """
    from alembic import command

    database = Database(address, patience=LONG)
    with database.translate_errors():
        if isinstance(address, Path):
            address.parent.mkdir(parents=True, exist_ok=True)
        config = _config()
        try:
            with database.writes.begin() as connection:
                if not isinstance(address, Path):
                    key = {"ours": LOCKS, "one": MIGRATION_LOCK}
                    connection.execute(text("SELECT pg_advisory_xact_lock(:ours, :one)"), key)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            database.close()
    return newest_revision()


def require_current(address: LedgerAddress) -> None:
    """Raise `ConfigurationError` if the tables are not those this program knows.

    Raises `LedgerUnavailableError` too.
    """
    from alembic.migration import MigrationContext

    database = Database(address)
    with database.translate_errors():
        try:
            with database.reads.begin() as connection:
                found = MigrationContext.configure(connection).get_current_revision()
        finally:
            database.close()
    if found != newest_revision():
        where = address.name if isinstance(address, Path) else address
        what = f"its tables are of revision {found}" if found else "it has no tables yet"
        raise ConfigurationError(
            f"the ledger {where} is not ready for this program: {what}",
            next_step="bring it up to date: touchstone migrate",
        )


def newest_revision() -> str:
    """Of the tables that this program knows."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
