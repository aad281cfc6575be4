"""A real PostgreSQL on this machine without Docker: for the demonstration, tests, benchmarks.

Debian's (or any other) binaries, on a free port of 127.0.0.1, as another user than root, as
durable as in production. Nothing outlives the process that started it.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from authenticity.errors import ConfigurationError, UnavailableError
from demo.child_processes import start_killed_with_parent
from demo.local_ports import free_ports
from demo.private_folder import PrivateFolder
from ledger.address import PostgresAddress, read_address

SUPERUSER: Final = "touchstone"
DATABASE: Final = "postgres"
_MADE_WITHIN_S: Final = 120.0
_READY_WITHIN_S: Final = 60.0
_STOPPED_WITHIN_S: Final = 15.0
_READY_LINE: Final = 7
"""Of postmaster.pid: what the server says of itself (src/include/utils/pidfile.h)."""


class LocalPostgres:
    """`start()`, then `address`. Data and output are in `folder`; a second start on the same
    folder goes on with its data, on a new port.

    As root the server runs as another user. Where that one cannot go (a folder below one
    of mode 0700), its data is in a folder of its own, which `stop` removes.
    """

    def __init__(self, folder: Path, *, progress: Callable[[str], None] | None = None) -> None:
        self._folder = folder
        self._progress = progress or (lambda _sentence: None)
        self._user = _other_user() if os.geteuid() == 0 else None
        self._elsewhere: PrivateFolder | None = None
        self._port = 0
        self._password = ""
        self._bin = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LocalPostgres":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> PostgresAddress:
        """Of a database whose owner may do anything on this server."""
        return read_address(
            f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/{DATABASE}", password=self._password
        )

    @property
    def process_id(self) -> int | None:
        """Of the server's first process, None while it is down."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def output(self) -> Path:
        """What the server has written."""
        return self._home / "output.log"

    def start(self) -> None:
        """Make a database if there is none, and wait until the server takes connections.

        Raises `ConfigurationError` (no binaries, an unusable folder) and `UnavailableError`.
        """
        self._bin = find_binaries()
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._choose_folder()
            if not (self._data / "PG_VERSION").exists():
                self._progress("PostgreSQL: making a database")
                self._make()
            self._password = (self._home / "password").read_text()
            [self._port] = free_ports(1)
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it in order, its clients' connections too. Idempotent."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            others = _children(process.pid)
            process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
            try:
                process.wait(_STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                _end(others)
        if self._elsewhere is not None:
            self._elsewhere.remove()
            self._elsewhere = None

    def kill(self) -> None:
        """`kill -9` of the server's first process; returns when all of its processes are gone."""
        process, self._process = self._process, None
        if process is None:
            return
        others = _children(process.pid)
        process.kill()
        process.wait()
        _end(others)

    def restart(self) -> None:
        """Start it on its port and its data, after `kill` or while it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_STOPPED_WITHIN_S)
        self._launch()

    @property
    def _home(self) -> Path:
        return self._elsewhere.path if self._elsewhere else self._folder

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _choose_folder(self) -> None:
        """Choose the folder: it must belong to the server's user, who must get to it."""
        if self._user is None:
            return
        shutil.chown(self._folder, self._user)
        if self._as_user(["test", "-x", str(self._folder)]).returncode != 0:
            self._elsewhere = PrivateFolder("touchstone-postgres", self._user)

    def _make(self) -> None:
        password = self._home / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if self._user is not None:
            shutil.chown(password, self._user)
        made = self._as_user(
            [str(self._bin / "initdb"), "-D", str(self._data), "-U", SUPERUSER,
             "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--no-locale",
             "--no-sync", "--no-instructions"]
        )  # fmt: skip
        if made.returncode != 0:
            raise ConfigurationError(
                f"PostgreSQL cannot use {self._home}: {_end_of(made.stdout.splitlines())}",
                next_step="give it an empty folder on a disk with some room",
            )

    def _launch(self) -> None:
        """The file postmaster.pid of a killed server stays: PostgreSQL itself knows whether
        it is stale, and refuses to start beside processes that are left of it."""
        settings = {
            "port": self._port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 100,
            "log_min_messages": "warning",
        }
        self._progress("PostgreSQL: starting")
        self._process = start_killed_with_parent(
            [str(self._bin / "postgres"), "-D", str(self._data),
             *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))],
            folder=self._home,
            output=self.output,
            user=self._user,
        )  # fmt: skip
        until = time.monotonic() + _READY_WITHIN_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > until:
                what = "does not serve" if self._process.poll() is None else "has ended"
                lines = self.output.read_text(errors="replace").splitlines()
                raise UnavailableError(
                    f"PostgreSQL {what}: {_end_of(lines)}", next_step=f"read {self.output}"
                )
            time.sleep(0.02)
        self._progress(f"PostgreSQL: serving at 127.0.0.1:{self._port}")

    def _ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return (
            len(lines) > _READY_LINE
            and self._process is not None
            and lines[0] == str(self._process.pid)
            and lines[_READY_LINE].strip() == "ready"
        )

    def _as_user(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        who: dict[str, Any] = {}
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return subprocess.run(  # noqa: S603 - found binaries, our own arguments
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_MADE_WITHIN_S, check=False, **who,
        )  # fmt: skip


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`, the newest. Raises `ConfigurationError`."""
    for folder in _places():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ConfigurationError(
        "PostgreSQL is not installed: neither initdb nor postgres was found",
        next_step="install it (Debian: apt-get install postgresql); its service need not run",
    )


def _places() -> Iterable[Path]:
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda path: _number(path.parent.name), reverse=True)
    if config := shutil.which("pg_config"):
        answered = subprocess.run(  # noqa: S603 - found on PATH
            [config, "--bindir"], capture_output=True, text=True, timeout=10, check=False
        )
        yield Path(answered.stdout.strip())
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    yield Path("/usr/pgsql/bin")
    yield Path("/usr/local/pgsql/bin")


def _number(version: str) -> float:
    try:
        return float(version)
    except ValueError:
        return 0.0


def _other_user() -> str:
    """PostgreSQL refuses to run as root."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody",
        next_step="run this command as another user",
    )


def _children(process_id: int) -> list[int]:
    """Linux only; elsewhere they end by themselves a moment after their parent."""
    try:
        tasks = list(Path(f"/proc/{process_id}/task").iterdir())
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    except OSError:
        return []


def _end(process_ids: Iterable[int]) -> None:
    """They end by themselves when their parent is gone; those in the middle of a statement
    are ended, and waited for: while one is left the server does not start again."""
    until = time.monotonic() + _STOPPED_WITHIN_S
    for process_id in process_ids:
        while time.monotonic() < until and _lives(process_id):
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
            time.sleep(0.005)


def _lives(process_id: int) -> bool:
    """Whether it is there and no mere entry that nobody has collected yet."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in ("Z", "X")


def _end_of(lines: list[str]) -> str:
    return " / ".join(lines[-3:]) or "it wrote nothing"
