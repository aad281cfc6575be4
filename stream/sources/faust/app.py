"""Kafka as a source: Faust brings the records, the engine does the work.

Faust 0.15.3 is used for what it is good at: membership of the group, assignment, offsets,
back-pressure, the worker's life. It is not relied on for the rest:

* An exception in an agent would commit the offset and lose the event. So nothing leaves an
  agent: what cannot be processed is a dead letter, and if even that fails, the process
  ends at once, before anything is acknowledged.
* Records are taken in bulk, and acknowledged by hand: see `acknowledge`.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import faust
import uvloop

from authenticity.detection.policy import Policy
from authenticity.trust.trust_list import Roots
from events.kafka.publisher import KafkaPublisher
from events.kafka.settings import KafkaSettings
from events.publisher import Publisher
from events.topics import BATCHES, SCANS, TRUST
from ledger.address import PostgresAddress
from ledger.opening import open_store
from ledger.postgres.leadership import open_leadership
from stream.dead_letter_sinks import DeadLetterTopic, SourceRecord
from stream.engine import Engine, EngineLimits
from stream.engine_stats import EngineStats
from stream.metrics import serve_metrics
from stream.outbox import Leader
from stream.sources.faust import intake
from stream.sources.faust.acknowledge import STALLED, Most, add_agent, end_process
from stream.sources.faust.compat import NoTables, committed_offsets
from stream.sources.faust.settings import GROUP, WorkerSettings
from stream.sources.faust.stall import StallWatch

log = logging.getLogger("touchstone.stream")

_MOST_WAITING: Final = 8_000
_FETCHED_AT_ONCE: Final = 4_000
_LAG_EVERY_S: Final = 1.0
_QUIET_ABOUT_SLOWNESS_S: Final = 86_400.0
_LOGGERS: Final = ("faust", "mode", "aiokafka")


class RecordSink(Protocol):
    """What is asked of `stream.engine.Engine`. Each method returns when its records are in the
    ledger or among the dead letters."""

    stats: EngineStats

    async def wait_for_trust_list(self) -> object:
        """Return when there is a trust list. Before that nothing is begun: a rebalance waits
        for what is, and the list may come to this worker only after it."""
        ...

    async def fold_scans(self, records: Sequence[SourceRecord]) -> None:
        """Of the topic `scans`."""
        ...

    async def accept_batches(self, records: Sequence[SourceRecord]) -> None:
        """Of the topic `batches`."""
        ...

    async def accept_trust_lists(self, records: Sequence[SourceRecord]) -> None:
        """Of the topic `trust`."""
        ...


def build_app(
    settings: WorkerSettings, kafka: KafkaSettings, engine: RecordSink, folder: Path
) -> faust.App:
    """A Faust application that folds scans, registers batches and keeps trust lists.

    `folder` is for Faust's own files; nothing in it is missed when it is gone.
    """
    app = faust.App(
        GROUP,
        broker=";".join(f"aiokafka://{server}" for server in kafka.servers),
        broker_credentials=_credentials(kafka),
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.heartbeat_s,
        broker_commit_interval=settings.commit_every_s,
        broker_max_poll_records=_FETCHED_AT_ONCE,
        broker_request_timeout=max(30.0, settings.session_timeout_s + 5),
        consumer_auto_offset_reset="earliest",
        processing_guarantee="at_least_once",
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        datadir=str(folder),
        stream_buffer_maxsize=4 * _MOST_WAITING,
        stream_wait_empty=True,
        stream_processing_timeout=_QUIET_ABOUT_SLOWNESS_S,
        broker_commit_livelock_soft_timeout=_QUIET_ABOUT_SLOWNESS_S,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        TableManager=NoTables,
    )
    ready = engine.wait_for_trust_list
    for topic, take, most, ready_for in (
        (SCANS, engine.fold_scans, Most(settings.scans_at_once, in_hand=2), ready),
        (BATCHES, engine.accept_batches, Most(100, in_hand=1), ready),
        (TRUST, engine.accept_trust_lists, Most(1, in_hand=1), None),
    ):
        add_agent(app, topic, take, most, settings.linger_s, ready_for)
    _add_lag(app, engine)
    intake.install(app, most_waiting=_MOST_WAITING)
    return app


def run_worker(
    settings: WorkerSettings,
    kafka: KafkaSettings,
    ledger: PostgresAddress,
    roots: Roots,
    policy: Policy,
    *,
    folder: Path,
    metrics: tuple[str, int] | None,
) -> None:
    """Run until SIGTERM or Ctrl-C: what is being folded is finished and committed.

    Raises `SystemExit`; with another code than 0 if Faust itself failed, which is to be met
    by starting the worker again. `metrics`: address and port of its Prometheus page.
    """
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    publisher = KafkaPublisher(kafka)
    engine = Engine(
        open_store(ledger),
        DeadLetterTopic(publisher),
        roots,
        policy,
        EngineLimits(outage_s=settings.outage_s),
    )
    app = build_app(settings, kafka, engine, folder)
    _add_leader(app, engine, publisher, ledger)
    watching = loop.create_task(_end_when_stalled(app, engine, settings.stall_s))
    if metrics:
        serve_metrics(engine.stats, *metrics)
    worker = faust.Worker(
        app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False
    )
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    finally:
        watching.cancel()
        engine.close_threads()
        publisher.close()


async def _end_when_stalled(app: faust.App, engine: RecordSink, patience_s: float) -> None:
    """Not among Faust's own tasks, which it may never come to start."""
    why = await StallWatch(app, engine.stats, patience_s).stalled()
    end_process(why, "It begins again where its offsets stand", code=STALLED)


def _add_leader(
    app: faust.App, engine: Engine, publisher: Publisher, ledger: PostgresAddress
) -> None:
    async def lead() -> None:
        leadership = await open_leadership(ledger)
        try:
            await Leader(leadership, engine, publisher).run()
        finally:
            await leadership.close()

    app.task(lead)


def _add_lag(app: faust.App, engine: RecordSink) -> None:
    """Once a second: how many scans of this worker's partitions are not committed yet."""

    async def measure() -> None:
        consumer: Any = app.consumer
        committed = committed_offsets(app)
        engine.stats.waiting = sum(
            max(0, (consumer.highwater(tp) or 0) - (committed[tp] or 0))
            for tp in consumer.assignment()
            if tp.topic == SCANS.name
        )

    app.timer(_LAG_EVERY_S, name="touchstone-lag")(measure)


def _credentials(kafka: KafkaSettings) -> faust.SASLCredentials | faust.SSLCredentials | None:
    context = kafka.tls()
    if kafka.sasl is not None:
        return faust.SASLCredentials(
            username=kafka.user,
            password=kafka.password(),
            mechanism=kafka.sasl.value.upper(),
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None
