"""Open a ledger, and bring its tables up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from ledger.fold import LedgerWriter
from ledger.reading import LedgerReader
from ledger.sqlite import in_words, open_engine
from ledger.sqlite_fold import SqliteWriter
from ledger.sqlite_reader import SqliteReader


def open_writer(path: Path) -> LedgerWriter:
    """For an engine, on a migrated ledger. Raises `LedgerUnavailableError`."""
    return SqliteWriter(path)


def open_reader(path: Path) -> LedgerReader:
    """For the service, on a migrated ledger."""
    return SqliteReader(path)


def migrate(path: Path) -> None:
    """Make the ledger if it is not there, and upgrade its tables. Safe for several at once.

    Raises `LedgerUnavailableError`.
    """
    with in_words(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        engine = open_engine(path)
        try:
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            engine.dispose()
