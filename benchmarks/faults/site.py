"""An installation whose brokers, database and workers can be killed one by one."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import msgspec
import psycopg

from authenticity.detection.alerts import Alert
from authenticity.errors import UnavailableError
from authenticity.gs1.code import item_of
from authenticity.records.part_statement import read_batch_record
from authenticity.records.scan import decode_scan
from benchmarks.faults.traffic import FOR_GOOD_S, HANGS_AFTER_S, Traffic, run
from benchmarks.local_http import local_client
from demo.child_processes import touchstone_command
from demo.local_kafka import LocalKafka
from demo.local_ports import free_ports
from demo.local_postgres import LocalPostgres
from events.kafka.connection import administration
from events.kafka.lag import LagWatch
from events.kafka.publisher import KafkaPublisher
from events.kafka.reading import read_topic
from events.kafka.topic_admin import create_missing
from events.publisher import Record
from events.republishing import batch_record
from events.topics import ALERTS, BATCHES, SCANS, TRUST, TRUST_KEY, AlertChange, scan_key
from ledger.administration import LedgerAdministration, Snapshot
from ledger.opening import migrate
from ledger.records import Role
from stream.sources.faust.settings import GROUP

SESSION_S: Final = 3.0
AT_ONCE: Final = 1_000
_QUIET_S: Final = 0.5
_HTTP_WITHIN_S: Final = 5.0


class Progress(NamedTuple):
    """Records that a group has passed, and that wait for it, in all topics it reads."""

    passed: int
    waiting: int


class Site:
    """A context manager: starts Kafka and PostgreSQL, and removes everything at its end."""

    def __init__(
        self, folder: Path, traffic: Traffic, *, brokers: int = 1, session_s: float = SESSION_S
    ) -> None:
        self.folder = folder
        self.traffic = traffic
        self.session_s = session_s
        self.kafka = LocalKafka(folder / "kafka", brokers=brokers)
        self.postgres = LocalPostgres(folder / "postgres")
        self.workers: dict[int, subprocess.Popen[bytes]] = {}
        self._publisher: KafkaPublisher | None = None
        self._metrics: dict[int, int] = {}
        self.service: subprocess.Popen[bytes] | None = None
        self._service_port = 0
        self.http = local_client(_HTTP_WITHIN_S)
        self._own = threading.local()
        self._lags: list[LagWatch] = []

    def __enter__(self) -> "Site":
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            (self._data / "roots.json").write_bytes(self.traffic.roots_document)
            self.kafka.start()
            self.postgres.start()
            migrate(self.postgres.address)
            create_missing(self.kafka.settings)
            self._publisher = KafkaPublisher(self.kafka.settings)
            self.publish([Record(TRUST, TRUST_KEY, self.traffic.trust_document)])
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def environment(self) -> dict[str, str]:
        """For processes of this site."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
        return ours | {
            "TOUCHSTONE_KAFKA": ",".join(self.kafka.servers),
            "TOUCHSTONE_LEDGER": self.postgres.address.url,
            "TOUCHSTONE_DATA": str(self._data),
            "TOUCHSTONE_WORKER_SESSION_S": f"{self.session_s:g}",
            # Commit at once: an offset committed too early then shows as a scan lost at the kill.
            "TOUCHSTONE_WORKER_COMMIT_S": "0.1",
            "TOUCHSTONE_WORKER_SCANS_AT_ONCE": "200",
            "TOUCHSTONE_WORKER_STALL_S": "10",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }

    def publish(self, records: Sequence[Record], *, within_s: float = HANGS_AFTER_S) -> None:
        """Return when all are acknowledged; what was refused is published again."""
        assert self._publisher is not None
        until = time.monotonic() + within_s
        for start in range(0, len(records), AT_ONCE):
            some = records[start : start + AT_ONCE]
            while True:
                try:
                    self._publisher.publish(some).result(60)
                    break
                except UnavailableError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.2)

    def publish_scans(self, lines: Iterable[bytes], *, scattered: bool = False) -> None:
        """As `publish`. Scattered: an item's scans in any partition, so that several workers
        write into one history at once, which the right keys keep rare."""
        self.publish([Record(SCANS, _key(line, scattered=scattered), line) for line in lines])

    def publish_batches(self) -> None:
        """All batches of the traffic."""
        self.publish_batch_records(self.traffic.batches)

    def publish_batch_records(self, lines: Iterable[bytes]) -> None:
        """Batch statements, and parts of serial lists, in this order. As `publish`."""
        self.publish([batch_record(read_batch_record(line)) for line in lines])

    def start_worker(self, number: int) -> "subprocess.Popen[bytes]":
        """A worker with local files of its own."""
        scratch = self._scratch(number)
        scratch.mkdir(exist_ok=True)
        [self._metrics[number]] = free_ports(1)
        with self._log(number).open("ab") as log:
            self.workers[number] = subprocess.Popen(
                touchstone_command(["worker", "--metrics-port", str(self._metrics[number])]),
                env=self.environment | {"TMPDIR": str(scratch)},
                stdin=subprocess.PIPE,
                stderr=log,
            )
        return self.workers[number]

    def kill_worker(self, number: int, *, wipe: bool = False) -> None:
        """`kill -9`; with `wipe` its local files are gone too."""
        _end(self.workers.pop(number))
        if wipe:
            shutil.rmtree(self._scratch(number), ignore_errors=True)

    def stop_worker(self, number: int, *, within_s: float = HANGS_AFTER_S) -> int:
        """SIGTERM; its exit code."""
        worker = self.workers.pop(number)
        worker.send_signal(signal.SIGTERM)
        try:
            return worker.wait(within_s)
        finally:
            _end(worker)

    def restart_ended_workers(self) -> None:
        """Start again what has ended by itself, as `touchstone up` does."""
        for number in [n for n, one in self.workers.items() if one.poll() is not None]:
            self.kill_worker(number)
            self.start_worker(number)

    def progress(self) -> Progress:
        """Of the group. Raises `LogUnavailableError`."""
        watch: LagWatch | None = getattr(self._own, "lag", None)
        if watch is None:
            watch = self._own.lag = LagWatch(self.kafka.settings, GROUP, within_s=5.0)
            self._lags.append(watch)
        try:
            lags = watch.read((SCANS, BATCHES, TRUST)).values()
        except UnavailableError:
            self._own.lag = None
            raise
        waiting = sum(lag.waiting for lag in lags)
        return Progress(sum(lag.end for lag in lags) - waiting, waiting)

    def wait_until_passed(self, *, within_s: float = HANGS_AFTER_S) -> None:
        """Until nothing waits. Raises `TimeoutError`."""
        self.until("some records still wait", lambda: self.progress().waiting == 0, within_s)

    def wait_until_at_work(self, *, within_s: float) -> bool:
        """Until the group passes records while others wait; False if it did not come to it."""
        until = time.monotonic() + within_s
        before = self.progress()
        while time.monotonic() < until:
            now = self.progress()
            if now.passed > before.passed and now.waiting:
                return True
            before = now
        return False

    def members(self) -> int:
        """How many workers have their partitions; 0 while the group shares them out anew."""
        with administration(self.kafka.settings) as client:
            group = client.describe_groups([GROUP])[GROUP]
        return len(group["members"]) if group["group_state"] == "Stable" else 0

    def wait_for_a_member(self) -> None:
        """Until a worker has passed something: the trust list, which waits from the start."""
        self.until("no worker began", lambda: self.progress().passed > 0, within_s=HANGS_AFTER_S)

    def refusal(self, line: bytes) -> str:
        """Publish a scan that must be refused; the message of the refusal."""
        assert self._publisher is not None
        try:
            record = Record(SCANS, _key(line, scattered=False), line)
            self._publisher.publish([record]).result(60)
        except UnavailableError as error:
            return f"{error}; {error.next_step}"
        return ""

    def count(self, worker: int, name: str) -> float:
        """A counter of a worker, as `touchstone_engine_NAME`, from its metrics."""
        url = f"http://127.0.0.1:{self._metrics[worker]}/metrics"
        text = self.http.get(url).raise_for_status().text
        found = re.search(rf"^touchstone_engine_{name} ([0-9.e+]+)$", text, re.M)
        return float(found[1]) if found else 0.0

    @contextmanager
    def held(self, lock: str, provoke: Callable[[], None]) -> Iterator[None]:
        """Take a lock in the ledger and provoke a worker to ask for it; the block begins
        when it waits, and lets go of the lock at its end."""
        with psycopg.connect(self.postgres.address.url) as db, db.cursor() as cursor:
            cursor.execute(lock)
            provoke()

            def somebody_waits() -> bool:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                row = cursor.fetchone()
                return bool(row and row[0])

            self.until("no worker came to the lock", somebody_waits)
            yield

    def start_service(self) -> "subprocess.Popen[bytes]":
        """The verification service alone, on a port that stays the same."""
        if not self._service_port:
            [self._service_port] = free_ports(1)
        with (self.folder / "service.log").open("ab") as log:
            self.service = subprocess.Popen(
                touchstone_command(
                    ["up", "--engine", "kafka", "--workers", "0", "--port", str(self._service_port)]
                ),
                env=self.environment,
                stdin=subprocess.PIPE,
                stderr=log,
            )
        return self.service

    def kill_service(self) -> None:
        """`kill -9`, if it runs."""
        if self.service is not None:
            _end(self.service)
            self.service = None

    @property
    def service_url(self) -> str:
        """Where it listens, or will."""
        return f"http://127.0.0.1:{self._service_port}"

    def officer(self) -> str:
        """A token that may publish."""
        administration = LedgerAdministration(self.postgres.address)
        try:
            tomorrow = datetime.now(UTC) + timedelta(days=1)
            token, _ = administration.create_token(Role.OFFICER, "fire", None, tomorrow)
        finally:
            administration.close()
        return token

    def scans_on_topic(self) -> list[bytes]:
        """Every scan as it was published, duplicates too."""
        stored = read_topic(self.kafka.settings, SCANS)
        return [record.value for record in stored if record.value is not None]

    def alerts_amiss(self, *, within_s: float = FOR_GOOD_S) -> int:
        """Alerts whose highest version on the topic is not the ledger's; it may take a
        while until the last ones are relayed."""
        until = time.monotonic() + within_s
        while True:
            newest: dict[str, Alert] = {}
            for stored in read_topic(self.kafka.settings, ALERTS):
                alert = msgspec.json.decode(stored.value or b"", type=AlertChange).alert
                if alert.id not in newest or newest[alert.id].version <= alert.version:
                    newest[alert.id] = alert
            with Snapshot(self.postgres.address) as ledger:
                known = {alert.id: alert for alert in ledger.alerts()}
            amiss = sum(newest.get(key) != known.get(key) for key in newest.keys() | known.keys())
            if not amiss or time.monotonic() > until:
                return amiss
            time.sleep(_QUIET_S)

    def exported(self) -> bytes:
        """What `touchstone export` prints."""
        return run("export", env=self.environment)

    def drain(self, *, within_s: float) -> bytes:
        """Wait until no record waits and no entity is pending, and the export is the replay, or
        something else for good, or the time is over; the export. Workers that ended are
        started again."""
        until = time.monotonic() + within_s
        exported, since = b"", time.monotonic()
        while time.monotonic() < until:
            self.restart_ended_workers()
            try:
                passed = self.progress().waiting == 0 and not self._entities_pending()
            except UnavailableError:
                passed = False
            if passed:
                before, exported = exported, self.exported()
                if before != exported:
                    since = time.monotonic()
                # Items reassessed after the scans may wait for a relay that has paused.
                if exported == self.traffic.replayed or time.monotonic() - since > FOR_GOOD_S:
                    return exported
            time.sleep(_QUIET_S)
        return self.exported()

    def _entities_pending(self) -> int:
        with Snapshot(self.postgres.address) as ledger:
            return ledger.pending_entities()

    def log_of(self, number: int) -> str:
        """What a worker has logged."""
        return self._log(number).read_text() if self._log(number).exists() else ""

    def until(
        self, otherwise: str, happens: Callable[[], bool], within_s: float = HANGS_AFTER_S
    ) -> None:
        """Wait for it. Raises `TimeoutError` with the end of the workers' logs."""
        deadline = time.monotonic() + within_s
        while True:
            with suppress(UnavailableError, OSError, httpx.HTTPError):
                if happens():
                    return
            if time.monotonic() > deadline:
                logs = "\n".join(self.log_of(number)[-1_500:] for number in self.workers)
                raise TimeoutError(f"{otherwise} after {within_s:.0f} s\n{logs}")
            time.sleep(0.1)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _scratch(self, number: int) -> Path:
        return self.folder / f"worker-{number}"

    def _log(self, number: int) -> Path:
        return self.folder / f"worker-{number}.log"

    def _close(self) -> None:
        self.kill_service()
        for lag in self._lags:
            lag.close()
        for number in list(self.workers):
            self.kill_worker(number)
        if self._publisher is not None:
            self._publisher.close()
        self.http.close()
        self.postgres.stop()
        self.kafka.stop(at_once=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _key(line: bytes, *, scattered: bool) -> bytes:
    if scattered:
        return blake2b(line, digest_size=8).digest()
    code = decode_scan(line).code
    return scan_key(item_of(code), code)
