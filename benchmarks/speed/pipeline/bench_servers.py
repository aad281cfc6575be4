"""Kafka and PostgreSQL of its own for one measurement."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psycopg
from kafka.admin import NewTopic
from psycopg import sql

from authenticity.errors import UnavailableError
from benchmarks.processes import own_relative, processor_seconds
from benchmarks.registry import Say
from benchmarks.speed.peers.quix_environment import ROOT, quix_python
from benchmarks.speed.pipeline.load import Maker
from benchmarks.speed.pipeline.programs import OurWorker, Peer, Program
from demo.local_kafka import LocalKafka
from demo.local_postgres import LocalPostgres
from events.kafka.connection import administration
from events.kafka.topic_admin import create_missing
from events.publisher import Record
from events.topics import SCANS
from ledger.address import PostgresAddress, read_address
from ledger.opening import migrate, open_store
from stream.sources.faust.settings import GROUP

_PUBLISHED_WITHIN_S: Final = 120.0
_GROUP_WITHIN_S: Final = 90.0

NEWCOMERS: Final = "scans-for-newcomers"
FOR_QUIX: Final = "scans-for-quix"
"""Topics of the baselines: each program reads only what is meant for it."""


@dataclass(frozen=True, slots=True)
class BenchServers:
    """Both servers, a maker's signed documents, and a folder that is removed afterwards."""

    folder: Path
    kafka: LocalKafka
    postgres: LocalPostgres
    maker: Maker
    say: Say

    def new_ledger(self, name: str) -> PostgresAddress:
        """A migrated database beside the others, with the trust list in force and no items.

        Workers of one group take a list from its topic once, whatever ledger they are on.
        """
        with psycopg.connect(self.postgres.address.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        parts = urlsplit(self.postgres.address.url)
        address = read_address(urlunsplit(parts._replace(path=f"/{name}")))
        migrate(address)
        asyncio.run(_hold(address, self.maker.trust_document))
        return address

    def our_worker(self, ledger: PostgresAddress, *, workers: int = 1) -> Program:
        """Our workers on a ledger; all of ours are one consumer group."""
        return OurWorker(
            {"TOUCHSTONE_KAFKA": ",".join(self.kafka.servers), "TOUCHSTONE_LEDGER": ledger.url},
            self.folder,
            self.folder / "ours.log",
            workers=workers,
        )

    def quix_worker(self, ledger: PostgresAddress) -> Program:
        """The same work by Quix Streams. All of them are one consumer group."""
        command = [str(quix_python()), "-m", "benchmarks.speed.peers.quix_worker"]
        env = self._peer_env(trust=True) | {
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "BENCH_LEDGER": ledger.url,
            "BENCH_GROUP": "quix",
            "BENCH_TOPIC": FOR_QUIX,
        }
        return Peer("Quix Streams", command, env, self.folder / "quix.log")

    def plain_faust(self, name: str, *, signatures: bool) -> Program:
        """A newcomer's application; with a new name it begins at the first scan."""
        command = [
            sys.executable, "-m", "faust", "-A", "benchmarks.speed.peers.plain_faust",
            "--datadir", str(self.folder / name), "worker", "-l", "info", "--without-web",
        ]  # fmt: skip
        env = self._peer_env(trust=signatures) | {
            "PYTHONPATH": str(ROOT),
            "BENCH_APP": name,
            "BENCH_TOPIC": NEWCOMERS,
            "BENCH_PARTITIONS": str(SCANS.partitions),
        }
        return Peer(name, command, env, self.folder / "faust.log")

    def wait_for_group(self, members: int) -> None:
        """Until our group has so many members, each with its partitions; 0: until it is empty.

        Raises `UnavailableError`.
        """
        until = time.monotonic() + _GROUP_WITHIN_S
        with administration(self.kafka.settings) as client:
            while time.monotonic() < until:
                known = {group["group_id"]: group["group_state"] for group in client.list_groups()}
                state = known.get(GROUP, "Empty")
                if not members and state in ("Empty", "Dead"):
                    return
                if members and state == "Stable":
                    group = client.describe_groups([GROUP])[GROUP]
                    if len(group["members"]) == members:
                        return
                time.sleep(0.1)
        raise UnavailableError(
            f"our consumer group has not come to {members} members in {_GROUP_WITHIN_S:.0f} s",
            next_step="try again on an idle machine, or shorten TOUCHSTONE_WORKER_SESSION_S",
        )

    def publish(self, records: Sequence[Record], topic: str = SCANS.name) -> None:
        """Publish the records with librdkafka; returns when all are acknowledged."""
        path = self.folder / "records.msgpack"
        path.write_bytes(msgspec.msgpack.encode([(record.key, record.value) for record in records]))
        command = [
            str(quix_python()), "-m", "benchmarks.speed.peers.bulk_publisher",
            ",".join(self.kafka.servers), topic, str(path),
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=ROOT, timeout=_PUBLISHED_WITHIN_S, capture_output=True, text=True
        )
        path.unlink()
        if done.returncode:
            raise UnavailableError(
                f"the scans could not be published: {done.stderr.strip()}",
                next_step="read the broker's output, or try on an idle machine",
            )

    def servers_processor_seconds(self) -> tuple[float, float]:
        """Processor seconds of PostgreSQL and Kafka so far."""
        return (
            processor_seconds(own_relative("/bin/postgres")),
            processor_seconds(own_relative("kafka.Kafka")),
        )

    def _peer_env(self, *, trust: bool) -> dict[str, str]:
        files = {"BENCH_TRUST": "trust.jws", "BENCH_ROOTS": "roots.json"} if trust else {}
        return {"BENCH_SERVERS": ",".join(self.kafka.servers)} | {
            name: str(self.folder / file) for name, file in files.items()
        }


@contextmanager
def started_servers(say: Say) -> Iterator[BenchServers]:
    """Started, with topics; stopped and removed at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchstone-bench-")))
        kafka = LocalKafka(folder / "kafka", progress=say)
        kafka.start()
        stack.callback(kafka.stop)
        postgres = LocalPostgres(folder / "postgres")
        postgres.start()
        stack.callback(postgres.stop)
        maker = Maker()
        maker.write(folder)
        create_missing(kafka.settings)
        with administration(kafka.settings) as client:
            client.create_topics(
                [NewTopic(name, SCANS.partitions, 1) for name in (NEWCOMERS, FOR_QUIX)]
            )
        yield BenchServers(folder, kafka, postgres, maker, say)


async def _hold(ledger: PostgresAddress, trust_document: bytes) -> None:
    writer = open_store(ledger)
    try:
        await writer.accept_trust_list(trust_document, 1, datetime.now(UTC))
    finally:
        await writer.close()
