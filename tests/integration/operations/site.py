"""A small site as docs/how-to/operate.md describes it: roles of their own, passwords in files."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from authenticity.gs1.code import item_of
from authenticity.records.batch_statement import read_statement
from authenticity.records.scan import decode_scan
from demo.local_kafka import LocalKafka
from demo.local_postgres import LocalPostgres, find_binaries
from events.kafka.publisher import KafkaPublisher
from events.publisher import Record
from events.topics import BATCHES, SCANS, TRUST, TRUST_KEY, batch_key, scan_key
from tests.support.patience import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[3]


@dataclass
class OperatedSite:
    """Commands run with what the role that they need is given, and nothing more."""

    folder: Path
    kafka: LocalKafka
    postgres: LocalPostgres
    database: str = "touchstone"

    def touchstone(self, *arguments: str, role: str = "touchstone_worker") -> str:
        """A command's output. Raises `AssertionError` with its words if it failed."""
        done = self.tried(*arguments, role=role)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried(
        self, *arguments: str, role: str = "touchstone_worker"
    ) -> "subprocess.CompletedProcess[str]":
        """Likewise, whatever becomes of it."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=self.environment(role), capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def postgres_tool(self, name: str, *arguments: str, database: str | None = None) -> str:
        """pg_dump, pg_restore, psql, createdb …, as the owner of the database."""
        at = urlsplit(self.postgres.address.url)
        connection = {
            "PGHOST": at.hostname or "",
            "PGPORT": str(at.port),
            "PGUSER": "owner",
            "PGPASSWORD": (self.folder / "secrets" / "owner-password").read_text(),
            "PGDATABASE": database or self.database,
        }
        done = subprocess.run(
            [str(find_binaries() / name), *arguments],
            env={**os.environ, **connection}, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def environment(self, role: str) -> dict[str, str]:
        """For our own commands."""
        at = urlsplit(self.postgres.address.url)
        secret = {"owner": "owner", "touchstone_worker": "worker", "touchstone_api": "api"}[role]
        ours = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
        return ours | {
            "TOUCHSTONE_KAFKA": ",".join(self.kafka.servers),
            "TOUCHSTONE_LEDGER": f"postgresql://{role}@{at.hostname}:{at.port}/{self.database}",
            "TOUCHSTONE_LEDGER_PASSWORD_FILE": str(self.folder / "secrets" / f"{secret}-password"),
            "TOUCHSTONE_ROOTS": str(self.folder / "scans.roots.json"),
            "TOUCHSTONE_WORKER_SESSION_S": "6",
        }

    def publish_what_scans_rest_on(self) -> None:
        """The trust list and the batches of `simulated`."""
        document = (self.folder / "scans.trust.json").read_bytes()
        batches = (self.folder / "scans.batches.ndjson").read_bytes().splitlines()
        publisher = KafkaPublisher(self.kafka.settings)
        try:
            publisher.publish([Record(TRUST, TRUST_KEY, document)]).result(PATIENCE_S)
            publisher.publish(
                [Record(BATCHES, batch_key(read_statement(line).batch), line) for line in batches]
            ).result(PATIENCE_S)
        finally:
            publisher.close()

    def publish_scans(self, lines: Sequence[bytes]) -> None:
        """Return when the broker has them."""
        publisher = KafkaPublisher(self.kafka.settings)
        try:
            records = []
            for line in lines:
                code = decode_scan(line).code
                records.append(Record(SCANS, scan_key(item_of(code), code), line))
            publisher.publish(records).result(PATIENCE_S)
        finally:
            publisher.close()

    @contextmanager
    def up(
        self, *options: str, role: str = "touchstone_worker", **environment: str
    ) -> Iterator[Path]:
        """`touchstone up --engine kafka`, stopped in order, which is checked; its words."""
        said = self.folder / f"up-{secrets.token_hex(4)}.log"
        with said.open("wb") as words:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up", "--engine", "kafka", *options],
                env=self.environment(role) | environment,
                stdin=subprocess.DEVNULL,
                stderr=words,
            )
            try:
                yield said
                process.terminate()
                assert process.wait(PATIENCE_S) == 0, said.read_text()
            finally:
                process.kill()
                process.wait()


def eventually(holds: Callable[[], bool], said: Path) -> None:
    """Wait; the words of the processes are the message should it never hold."""
    wait_until(holds, said.read_text, every_s=0.3)


def simulated(folder: Path, *, items: int) -> list[bytes]:
    """Scans; what they rest on is beside them in the folder."""
    file = folder / "scans.ndjson"
    subprocess.run(
        [sys.executable, "-m", "cli.main", "simulate", "--seed", "11", "--items", str(items),
         "--out", str(file)],
        check=True, capture_output=True, timeout=PATIENCE_S,
    )  # fmt: skip
    return file.read_bytes().splitlines()


@contextmanager
def operated_site(folder: Path) -> Iterator[OperatedSite]:
    """Broker and database, set up by the commands of docs/how-to/operate.md."""
    (folder / "secrets").mkdir()
    for who in ("owner", "worker", "api"):
        (folder / "secrets" / f"{who}-password").write_text(secrets.token_hex(24))
    with LocalKafka(folder / "kafka") as kafka, LocalPostgres(folder / "postgres") as postgres:
        site = OperatedSite(folder, kafka, postgres)
        _make_owner(site)
        _run_roles_script(site)
        site.touchstone("migrate", "--grant", role="owner")
        site.touchstone("topics", "create")
        yield site


def _make_owner(site: OperatedSite) -> None:
    """What the container of PostgreSQL does on an empty volume."""
    password = (site.folder / "secrets" / "owner-password").read_text()
    statements = (f"CREATE ROLE owner SUPERUSER LOGIN PASSWORD '{password}'",
                  "CREATE DATABASE touchstone OWNER owner")  # fmt: skip
    for statement in statements:
        done = subprocess.run(
            [str(find_binaries() / "psql"), site.postgres.address.url, "-c", statement],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def _run_roles_script(site: OperatedSite) -> None:
    at = urlsplit(site.postgres.address.url)
    connection = {
        "PGHOST": at.hostname or "",
        "PGPORT": str(at.port),
        "PGPASSWORD": (site.folder / "secrets" / "owner-password").read_text(),
        "POSTGRES_USER": "owner",
        "POSTGRES_DB": "touchstone",
        "SECRETS": str(site.folder / "secrets"),
        "PATH": f"{find_binaries()}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [str(ROOT / "deploy" / "postgres" / "roles.sh")],
        env={**os.environ, **connection}, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
