"""How commands get at the ledger: a file in the data folder, or TOUCHSTONE_LEDGER's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.support.console import fail
from cli.support.data import DataFolder
from ledger.address import LedgerAddress

if TYPE_CHECKING:
    from ledger.administration import LedgerAdministration


def ledger_is_there(folder: DataFolder) -> bool:
    """Whether there is a file, or a database is named; it may be down."""
    address = folder.ledger
    return not isinstance(address, Path) or address.exists()


def existing_ledger(folder: DataFolder, *, make: bool = False) -> LedgerAddress:
    """The ledger, with the tables that this program knows; ends the command if there is none.

    With `make` a file is made, or brought up to date; a database is its owner's affair.
    Raises `ConfigurationError` (tables to be brought up to date), `LedgerUnavailableError`.
    """
    from ledger.opening import migrate, require_current

    folder.make_databases_private()
    address = folder.ledger
    if isinstance(address, Path) and make:
        migrate(address)
    elif isinstance(address, Path) and not address.exists():
        fail(
            f"there is no ledger in {folder.root}",
            next_step="start the engine (touchstone up), or name the database: TOUCHSTONE_LEDGER",
        )
    else:
        require_current(address)
    return address


@contextmanager
def open_administration(
    folder: DataFolder, *, make: bool = False
) -> "Iterator[LedgerAdministration]":
    """The administration of `existing_ledger`, closed at the end."""
    from ledger.administration import LedgerAdministration

    administration = LedgerAdministration(existing_ledger(folder, make=make))
    try:
        yield administration
    finally:
        administration.close()
