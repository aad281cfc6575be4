"""A real Kafka on this machine without Docker: for the demonstration, tests and benchmarks.

KRaft brokers, each its own controller, on free ports of 127.0.0.1. One broker, or several
that form one cluster: with three, topics have replication factor 3 and ask for two replicas
in sync, as in production. Nothing outlives the process that started it.
"""

import os
import signal
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from authenticity.errors import ConfigurationError, LogUnavailableError, UnavailableError
from demo.child_processes import start_killed_with_parent
from demo.kafka_jars import Progress, fetch_kafka, find_java
from demo.local_ports import free_ports
from events.kafka.connection import serving_brokers
from events.kafka.settings import KafkaSettings
from keys.cache_folder import cache_folder

MOST_BROKERS: Final = 5
_READY_WITHIN_S: Final = 150.0
_STOPPED_WITHIN_S: Final = 15.0
_ASK_FOR_S: Final = 2.0


class LocalKafka:
    """`start()`, then `settings`. Brokers are numbered from 0.

    Data, configuration and output are in `folder`, one folder a broker; a second start on
    the same folder goes on with its data, on new ports. `cache` keeps the fetched jars
    (default: the user's cache folder), `progress` is told in sentences what is going on.
    `ports` (of brokers, of controllers) replace free ones, `properties` are set besides
    ours, or instead, in `server.properties` of every broker.
    """

    def __init__(
        self,
        folder: Path,
        *,
        brokers: int = 1,
        cache: Path | None = None,
        progress: Progress | None = None,
        ports: tuple[list[int], list[int]] | None = None,
        properties: Mapping[str, object] | None = None,
    ) -> None:
        if not 1 <= brokers <= MOST_BROKERS:
            raise ValueError(f"1 to {MOST_BROKERS} brokers")
        self._folder = folder
        self._count = brokers
        self._cache = cache or cache_folder({})
        self._progress: Progress = progress or (lambda _sentence: None)
        self._further = dict(properties or {})
        self._given = ports
        self._ports: list[int] = []
        self._controllers: list[int] = []
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._jars = self._java = ""

    def __enter__(self) -> "LocalKafka":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def servers(self) -> tuple[str, ...]:
        """`host:port` of every broker, running or not, in their order."""
        return tuple(f"127.0.0.1:{port}" for port in self._ports)

    @property
    def settings(self) -> KafkaSettings:
        """To connect with."""
        return KafkaSettings(self.servers)

    def start(self) -> None:
        """Fetch Kafka if need be, start every broker, and wait until all of them serve.

        Raises `ConfigurationError` (Java, Maven, disk) and `UnavailableError`.
        """
        self._java = find_java()
        self._jars = str(fetch_kafka(self._cache, self._progress) / "*")
        free = free_ports(2 * self._count)
        self._ports, self._controllers = self._given or (free[: self._count], free[self._count :])
        self._progress("Kafka: starting")
        try:
            try:
                self._format()
            except OSError as error:
                raise ConfigurationError(
                    f"Kafka cannot use {self._folder}: {error}",
                    next_step="give it an empty folder on a disk with some room",
                ) from error
            for broker in range(self._count):
                self._launch(broker)
            self._wait_for(set(range(self._count)))
        except BaseException:
            self.stop(at_once=True)
            raise

    def stop(self, *, at_once: bool = False) -> None:
        """Stop every broker: in order, or at once with SIGKILL. Idempotent."""
        running = list(self._processes.values())
        for process in running:
            process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
        until = time.monotonic() + _STOPPED_WITHIN_S
        for process in running:
            try:
                process.wait(timeout=max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def kill(self, broker: int = 0) -> None:
        """`kill -9`; returns when it is gone."""
        process = self._processes.pop(broker)
        process.kill()
        process.wait()

    def start_broker(self, broker: int = 0, *, wait: bool = True) -> None:
        """Start one that was killed, on its port and its data.

        It waits until the broker serves – which it cannot while most of the brokers are
        down: then say `wait=False`.
        """
        if broker in self._processes:
            raise ValueError(f"broker {broker} is running")
        self._launch(broker)
        if wait:
            self._wait_for({broker})

    @property
    def running(self) -> frozenset[int]:
        """The brokers that were started and have not ended."""
        return frozenset(
            broker for broker, process in self._processes.items() if process.poll() is None
        )

    def process_id(self, broker: int = 0) -> int:
        """Of a running broker."""
        return self._processes[broker].pid

    def output(self, broker: int = 0) -> Path:
        """What a broker has written: warnings and errors."""
        return self._folder / f"broker-{broker}" / "output.log"

    def _format(self) -> None:
        """Write every broker's configuration, and format the disks of those that are new."""
        cluster = self._folder / "cluster-id"
        if not cluster.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            cluster.write_text(urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        commands = []
        for broker in range(self._count):
            home = self._folder / f"broker-{broker}"
            home.mkdir(exist_ok=True)
            (home / "server.properties").write_text(self._properties(broker))
            if not (home / "data" / "meta.properties").exists():
                commands.append(
                    [self._java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                     "-cp", self._jars, "kafka.tools.StorageTool", "format",
                     f"--cluster-id={cluster.read_text()}", "-c", str(home / "server.properties")]
                )  # fmt: skip
        formats = [
            start_killed_with_parent(
                command, folder=self._folder, output=self._folder / "format.log"
            )
            for command in commands
        ]
        for process in formats:
            if process.wait(timeout=_READY_WITHIN_S) != 0:
                raise ConfigurationError(
                    f"Kafka cannot use {self._folder}: {_end_of(self._folder / 'format.log')}",
                    next_step="give it an empty folder on a disk with some room",
                )

    def _launch(self, broker: int) -> None:
        home = self._folder / f"broker-{broker}"
        heap_mb = 512 if self._count == 1 else 384
        self._processes[broker] = start_killed_with_parent(
            [self._java, f"-Xmx{heap_mb}m", "-Xms128m", "-XX:+ExitOnOutOfMemoryError",
             "-Dlog4j2.level=WARN", "-cp", self._jars, "kafka.Kafka",
             str(home / "server.properties")],
            folder=home,
            output=self.output(broker),
        )  # fmt: skip

    def _wait_for(self, brokers: set[int]) -> None:
        """Until the cluster takes these for alive, asked by way of their own ports."""
        until = time.monotonic() + _READY_WITHIN_S
        missing = set(brokers)
        while missing:
            if dead := missing - self.running:
                broker = min(dead)
                raise UnavailableError(
                    f"Kafka broker {broker} has ended: {_end_of(self.output(broker))}",
                    next_step=f"read {self.output(broker)}",
                )
            if time.monotonic() > until:
                raise UnavailableError(
                    f"Kafka brokers {sorted(missing)} do not serve after {_READY_WITHIN_S:.0f} s",
                    next_step=f"read {self.output(min(missing))}",
                )
            for broker in sorted(missing):
                try:
                    alive = serving_brokers(
                        KafkaSettings((self.servers[broker],)), within_s=_ASK_FOR_S
                    )
                except LogUnavailableError:
                    time.sleep(0.1)
                else:
                    missing -= {broker} & alive
        self._progress(f"Kafka: serving at {', '.join(self.servers)}")

    def _properties(self, broker: int) -> str:
        """Defaults of Kafka, but for what a small machine and quick fail-over ask for."""
        replicas = min(3, self._count)
        in_sync = 2 if replicas == 3 else 1
        voters = ",".join(
            f"{other}@127.0.0.1:{port}" for other, port in enumerate(self._controllers)
        )
        port, controller = self._ports[broker], self._controllers[broker]
        # A broker that was killed may register again once its session is over. One that is
        # alone has nobody to hand over to, so that nothing is gained by patience.
        session_ms = 2_000 if self._count == 1 else 4_000
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": broker,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._folder / f"broker-{broker}" / "data",
            "auto.create.topics.enable": "false",
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.num.partitions": 8,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": 2,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1_000,
            "broker.heartbeat.interval.ms": session_ms // 8,
            "broker.session.timeout.ms": session_ms,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "log.cleaner.dedupe.buffer.size": 16 * 2**20,
        }
        lines = (settings | self._further).items()
        return "".join(f"{name}={value}\n" for name, value in lines)


def _end_of(path: Path) -> str:
    """The last lines of a file, for an error message."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 600))
            text = file.read().decode("utf-8", "replace").strip()
    except OSError:
        text = ""
    return " / ".join(text.splitlines()[-3:]) or "it wrote nothing"
