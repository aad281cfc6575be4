"""A copy of what 0.1.0 left on a disk, and the `touchstone` command of today to run on it.

Nothing of the product is imported but the local PostgreSQL, here and nowhere else in this
folder.
"""

import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import PATIENCE_S, wait_until

FIXTURES = Path(__file__).parents[2] / "fixtures"
PASSPHRASE = "a passphrase for tests only"
_EXECUTABLE = Path(sys.executable).with_name("touchstone")


@dataclass(frozen=True)
class Left:
    """A copy of a fixture folder, free to be changed."""

    folder: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def expected(self, name: str) -> bytes:
        """What the old code printed."""
        return (self.folder / "expected" / name).read_bytes()

    def expected_json(self, name: str) -> Any:
        """Likewise, decoded."""
        return json.loads(self.expected(name))

    def run(
        self, *arguments: str, stdin: bytes = b"", code: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        """A `touchstone` command in this folder, to its end, which is checked."""
        done = subprocess.run(
            [str(_EXECUTABLE), *arguments], cwd=self.folder, env=_environment(environment),
            input=stdin, capture_output=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr.decode()
        return done

    def json(self, *arguments: str, **how: Any) -> Any:
        """The one JSON value that a command prints; `how` as of `run`."""
        return json.loads(self.run(*arguments, "--json", **how).stdout)

    @contextmanager
    def up(self, *options: str) -> Iterator[None]:
        """`touchstone up` on the data folder, stopped in order, which is checked."""
        said = self.folder / "up.log"
        with said.open("wb") as words:
            process = subprocess.Popen(
                [str(_EXECUTABLE), "up", "--data", "data", *options], cwd=self.folder,
                env=_environment({}), stdin=subprocess.DEVNULL, stdout=words, stderr=words,
            )  # fmt: skip
            try:
                yield
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_S) == 0, said.read_text()
            finally:
                process.kill()
                process.wait()

    def wait_until_exported(
        self, expected: Sequence[Any], read: Callable[[bytes], Sequence[Any]]
    ) -> None:
        """Until the engine has folded everything: `read` makes `expected` of the export."""

        def exported() -> Sequence[Any]:
            return read(self.run("export", "--data", "data").stdout)

        def difference() -> str:
            now = exported()
            differing = [each for each in (*now, *expected) if (each in now) != (each in expected)]
            return f"{len(differing)} differ: {differing[:4]}"

        wait_until(lambda: exported() == expected, difference)


@pytest.fixture
def left(tmp_path: Path) -> Left:
    """By 0.1.0, with the modes that a repository does not keep."""
    folder = tmp_path / "v0.1.0"
    shutil.copytree(FIXTURES / "v0.1.0", folder)
    for packed in list(folder.rglob("*.gz")):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    for path in [folder / "keys", *(folder / "keys").rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    return Left(folder)


@pytest.fixture
def restored(left: Left) -> Iterator[str]:
    """Address of a local database into which the old dump was restored."""
    from demo.local_postgres import LocalPostgres, find_binaries

    with LocalPostgres(left.folder / "server") as server:
        address = server.address.url
        restoring = subprocess.run(
            [str(find_binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
             f"--file={left.folder / 'postgres' / 'ledger.sql'}", address],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert restoring.returncode == 0, restoring.stderr
        yield address


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def asked(port: int, path: str, token: str) -> Any:
    """The service's JSON answer, once the service answers at all."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"}
    )

    def answer() -> tuple[Any] | None:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answered:
                return (json.load(answered),)
        except urllib.error.HTTPError:
            raise
        except OSError:  # it does not listen yet
            return None

    return wait_until(answer, "the service never answers")[0]


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
    return {**ours, **given}
