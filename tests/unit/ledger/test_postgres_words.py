"""What PostgreSQL, its drivers and the network may raise: one error of ours, in one line."""

import asyncpg
import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from authenticity.errors import LedgerUnavailableError
from ledger.address import read_address
from ledger.postgres.server import translate_errors

ADDRESS = read_address("postgresql://ann:s3cret@db:5432/ledger")


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (asyncpg.SerializationError("could not serialize"), "try again"),
        (asyncpg.DeadlockDetectedError("deadlock detected"), "try again"),
        (asyncpg.DiskFullError("could not extend file"), "free space"),
        (asyncpg.OutOfMemoryError("out of memory"), "memory"),
        (asyncpg.TooManyConnectionsError("sorry, too many clients"), "max_connections"),
        (asyncpg.AdminShutdownError("terminating connection"), "is up again"),
        (asyncpg.CrashShutdownError("terminating connection"), "is up again"),
        (asyncpg.CannotConnectNowError("starting up"), "is up again"),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), "failover"),
        (asyncpg.TargetServerAttributeNotMatched("None of the hosts"), "failover"),
        (asyncpg.LockNotAvailableError("lock timeout"), "pg_stat_activity"),
        (asyncpg.QueryCanceledError("statement timeout"), "pg_stat_activity"),
        (asyncpg.IdleInTransactionSessionTimeoutError("idle"), "suspended"),
        (asyncpg.InvalidPasswordError("password authentication failed"), "user and password"),
        (asyncpg.UndefinedTableError('relation "items" does not exist'), "touchstone migrate"),
        (asyncpg.InsufficientPrivilegeError("permission denied"), "--print-grants"),
        (asyncpg.IndexCorruptedError("index is corrupted"), "backup"),
        (asyncpg.PostgresIOError("could not read block"), "log of the database server"),
        (asyncpg.ConnectionDoesNotExistError("connection was closed"), "can be reached"),
        (asyncpg.InterfaceError("connection is closed"), "server runs"),
        (asyncpg.InternalClientError("unexpected message"), "server runs"),
        (psycopg.errors.DiskFull("could not extend file"), "free space"),
        (psycopg.OperationalError("connection refused"), "server runs"),
        (DBAPIError("SELECT 's3cret'", None, psycopg.errors.DiskFull("full")), "free space"),
        (PoolTimeout("QueuePool limit reached"), "server runs"),
        (ConnectionRefusedError(111, "refused"), "server runs"),
        (TimeoutError(), "server runs"),
        (EOFError(), "server runs"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_every_failure_says_in_one_line_what_it_is_and_what_to_do(
    error: Exception, next_step: str
) -> None:
    with pytest.raises(LedgerUnavailableError) as said, translate_errors(ADDRESS):
        raise error
    assert next_step in said.value.next_step
    assert str(said.value).startswith("the ledger postgresql://ann@db:5432/ledger cannot be used: ")
    assert "\n" not in str(said.value)
    assert "s3cret" not in str(said.value) + said.value.next_step


def test_what_a_server_adds_in_further_lines_is_left_out_for_it_may_show_rows() -> None:
    with pytest.raises(LedgerUnavailableError) as said, translate_errors(ADDRESS):
        raise psycopg.errors.UniqueViolation("duplicate key\nDETAIL:  Key (sha256)=(\\xab) exists.")
    assert "sha256" not in str(said.value)


def test_a_broken_program_is_not_taken_for_a_broken_database() -> None:
    with pytest.raises(TypeError), translate_errors(ADDRESS):
        raise TypeError("a bug")
