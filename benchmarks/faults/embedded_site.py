"""An installation on the embedded engine, whose engines can be killed at any moment."""

import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from authenticity.detection.alerts import Alert
from authenticity.records.part_statement import read_batch_record
from benchmarks.faults.traffic import FOR_GOOD_S, HANGS_AFTER_S, TOUCHSTONE
from events.embedded.publisher import EmbeddedPublisher
from events.publisher import Record
from events.republishing import batch_record
from events.topics import SCANS, TRUST, TRUST_KEY
from ledger.administration import Snapshot
from ledger.records import decode_alert

"""An export that has not changed for so long is the last one."""
_EXPORTED_EVERY_S: Final = 0.3
"""Each export starts a process, and takes its part of the processors."""


class EmbeddedSite:
    """A data folder, a publisher into its log, and any number of `touchstone up` processes."""

    def __init__(self, folder: Path, roots_document: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        (folder / "roots.json").write_bytes(roots_document)
        self.publisher = EmbeddedPublisher(folder / "log.sqlite")
        self.engines: list[subprocess.Popen[bytes]] = []

    def publish(self, records: Sequence[Record]) -> None:
        """Return when acknowledged."""
        self.publisher.publish(records).result(HANGS_AFTER_S)

    def publish_trust_list(self, document: bytes) -> None:
        """Put a signed trust list on its topic."""
        self.publish([Record(TRUST, TRUST_KEY, document)])

    def publish_batches(self, lines: Iterable[bytes]) -> None:
        """Signed statements, and parts of serial lists, one a line."""
        self.publish([batch_record(read_batch_record(line)) for line in lines])

    def publish_scans(self, lines: Iterable[bytes]) -> None:
        """Recorded scans, one a line."""
        self.publish([Record(SCANS, b"scan", line) for line in lines])

    def start(self, *, file_bytes: int | None = None) -> "subprocess.Popen[bytes]":
        """An engine; `file_bytes`: no file of its may grow beyond, as on a full disk."""

        def limit() -> None:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

        with self.log_file.open("ab") as log:
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
            engine.wait(HANGS_AFTER_S)
        self.engines.clear()

    def stop(self) -> list[int]:
        """SIGTERM every engine; their exit codes."""
        for engine in self.engines:
            engine.send_signal(signal.SIGTERM)
        codes = [engine.wait(HANGS_AFTER_S) for engine in self.engines]
        self.engines.clear()
        return codes

    def close(self) -> None:
        """Kill what runs; the folder stays."""
        self.kill()
        self.publisher.close()

    def exported(self) -> bytes:
        """What `touchstone export` prints; nothing while no engine has made the ledger yet."""
        done = subprocess.run(
            [*TOUCHSTONE, "export", "--data", str(self.folder)],
            capture_output=True,
            timeout=HANGS_AFTER_S,
            check=False,
        )
        return done.stdout

    def drain(self, expected: bytes) -> bytes:
        """The export, when it is `expected`, or something else for good."""
        exported, since = self.exported(), time.monotonic()
        while exported != expected and time.monotonic() - since < FOR_GOOD_S:
            time.sleep(_EXPORTED_EVERY_S)
            before, exported = exported, self.exported()
            if exported != before:
                since = time.monotonic()
        return exported

    def alerts_amiss(self) -> int:
        """Alerts whose last version in the feed is not the ledger's."""
        ledger = self.folder / "ledger.sqlite"
        with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
            versions = connection.execute("SELECT alert FROM feed ORDER BY number")
            last: dict[str, Alert] = {
                alert.id: alert for alert in (decode_alert(bytes(row[0])) for row in versions)
            }
        with Snapshot(ledger) as snapshot:
            known = {alert.id: alert for alert in snapshot.alerts()}
        return sum(last.get(key) != known.get(key) for key in last.keys() | known.keys())

    @property
    def log_file(self) -> Path:
        """What its engines say."""
        return self.folder / "engine.log"
