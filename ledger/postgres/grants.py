"""Who may do what in PostgreSQL: the owner of the tables all, the others what they need.

| role | is | may |
|---|---|---|
| owner | `migrate`, tokens, backups | everything: the tables are its own |
| worker | `up --no-api`, `export` | fold, register batches, keep trust lists, relay; no tokens |
| api | `up --workers 0` | read, and move cases; it writes no history and no alert |

A service that is broken into can then neither forge histories nor issue tokens, and a
worker cannot read who holds one.
"""

from collections.abc import Iterator
from typing import Final

from ledger import schema
from ledger.address import PostgresAddress
from ledger.database import Database
from ledger.postgres.server import LONG

_READ: Final = "SELECT"
_ADD: Final = "SELECT, INSERT"
_WRITE: Final = "SELECT, INSERT, UPDATE"

_WORKER: Final = {
    schema.items.name: _WRITE,
    schema.clues.name: f"{_ADD}, DELETE",
    schema.subjects_due.name: f"{_ADD}, DELETE",
    schema.alerts.name: f"{_ADD}, UPDATE (severity, retracted, alert, updated_ms)",
    schema.feed.name: _ADD,
    schema.batches.name: _WRITE,
    schema.serial_parts.name: _WRITE,
    schema.catalogue.name: "SELECT, UPDATE",
    schema.reassessments.name: f"{_WRITE}, DELETE",
    schema.trust_lists.name: _ADD,
    schema.positions.name: _WRITE,
    "alembic_version": _READ,
}

_API: Final = {
    schema.items.name: _READ,
    schema.alerts.name: f"{_READ}, UPDATE (case_state)",
    schema.feed.name: _READ,
    schema.case_steps.name: _ADD,
    schema.batches.name: _READ,
    schema.serial_parts.name: _READ,
    schema.catalogue.name: _READ,
    schema.trust_lists.name: _READ,
    schema.tokens.name: _READ,
    schema.installation.name: _ADD,
    "alembic_version": _READ,
}

_SEQUENCES: Final = {
    "worker": ("feed_number_seq", "subjects_due_number_seq"),
    "api": ("case_steps_number_seq",),
}


def grants(*, worker: str, api: str) -> Iterator[str]:
    """SQL for the owner to run, after each migration. The roles must be there, and log in."""
    for kind, role, tables in (("worker", worker, _WORKER), ("api", api, _API)):
        name = _quoted(role)
        for table, what in tables.items():
            yield f"GRANT {what} ON {table} TO {name};"
        for sequence in _SEQUENCES[kind]:
            yield f"GRANT USAGE ON SEQUENCE {sequence} TO {name};"


def grant(address: PostgresAddress, *, worker: str, api: str) -> None:
    """Run them, all or none. Raises `LedgerUnavailableError`, also if a role is not there."""
    database = Database(address, patience=LONG)
    with database.translate_errors():
        try:
            with database.writes.begin() as connection:
                for statement in grants(worker=worker, api=api):
                    connection.exec_driver_sql(statement)
        finally:
            database.close()


def _quoted(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'
