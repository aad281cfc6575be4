"""What tests do to a server behind the back of the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from ledger.address import PostgresAddress, read_address
from tests.support.patience import wait_until


class Server:
    """As its superuser."""

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address

    def new_database(self, name: str, *, template: str | None = None) -> PostgresAddress:
        """A copy of `template`, else an empty one that sorts as English does."""
        how = (
            sql.SQL("TEMPLATE {}").format(sql.Identifier(template))
            if template
            else sql.SQL("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
        )
        create = sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), how)

        def created() -> bool:
            try:
                self._run(create)
            except psycopg.errors.ObjectInUse:  # whoever made the template is not gone yet
                return False
            return True

        wait_until(created, f"the template {template} stays in use")
        return self.at(database=name)

    def drop_database(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def new_role(self, name: str, password: str) -> None:
        self._run(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(name), sql.Literal(password)
            )
        )

    def at(
        self,
        *,
        database: str | None = None,
        user: str | None = None,
        password: str | None = None,
        host: str | None = None,
        options: str = "",
    ) -> PostgresAddress:
        """The same address but for what is given."""
        parts = urlsplit(self.address.url)
        own_host = f"{parts.hostname}:{parts.port}"
        return read_address(
            f"postgresql://{user or parts.username}@{host or own_host}"
            f"/{database or parts.path[1:]}{options}",
            password=password or parts.password,
        )

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.address.url, autocommit=True) as connection:
            connection.execute(statement)


def query(address: PostgresAddress, statement: LiteralString, *values: object) -> list[Any]:
    """Its rows, if it has any; committed."""
    with psycopg.connect(address.url, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def terminate_others(address: PostgresAddress) -> int:
    """End every connection to this database on the server's side; how many there were."""
    rows = query(
        address,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    return len(rows)


def wait_for_a_waiting_lock(address: PostgresAddress) -> None:
    """Return when somebody waits for an advisory lock."""
    wait_until(
        lambda: query(
            address,
            "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()",
        ),
        "nobody waits for a lock",
    )


@contextmanager
def in_transaction(address: PostgresAddress) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of somebody else's, committed at the end."""
    with psycopg.connect(address.url) as connection:
        yield connection
