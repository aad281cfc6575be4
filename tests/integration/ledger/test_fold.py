"""The fold on PostgreSQL: the contract, and what only many writers on a server can meet."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from demo.local_postgres import LocalPostgres
from ledger.address import PostgresAddress
from ledger.postgres import server as postgres
from ledger.postgres.server import BATCH_REGISTRY_LOCK, LOCKS, Patience
from ledger.protocols import BatchRegistryChanged
from simulation.two_makers import World
from tests.contracts.ledger.folding import FoldContract, alert, change, one_scan
from tests.contracts.ledger.ledgers import Ledgers, Writer
from tests.integration.ledger.cut_wire import CutWire
from tests.integration.ledger.server import (
    Server,
    in_transaction,
    query,
    terminate_others,
    wait_for_a_waiting_lock,
)
from tests.support.patience import PATIENCE_S, wait_until


class TestFoldOnPostgres(FoldContract):
    """See `tests.contracts.ledger`."""


@pytest.fixture
def world() -> World:
    return World(3)


@pytest.fixture
def writer(ledgers: Ledgers) -> Writer:
    return ledgers.writer()


def fold(writer: Writer, item: ItemId, history: History, world: World) -> None:
    """Until the item is there with its alert, as an engine would after an outage."""
    for _ in range(10):
        try:
            known = writer.known([item]).get(item)
            if known or not writer.write([change(item, history, 0, alert(item))], 0, world.now):
                return
        except LedgerUnavailableError:
            continue
    pytest.fail("ten attempts, and it is not written")


@pytest.mark.parametrize("forward", [False, True], ids=["question-lost", "answer-lost"])
def test_a_connection_lost_at_any_message_is_said_in_words_and_the_next_fold_goes_on(
    ledger_address: PostgresAddress, server: Server, world: World, *, forward: bool
) -> None:
    """Until a whole fold goes through without being cut; each ends with one alert."""
    host, _, port = ledger_address.shown.rpartition("@")[2].partition("/")[0].partition(":")
    wire = CutWire(host, int(port))
    through = Ledgers(
        server.at(
            database=ledger_address.shown.rpartition("/")[2],
            host=f"127.0.0.1:{wire.port}",
            options="?sslmode=disable",
        )
    )
    cuts = 0
    for message in range(1, 60):
        item, history = one_scan(world)
        writer = through.writer()
        wire.cut_at(message, forward=forward)
        try:
            writer.known([item])
            writer.write([change(item, history, 0, alert(item))], 0, world.now)
        except LedgerUnavailableError:
            cuts += 1
        assert wire.was_cut or wire.messages < message
        done = not wire.was_cut
        wire.cut_at(None)
        fold(writer, item, history, world)
        assert writer.known([item])[item].version == 1
        if done:
            break
    through.close()
    wire.close()
    assert done
    assert cuts >= 8, "the begin, the lock, each write and the commit are among them"
    [(entries, alerts)] = query(
        ledger_address, "SELECT (SELECT count(*) FROM feed), (SELECT count(*) FROM alerts)"
    )
    assert entries == alerts == message


def test_a_session_that_the_server_ends_is_opened_again_by_the_next_call(
    ledger_address: PostgresAddress, writer: Writer, world: World
) -> None:
    item, history = one_scan(world)
    writer.write([change(item, history)], 0, world.now)
    assert terminate_others(ledger_address) == 1
    with suppress(LedgerUnavailableError):  # unless it has heard of its end already
        writer.known([item])
    assert writer.known([item])[item].version == 1


def test_what_was_written_outlives_a_server_that_is_killed_and_the_writer_goes_on(
    own_postgres: LocalPostgres, world: World
) -> None:
    ledgers = Ledgers(own_postgres.address)
    writer = ledgers.writer()
    written = [one_scan(world) for _ in range(5)]
    for item, history in written:
        writer.write([change(item, history, 0, alert(item))], 0, world.now)
    own_postgres.kill()
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError) as said:
            writer.known([written[0][0]])
        assert said.value.next_step
    own_postgres.restart()
    known = writer.known([item for item, _ in written])
    assert {item: entry.history for item, entry in known.items()} == dict(written)
    assert all(entry.published for entry in known.values())
    ledgers.close()


def test_a_server_that_takes_no_writes_any_more_is_said_in_words_and_can_still_be_read(
    own_postgres: LocalPostgres, world: World
) -> None:
    """As after a failover, or where a full disk made it read-only."""
    ledgers = Ledgers(own_postgres.address)
    writer, reader = ledgers.writer(), ledgers.reader()
    item, history = one_scan(world)
    writer.write([change(item, history)], 0, world.now)
    query(own_postgres.address, "ALTER SYSTEM SET default_transaction_read_only = on")
    query(own_postgres.address, "SELECT pg_reload_conf()")
    wait_until(lambda: read_only_is(own_postgres, "on"))
    other, other_history = one_scan(world)
    for _ in range(3):  # on the connection that is there, then on new ones
        with pytest.raises(LedgerUnavailableError) as said:
            writer.write([change(other, other_history)], 0, world.now)
        assert "failover" in said.value.next_step
    assert asyncio.run(reader.item(item)) == history
    query(own_postgres.address, "ALTER SYSTEM RESET ALL")
    query(own_postgres.address, "SELECT pg_reload_conf()")
    wait_until(lambda: read_only_is(own_postgres, "off"))
    assert writer.write([change(other, other_history)], 0, world.now) == set()
    ledgers.close()


def read_only_is(postgres: LocalPostgres, value: str) -> bool:
    return query(postgres.address, "SHOW default_transaction_read_only") == [(value,)]


def test_a_reader_who_polls_the_feed_sees_every_change_in_order_while_many_writers_commit(
    ledgers: Ledgers, world: World
) -> None:
    """A number that becomes visible after a higher one would be missed for ever."""
    reader = ledgers.reader()
    writing = threading.Event()
    polled: list[int] = []

    async def poll() -> None:
        while not writing.is_set():
            entries = await reader.feed(polled[-1] if polled else 0, 1_000, None)
            polled.extend(entry.number for entry in entries)
        entries = await reader.feed(polled[-1] if polled else 0, 1_000, None)
        polled.extend(entry.number for entry in entries)

    def write(writer: Writer, updates: list[tuple[ItemId, History]]) -> None:
        for item, history in updates:
            writer.write([change(item, history, 0, alert(item))], 0, world.now)

    updates = [[one_scan(world) for _ in range(60)] for _ in range(4)]
    with ThreadPoolExecutor(5) as threads:
        polling = threads.submit(asyncio.run, poll())
        writes = [threads.submit(write, ledgers.writer(), some) for some in updates]
        for done in writes:
            done.result(PATIENCE_S)
        writing.set()
        polling.result(PATIENCE_S)
    assert isinstance(ledgers.address, PostgresAddress)
    numbers = [row[0] for row in query(ledgers.address, "SELECT number FROM feed ORDER BY number")]
    assert len(numbers) == 240
    assert polled == numbers


def test_a_fold_that_meets_a_change_of_batches_in_the_making_waits_and_begins_again(
    ledger_address: PostgresAddress, writer: Writer, world: World
) -> None:
    item, history = one_scan(world)
    with ThreadPoolExecutor(1) as threads:
        with in_transaction(ledger_address) as somebody:
            somebody.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, BATCH_REGISTRY_LOCK))
            somebody.execute("UPDATE catalogue SET version = version + 1")
            writing = threads.submit(writer.write, [change(item, history)], 0, world.now)
            wait_for_a_waiting_lock(ledger_address)
        with pytest.raises(BatchRegistryChanged):
            writing.result(PATIENCE_S)
    assert writer.known([item]) == {}


def test_a_change_of_batches_waits_for_folds_that_are_writing(
    ledger_address: PostgresAddress, writer: Writer, world: World
) -> None:
    with ThreadPoolExecutor(1) as threads:
        with in_transaction(ledger_address) as somebody:
            somebody.execute(
                "SELECT pg_advisory_xact_lock_shared(%s, %s)", (LOCKS, BATCH_REGISTRY_LOCK)
            )
            accepting = threads.submit(writer.accept_batches, [world.batch()])
            wait_for_a_waiting_lock(ledger_address)
            assert query(ledger_address, "SELECT version FROM catalogue") == [(0,)]
        accepting.result(PATIENCE_S)
    assert query(ledger_address, "SELECT version FROM catalogue") == [(1,)]


async def test_a_writer_suspended_in_its_transaction_does_not_hold_up_the_others_for_long(
    ledger_address: PostgresAddress,
    ledgers: Ledgers,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "SHORT", Patience(statement_s=60, lock_s=60, idle_s=1))
    suspended = await postgres.connect(ledger_address)
    await suspended.execute(
        f"BEGIN; SELECT pg_advisory_xact_lock_shared({LOCKS}, {BATCH_REGISTRY_LOCK})"
    )
    await asyncio.to_thread(ledgers.writer().accept_batches, [world.batch()])
    with pytest.raises(LedgerUnavailableError), postgres.translate_errors(ledger_address):
        await suspended.execute("COMMIT")
    suspended.terminate()


def test_a_lock_that_is_held_too_long_is_said_in_words_and_nothing_is_written(
    ledger_address: PostgresAddress,
    ledgers: Ledgers,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "SHORT", Patience(statement_s=60, lock_s=1, idle_s=60))
    writer = ledgers.writer()
    item, history = one_scan(world)
    with in_transaction(ledger_address) as somebody:
        somebody.execute("LOCK TABLE items IN SHARE MODE")
        with pytest.raises(LedgerUnavailableError, match="lock timeout") as said:
            writer.write([change(item, history)], 0, world.now)
    assert "pg_stat_activity" in said.value.next_step
    assert writer.write([change(item, history)], 0, world.now) == set()


def test_every_way_not_to_get_in_is_said_in_words_without_the_password(
    ledger_address: PostgresAddress, server: Server
) -> None:
    query(server.address, "DROP ROLE IF EXISTS crowded")
    query(server.address, "CREATE ROLE crowded LOGIN PASSWORD 's3cret' CONNECTION LIMIT 0")
    database = ledger_address.shown.rpartition("/")[2]
    empty = server.new_database("no_tables")
    ways = {
        server.at(database=database, password="wr0ng"): "correct user and password",
        server.at(database="nowhere"): "create the database",
        server.at(database=database, user="nobody"): "correct user and password",
        server.at(database=database, user="crowded", password="s3cret"): "max_connections",
        server.at(host="127.0.0.1:1"): "TOUCHSTONE_LEDGER",
        server.at(host="no-such-host.invalid"): "TOUCHSTONE_LEDGER",
        empty: "touchstone migrate",
    }
    for address, step in ways.items():
        ledgers = Ledgers(address)
        with pytest.raises(LedgerUnavailableError) as said:
            ledgers.writer().batch_registry()
        with pytest.raises(LedgerUnavailableError) as said_to_reader:
            asyncio.run(ledgers.reader().ping())
        ledgers.close()
        assert step in said.value.next_step
        for error in (said.value, said_to_reader.value):
            message = f"{error} {error.next_step}"
            assert "\n" not in message
            assert not any(secret in message for secret in ("wr0ng", "s3cret"))
    server.drop_database("no_tables")
