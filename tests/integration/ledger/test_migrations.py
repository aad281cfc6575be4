"""Migrations on a server: several at once, the same tables as the schema, order by bytes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from authenticity.errors import ConfigurationError, LedgerUnavailableError
from authenticity.gs1.item import item_id
from authenticity.history.history import EMPTY
from ledger.address import PostgresAddress
from ledger.administration import LedgerAdministration, Snapshot
from ledger.database import Database
from ledger.opening import migrate, newest_revision, require_current
from ledger.postgres.grants import grant
from ledger.postgres.leadership import open_leadership
from ledger.records import CaseChange, CaseState
from ledger.schema import metadata
from simulation.two_makers import GTINS, World
from tests.contracts.ledger.folding import alert, change
from tests.contracts.ledger.ledgers import Ledgers
from tests.contracts.ledger.signal_keeping import BATCH, assessed, giving, signal
from tests.contracts.ledger.upgrading import UpgradingContract
from tests.integration.ledger.server import Server, query
from tests.support.patience import PATIENCE_S


class TestUpgradingOnPostgres(UpgradingContract):
    """See `tests.contracts.ledger`."""

    @pytest.fixture
    def unmigrated(self, server: Server) -> Iterator[PostgresAddress]:
        yield server.new_database("to_upgrade")
        server.drop_database("to_upgrade")


def test_a_migrated_ledger_has_the_tables_of_the_schema_and_no_others(
    ledger_address: PostgresAddress,
) -> None:
    database = Database(ledger_address)
    with database.reads.connect() as connection:
        topic_drift = compare_metadata(MigrationContext.configure(connection), metadata)
    database.close()
    assert topic_drift == []


def test_every_column_that_the_schema_orders_by_bytes_is_ordered_so_by_the_server(
    ledger_address: PostgresAddress,
) -> None:
    database = Database(ledger_address)
    with database.reads.connect() as connection:
        meant = {
            (table.name, column.name)
            for table in metadata.tables.values()
            for column in table.columns
            if getattr(column.type.dialect_impl(connection.dialect), "collation", None) == "C"
        }
        inspector = inspect(connection)
        found = {
            (table, column["name"])
            for table in inspector.get_table_names()
            for column in inspector.get_columns(table)
            if getattr(column["type"], "collation", None) == "C"
        }
    database.close()
    assert found == meant
    assert {("items", "item"), ("reassessments", "passed"), ("batches", "batch_id")} <= meant


def test_items_leave_room_beside_each_row_for_its_next_version(
    ledger_address: PostgresAddress,
) -> None:
    options = query(ledger_address, "SELECT reloptions FROM pg_class WHERE relname = 'items'")
    assert options == [(["fillfactor=70"],)]


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_four_processes_that_migrate_at_once_all_succeed(
    server: Server, tmp_path: Path, kind: str
) -> None:
    address: Path | PostgresAddress = tmp_path / "ledger.sqlite"
    env = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
    env["TOUCHSTONE_DATA"] = str(tmp_path)
    if kind == "postgres":
        address = server.new_database("by_four")
        env["TOUCHSTONE_LEDGER"] = address.url
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "cli.main", "migrate"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    said = [process.communicate(timeout=PATIENCE_S)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    require_current(address)
    if kind == "postgres":
        server.drop_database("by_four")


def test_a_ledger_without_tables_or_with_others_is_refused_with_the_command_that_helps(
    server: Server,
) -> None:
    address = server.new_database("other_tables")
    with pytest.raises(ConfigurationError, match="no tables yet") as refused:
        require_current(address)
    assert "touchstone migrate" in refused.value.next_step
    assert migrate(address) == newest_revision()
    require_current(address)
    query(address, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="9999"):
        require_current(address)
    server.drop_database("other_tables")


@pytest.fixture
def as_worker(server: Server, ledger_address: PostgresAddress) -> PostgresAddress:
    return _granted(server, ledger_address)[0]


@pytest.fixture
def as_api(server: Server, ledger_address: PostgresAddress) -> PostgresAddress:
    return _granted(server, ledger_address)[1]


def _granted(server: Server, address: PostgresAddress) -> tuple[PostgresAddress, PostgresAddress]:
    roles = ("test_worker", "test_api")
    for role in roles:
        if not query(server.address, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            server.new_role(role, "secret")
    grant(address, worker=roles[0], api=roles[1])
    database = address.shown.rpartition("/")[2]
    worker, api = (server.at(database=database, user=role, password="secret") for role in roles)
    return worker, api


async def test_a_worker_can_do_its_work_with_what_it_is_granted(
    as_worker: PostgresAddress,
) -> None:
    ledgers, world, item = Ledgers(as_worker), World(3), item_id(GTINS[0], "A")
    require_current(as_worker)
    writer = ledgers.writer()
    writer.accept_trust_list(b"list", 1, world.now)
    writer.write([change(item, EMPTY, 0, alert(item))], 0, world.now)
    writer.write([change(item, EMPTY, 1, alert(item, 2))], 0, world.now)
    writer.accept_batches([world.batch()])
    writer.accept_batches([world.batch(revision=2)])
    while some := writer.next_reassessment(10):
        writer.write([], 2, world.now, reassessed=some)
    given = signal(BATCH, item)
    writer.write([giving(item, 2, given)], 2, world.now)
    assert writer.signals_about(BATCH) == [given]
    pending = writer.next_pending(9)
    writer.write(
        [assessed(BATCH, 0), giving(item, 3, before=(given,))], 2, world.now, acknowledged=pending
    )
    assert writer.trust_list() == b"list"
    leadership = await open_leadership(as_worker)
    assert await leadership.hold()
    await leadership.relayed((await leadership.feed_after_relayed(9))[-1].number)
    await leadership.close()
    with Snapshot(as_worker) as snapshot:
        assert [seen for seen, _ in snapshot.histories()] == [item]
        assert len(list(snapshot.alerts())) == 1
        snapshot.batch_registry()
    administration = LedgerAdministration(as_worker)
    with pytest.raises(LedgerUnavailableError, match="permission denied") as refused:
        administration.tokens()
    assert "--print-grants" in refused.value.next_step
    administration.close()
    ledgers.close()


async def test_the_service_can_read_and_move_cases_but_forge_nothing(
    as_api: PostgresAddress, ledgers: Ledgers
) -> None:
    world, item = World(3), item_id(GTINS[0], "A")
    ledgers.writer().write([change(item, EMPTY, 0, alert(item))], 0, world.now)
    service = Ledgers(as_api)
    reader = service.reader()
    assert await reader.items([item]) == ([EMPTY], await reader.batch_registry())
    moved = await reader.change_case(
        alert(item).id, CaseChange(CaseState.ACTIVE, None, "ann"), None
    )
    assert moved is not None
    assert moved.case is CaseState.ACTIVE
    assert len(await reader.feed(0, 9, None)) == 1
    assert (await reader.batches(None, after=None, limit=9)).items == ()
    assert await reader.token(b"x" * 32) is None
    assert await reader.trust_list() is None
    await reader.ping()
    with pytest.raises(LedgerUnavailableError, match="permission denied"):
        service.writer().write([change(item, EMPTY, 1)], 0, world.now)
    with pytest.raises(LedgerUnavailableError, match="permission denied"):
        service.writer().accept_trust_list(b"forged", 9, world.now)
    service.close()


def test_roles_that_are_not_there_are_said_in_words_and_nobody_is_granted_anything(
    ledger_address: PostgresAddress,
) -> None:
    with pytest.raises(LedgerUnavailableError, match="no:body") as refused:
        grant(ledger_address, worker=urlsplit(ledger_address.url).username or "", api="no:body")
    assert "create the roles" in refused.value.next_step
    granted = query(ledger_address, "SELECT relacl FROM pg_class WHERE relname = 'items'")
    assert granted == [(None,)]
