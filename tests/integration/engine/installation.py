"""A real installation in a folder of its own: a `touchstone up` process, log and ledger."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from authenticity.records.batch_statement import read_statement
from events.embedded.publisher import EmbeddedPublisher
from events.publisher import Record
from events.topics import BATCHES, SCANS, TRUST, TRUST_KEY, batch_key
from tests.support.patience import PATIENCE_S, wait_until

TOUCHSTONE = (sys.executable, "-m", "cli.main")
_EXPORTED_EVERY_S = 0.3
"""Each time a process starts, and takes its part of the processors."""


def run(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """A `touchstone` command, to its end."""
    return subprocess.run(
        [*TOUCHSTONE, *arguments], input=stdin, capture_output=True, timeout=PATIENCE_S, check=False
    )


class Installation:
    """Its engine may be started, killed and stopped any number of times."""

    def __init__(self, folder: Path, roots_document: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        (folder / "roots.json").write_bytes(roots_document)
        self.publisher = EmbeddedPublisher(folder / "log.sqlite")
        self.engines: list[subprocess.Popen[bytes]] = []

    def publish(self, records: Sequence[Record]) -> None:
        """Return when acknowledged."""
        self.publisher.publish(records).result(PATIENCE_S)

    def publish_trust_list(self, document: bytes) -> None:
        self.publish([Record(TRUST, TRUST_KEY, document)])

    def publish_batches(self, lines: Iterable[bytes]) -> None:
        self.publish(
            [Record(BATCHES, batch_key(read_statement(line).batch), line) for line in lines]
        )

    def publish_scans(self, lines: Iterable[bytes]) -> None:
        self.publish([Record(SCANS, b"scan", line) for line in lines])

    def start(self, *, file_bytes: int | None = None) -> subprocess.Popen[bytes]:
        """An engine; `file_bytes`: no file of its may grow beyond, as on a full disk."""

        def limit() -> None:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

        with (self.folder / "engine.log").open("ab") as log:
            engine = subprocess.Popen(
                [*TOUCHSTONE, "up", "--no-api", "--data", str(self.folder)],
                stderr=log,
                preexec_fn=limit,
            )
        self.engines.append(engine)
        return engine

    def kill(self) -> None:
        """`kill -9` every engine."""
        for engine in self.engines:
            engine.kill()
            engine.wait(PATIENCE_S)
        self.engines.clear()

    def stop(self) -> list[int]:
        """SIGTERM every engine; their exit codes."""
        for engine in self.engines:
            engine.send_signal(signal.SIGTERM)
        codes = [engine.wait(PATIENCE_S) for engine in self.engines]
        self.engines.clear()
        return codes

    def close(self) -> None:
        self.kill()
        self.publisher.close()

    def exported(self) -> bytes:
        done = run("export", "--data", str(self.folder))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _exported_if_any(self) -> bytes:
        """Nothing while the engine has not made the ledger yet."""
        return run("export", "--data", str(self.folder)).stdout

    def dead_letters(self) -> list[dict[str, Any]]:
        done = run("dead-letters", "list", "--json", "--data", str(self.folder), "--limit", "10000")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_until_something_is_exported(self) -> None:
        """Until the engine has made the ledger and folded a first scan."""
        wait_until(self._exported_if_any, self._log, every_s=_EXPORTED_EVERY_S)

    def wait_until_exported(self, expected: bytes) -> None:
        """Until the engine has folded everything: what it exports is `expected`."""

        def difference() -> str:
            differing = set(self._exported_if_any().splitlines()) ^ set(expected.splitlines())
            shown = b"\n".join(sorted(differing)[:6]).decode()
            return f"{len(differing)} lines differ:\n{shown}\n{self._log()}"

        wait_until(
            lambda: self._exported_if_any() == expected, difference, every_s=_EXPORTED_EVERY_S
        )

    def _log(self) -> str:
        """The end of what the engines have said."""
        return (self.folder / "engine.log").read_text()[-2_000:]
