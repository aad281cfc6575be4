"""What commands leave for others of the machine to read, whatever the shell they run in."""

import os
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cli.support.data import DataFolder
from cli.support.passphrase import refuse_in_environment
from events.embedded.log import EmbeddedLog
from events.publisher import Record
from events.topics import SCANS
from tests.support.patience import PATIENCE_S


def _run(*arguments: str, umask: int, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        umask=umask,
        env=os.environ | environ,
    )


def test_whatever_the_umask_data_are_their_owners_alone(tmp_path: Path) -> None:
    data, run, secret = tmp_path / "data", tmp_path / "run", tmp_path / "secret"
    secret.write_text("correct horse battery staple")
    secret.chmod(0o600)
    keys = ("--keys", str(data / "keys"), "--passphrase-file", str(secret))
    for command in (
        ("keys", "init", *keys),
        ("keys", "add-issuer", "Maker", *keys, "--id", "maker", "--prefix", "9520123",
         "--host", "id.maker.example"),
        ("keys", "export-trust-list", *keys, "--out", str(data / "trust.jws")),
        ("trust", "publish", str(data / "trust.jws"), "--data", str(data)),
        ("issue", "--gtin", "09520123456788", "--count", "3", "--out", str(run), *keys,
         "--data", str(data)),
        ("migrate", "--data", str(data)),
    ):  # fmt: skip
        ended = _run(*command, umask=0)
        assert ended.returncode == 0, (command, ended.stderr)
    published = {data / "roots.json", data / "trust.jws"}
    for path in (data, run, *data.rglob("*"), *run.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o644 if path in published else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert {"log.sqlite", "ledger.sqlite"} <= {path.name for path in data.iterdir()}


@pytest.mark.parametrize("command", ["up", "worker", "demo"])
def test_a_program_that_runs_for_long_refuses_the_passphrase(tmp_path: Path, command: str) -> None:
    folder = "--folder" if command == "demo" else "--data"
    ended = _run(command, folder, str(tmp_path), umask=0o022, TOUCHSTONE_PASSPHRASE="hush-5531")
    assert ended.returncode == 2
    assert "unset TOUCHSTONE_PASSPHRASE" in ended.stderr and "5531" not in ended.stderr
    refuse_in_environment()


def test_closing_a_database_to_others_takes_no_lock_from_who_has_it_open(tmp_path: Path) -> None:
    """SQLite's locks on a file end with any descriptor of it that the process closes; the next
    program to leave then takes the log of writes away, with what is written from then on."""
    data = DataFolder(tmp_path)
    leave = f"import sqlite3; sqlite3.connect({str(data.log)!r}).execute('VACUUM')"
    with closing(EmbeddedLog(data.log)) as log:
        log.append([Record(SCANS, b"k", b"1")])
        data.make_databases_private()
        subprocess.run([sys.executable, "-c", leave], check=False, timeout=PATIENCE_S)
        assert data.log.with_name("log.sqlite-wal").exists()
        log.append([Record(SCANS, b"k", b"2")])
        with closing(EmbeddedLog(data.log)) as again:
            assert again.end(SCANS) == 2
