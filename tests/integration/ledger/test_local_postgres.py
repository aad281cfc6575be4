"""A PostgreSQL of one's own: what it survives, and that it does not outlive its owner."""

import fcntl
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import psycopg
import pytest

from authenticity.errors import ConfigurationError
from demo import local_postgres
from demo.local_postgres import LocalPostgres
from tests.integration.ledger.server import query
from tests.support.patience import PATIENCE_S, wait_until

START = """
import sys, time
from pathlib import Path
from demo.local_postgres import LocalPostgres
postgres = LocalPostgres(Path(sys.argv[1]))
postgres.start()
print(postgres.process_id, flush=True)
time.sleep(60)
"""


def lives(process_id: int) -> bool:
    """Zombies do not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_was_committed_before_a_kill_is_there_after_the_restart(
    own_postgres: LocalPostgres,
) -> None:
    address = own_postgres.address
    query(address, "CREATE TABLE kept (n integer)")
    query(address, "INSERT INTO kept VALUES (7)")
    own_postgres.kill()
    assert own_postgres.process_id is None
    with pytest.raises(psycopg.OperationalError):
        query(address, "SELECT 1")
    own_postgres.restart()
    assert own_postgres.address == address
    assert query(address, "SELECT n FROM kept") == [(7,)]


COUNTING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE state = 'active' AND strpos(query, 'SELECT count(*) FROM generate_series') = 1"
)


def test_a_kill_in_the_middle_of_a_statement_can_be_followed_by_a_restart_at_once(
    own_postgres: LocalPostgres,
) -> None:
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(
            query, own_postgres.address, "SELECT count(*) FROM generate_series(1, 1000000000)"
        )
        wait_until(lambda: query(own_postgres.address, COUNTING) == [(1,)])
        own_postgres.kill()
        own_postgres.restart()
        with pytest.raises(psycopg.OperationalError):
            busy.result(PATIENCE_S)
    assert query(own_postgres.address, "SHOW fsync") == [("on",)]


def test_only_this_machine_gets_in_and_only_with_the_password(own_postgres: LocalPostgres) -> None:
    url = own_postgres.address.url
    assert query(own_postgres.address, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert query(own_postgres.address, "SHOW unix_socket_directories") == [("",)]
    user, at, rest = url.partition("@")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"{user[:-3]}xxx{at}{rest}")


def test_a_second_start_on_a_folder_its_user_can_reach_goes_on_with_its_data() -> None:
    """Where a user other than root runs it, or the folders above are open enough."""
    with TemporaryDirectory(prefix="touchstone-open-") as reachable:
        Path(reachable).chmod(0o755)
        for rows in ([], [(7,)]):
            with LocalPostgres(Path(reachable) / "pg") as running:
                query(running.address, "CREATE TABLE IF NOT EXISTS kept (n integer)")
                assert query(running.address, "SELECT n FROM kept") == rows
                query(running.address, "INSERT INTO kept VALUES (7)")


def test_when_its_owner_is_killed_it_is_gone_too_and_the_next_one_removes_what_is_left(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        process_id = int(owner.stdout.readline())
        assert lives(process_id)
        os.kill(owner.pid, signal.SIGKILL)
    wait_until(lambda: not lives(process_id))
    with LocalPostgres(tmp_path / "next"):
        folders = Path(gettempdir()).glob("touchstone-postgres-*")
        assert not [folder for folder in folders if abandoned(folder)]


def abandoned(folder: Path) -> bool:
    """Whether nobody holds the lock of a private folder."""
    try:
        lock = os.open(folder / "owner.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def test_a_machine_without_postgresql_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_postgres, "_places", lambda: [tmp_path])
    with pytest.raises(ConfigurationError, match="not installed") as refused:
        LocalPostgres(tmp_path / "pg").start()
    assert "apt-get install postgresql" in refused.value.next_step
