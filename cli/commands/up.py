"""`touchstone up`: an engine and the service; the workers of the Kafka engine run beside it."""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from authenticity.detection.policy import Policy
from authenticity.errors import ConfigurationError, LedgerUnavailableError, UnavailableError
from authenticity.trust.jws import Roots, read_roots
from cli.commands.replay import policy_in_force
from cli.commands.worker import Workers, kafka_and_ledger
from cli.support.data import DataFolder
from cli.support.logs import announce, set_up_logging
from cli.support.publishing import open_publisher

if TYPE_CHECKING:
    from stream.sources.embedded import EmbeddedEngine
    from verifier_api.metrics import EngineMetrics

log = logging.getLogger("touchstone")

Data = Annotated[Path | None, typer.Option(help="Data folder of the installation.")]


def register(app: typer.Typer) -> None:
    """Add `up`."""
    app.command()(up)


class EngineKind(StrEnum):
    """One machine, or as many as it takes."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


def up(
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    api: Annotated[bool, typer.Option("--api/--no-api", help="Serve the API too.")] = True,
    policy: Annotated[Path | None, typer.Option(help="Policy in TOML.")] = None,
    engine: Annotated[
        EngineKind, typer.Option(help="What carries scans to the ledger.")
    ] = EngineKind.EMBEDDED,
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Kafka: so many worker processes here.")
    ] = 1,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65_000, help="Kafka: metrics of worker 0; the next one up.")
    ] = 0,
    metrics_host: Annotated[str, typer.Option(help="Kafka: its address.")] = "127.0.0.1",
) -> None:
    """Run an engine, and the verification service, until SIGTERM or Ctrl-C.

    What is being folded is finished, then the command ends with exit code 0 (embedded:
    within 10 seconds).

    Example: [bold]touchstone up --data ./touchstone-data --port 8000[/]

    With [bold]--engine kafka[/], TOUCHSTONE_KAFKA says where the brokers are and
    TOUCHSTONE_LEDGER where PostgreSQL is. Run it on as many machines as you need:
    [bold]--workers 0[/] serves the API alone, [bold]--no-api[/] runs workers alone.
    A worker that dies is started again; one that gives up, because Kafka or the
    ledger stayed away, ends the command with exit code 3.
    """
    folder = DataFolder.find(data)
    set_up_logging(os.environ)
    from stream.garbage_collection import collect_garbage_rarely

    collect_garbage_rarely()
    chosen = policy_in_force(folder, policy)
    address = (host, port) if api else None
    if engine is EngineKind.EMBEDDED:
        _run_embedded(folder, chosen, address)
        return
    _require_current_ledger(folder)
    arguments = ["--metrics-port", str(metrics_port), "--metrics-host", metrics_host]
    for name, given in (("--data", data), ("--policy", policy)):
        arguments += [name, str(given)] if given else []
    _run_kafka(folder, chosen, address, workers, arguments)


def _require_current_ledger(folder: DataFolder) -> None:
    """A ledger of another revision is said at once; one that is away may come back, and the
    service takes scans meanwhile."""
    from ledger.opening import require_current

    _, ledger = kafka_and_ledger(folder)
    try:
        require_current(ledger)
    except LedgerUnavailableError as error:
        log.warning("%s; %s", error, error.next_step)


def _run_embedded(folder: DataFolder, policy: Policy, address: tuple[str, int] | None) -> None:
    from stream.metrics import engine_metrics

    engine = open_engine(folder, policy)
    engine.start()
    announce(f"engine: folding what arrives in {folder.root}")
    if address:
        _serve(
            folder,
            policy,
            address,
            lambda: engine.running,
            engine_metrics=lambda: engine_metrics(engine.stats, running=engine.running),
            engine_failure=lambda: engine.stats.failure,
        )
    else:
        _wait(lambda: engine.running)
    engine.stop()
    _raise_if_stopped("the engine has stopped", engine.stats.failure)


def _run_kafka(
    folder: DataFolder,
    policy: Policy,
    address: tuple[str, int] | None,
    count: int,
    arguments: list[str],
) -> None:
    workers = Workers(count, arguments)
    try:
        announce(f"engine: {count} workers")
        if address:
            _serve(
                folder,
                policy,
                address,
                lambda: workers.running,
                engine_failure=lambda: workers.failure,
            )
        else:
            _wait(lambda: workers.running)
    finally:
        workers.stop()
    _raise_if_stopped("the workers have stopped", workers.failure)


def _raise_if_stopped(what: str, failure: str | None) -> None:
    if failure:
        raise UnavailableError(
            f"{what}: {failure}",
            next_step="mend the cause and start it again; it goes on where it was",
        )


def open_engine(folder: DataFolder, policy: Policy) -> "EmbeddedEngine":
    """The embedded engine on a data folder; makes log and ledger if they are not there."""
    from events.embedded.log import EmbeddedLog
    from ledger.opening import migrate, open_writer
    from stream.sources.embedded import EmbeddedEngine

    roots = load_roots(folder)
    ledger = folder.ledger
    if not isinstance(ledger, Path):
        raise ConfigurationError(
            "the embedded engine has its ledger in a file, TOUCHSTONE_LEDGER names a database",
            next_step="say --engine kafka, or unset TOUCHSTONE_LEDGER",
        )
    migrate(ledger)
    return EmbeddedEngine(EmbeddedLog(folder.log), open_writer(ledger), roots, policy)


def load_roots(folder: DataFolder) -> Roots:
    """The root keys pinned in this installation: TOUCHSTONE_ROOTS, else in its data folder."""
    path = Path(os.environ.get("TOUCHSTONE_ROOTS", folder.roots))
    if not path.exists():
        raise ConfigurationError(
            f"no root keys are pinned: {path} is missing",
            next_step="copy the roots.json that `touchstone keys init` wrote to this place",
        )
    try:
        return read_roots(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error


def _wait(goes_on: Callable[[], bool]) -> None:
    """Until SIGTERM, Ctrl-C, or the engine's own end."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while goes_on() and not ended.wait(0.2):
        pass


def _serve(
    folder: DataFolder,
    policy: Policy,
    address: tuple[str, int],
    goes_on: Callable[[], bool],
    *,
    engine_failure: Callable[[], str | None],
    engine_metrics: "EngineMetrics | None" = None,
) -> None:
    """The service until SIGTERM or Ctrl-C; the end of the engine is its end too."""
    from ledger.opening import open_reader
    from verifier_api.app import Dependencies, create_app
    from verifier_api.http.server import Server, server_config
    from verifier_api.settings import Settings

    host, port = address
    publisher = open_publisher(folder)
    reader = open_reader(folder.ledger)
    app = create_app(
        Dependencies(
            reader=reader,
            publisher=publisher,
            roots=load_roots(folder),
            settings=Settings.from_env(os.environ),
            policy=policy,
            engine_metrics=engine_metrics,
            engine_failure=engine_failure,
        )
    )
    listening = _listen(host, port)
    server = Server(server_config(app, host=host, port=port), goes_on)
    # uvicorn raises the signal again once it has ended; that is no reason to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _signal, _frame: None)
    address, bound = listening.getsockname()[:2]
    announce(f"service: http://{f'[{address}]' if ':' in address else address}:{bound}")
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        publisher.close()
        asyncio.run(reader.close())


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2_048)
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            next_step="choose another --port; 0 takes a free one",
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
