"""Where a demonstration runs: one process on SQLite, or Kafka, workers and PostgreSQL."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from authenticity.errors import UnavailableError
from demo.installation import DemoInstallation
from demo.service import DemoService
from events.publisher import Publisher

if TYPE_CHECKING:
    from demo.local_kafka import LocalKafka
    from demo.local_postgres import LocalPostgres
    from events.kafka.settings import KafkaSettings
    from ledger.address import LedgerAddress

WORKERS: Final = 2

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """What differs between the engines.

    `arguments` and `environment` are for `touchstone up`; `waiting` says how many scans
    are not folded yet, None if that cannot be known now.
    """

    about: str
    publisher: Publisher
    ledger: "LedgerAddress"
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    ready_within_s: float
    finished_within_s: float
    waiting: Callable[[DemoService], int | None]


def open_embedded(installation: DemoInstallation, stack: ExitStack) -> Site:
    """Log and ledger in two files of the data folder; made by whoever comes first."""
    from events.embedded.publisher import EmbeddedPublisher

    publisher = EmbeddedPublisher(installation.data / "log.sqlite")
    stack.callback(publisher.close)
    return Site(
        about="",
        publisher=publisher,
        ledger=installation.data / "ledger.sqlite",
        arguments=(),
        environment={},
        ready_within_s=20.0,
        finished_within_s=8.0,
        waiting=DemoService.waiting_scans,
    )


def open_kafka(installation: DemoInstallation, stack: ExitStack, report: Report) -> Site:
    """A broker, PostgreSQL, topics and tables, all on this machine; `stack` stops them.

    Kafka is fetched the first time. Raises `ConfigurationError` and `UnavailableError`.
    """
    from events.kafka.publisher import KafkaPublisher
    from events.kafka.topic_admin import create_missing

    kafka, postgres = _start_servers(installation.folder, stack, report)
    scratch = installation.folder / "scratch"
    scratch.mkdir()
    created = create_missing(kafka.settings)
    report(f"Kafka: topics {', '.join(created)}")
    publisher = KafkaPublisher(kafka.settings)
    stack.callback(publisher.close)
    lag = _Lag(kafka.settings)
    stack.callback(lag.close)
    return Site(
        about=f"Kafka, {WORKERS} Faust workers, PostgreSQL",
        publisher=publisher,
        ledger=postgres.address,
        arguments=("--engine", "kafka", "--workers", str(WORKERS)),
        environment={
            "TOUCHSTONE_KAFKA": ",".join(kafka.servers),
            "TOUCHSTONE_LEDGER": postgres.address.url,
            "TMPDIR": str(scratch),  # what workers that are killed leave goes with the rest
        },
        ready_within_s=90.0,
        finished_within_s=20.0,
        waiting=lambda _service: lag.waiting(),
    )


def _start_servers(
    folder: Path, stack: ExitStack, report: Report
) -> tuple["LocalKafka", "LocalPostgres"]:
    """Both at once, the ledger's tables made."""
    from demo.kafka_jars import fetch_kafka
    from demo.local_kafka import LocalKafka
    from demo.local_postgres import LocalPostgres
    from keys.cache_folder import cache_folder
    from ledger.opening import migrate

    cache = cache_folder(os.environ)
    fetch_kafka(cache, report)  # minutes the first time, and can be interrupted, unlike a thread
    kafka = LocalKafka(folder / "kafka", cache=cache, progress=report)
    postgres = LocalPostgres(folder / "postgres", progress=report)
    with ThreadPoolExecutor(1, thread_name_prefix="kafka") as beside:
        stack.callback(kafka.stop)
        starting = beside.submit(kafka.start)
        stack.callback(postgres.stop)
        postgres.start()
        report("PostgreSQL: making the ledger's tables")
        migrate(postgres.address)
        starting.result()
    return kafka, postgres


class _Lag:
    """How many scans the workers have not acknowledged, asked over one connection."""

    def __init__(self, settings: "KafkaSettings") -> None:
        from events.kafka.lag import LagWatch
        from events.topics import SCANS
        from stream.sources.faust.settings import GROUP

        self._scans = SCANS
        self._watch = LagWatch(settings, GROUP)

    def waiting(self) -> int | None:
        try:
            return self._watch.read([self._scans])[self._scans.name].waiting
        except (UnavailableError, KeyError):
            return None

    def close(self) -> None:
        self._watch.close()
