"""One real server for all tests of this folder, and an empty ledger on it for each.

The databases sort as English does, not by bytes, as a server may that others have set up.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from demo.local_postgres import LocalPostgres
from ledger.address import PostgresAddress
from ledger.opening import migrate
from tests.contracts.ledger.ledgers import Ledgers
from tests.integration.ledger.server import Server

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPostgres]:
    with LocalPostgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def server(postgres: LocalPostgres) -> Server:
    """The running server, with a migrated database to copy."""
    server = Server(postgres.address)
    migrate(server.new_database("empty_ledger"))
    return server


@pytest.fixture
def ledger_address(server: Server) -> Iterator[PostgresAddress]:
    """Of an empty, migrated ledger."""
    name = f"ledger_{next(_numbers)}"
    yield server.new_database(name, template="empty_ledger")
    server.drop_database(name)


@pytest.fixture
def ledgers(ledger_address: PostgresAddress) -> Iterator[Ledgers]:
    opened = Ledgers(ledger_address)
    yield opened
    opened.close()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[LocalPostgres]:
    """A server of the test's own, to be killed."""
    with LocalPostgres(tmp_path / "own") as running:
        migrate(running.address)
        yield running
