"""`touchstone up`: an engine and the service; the workers of the Kafka engine run beside it."""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from authenticity.detection.policy import Policy
from authenticity.errors import LedgerUnavailableError, UnavailableError
from cli.support.data import DataFolder
from cli.support.logging_setup import announce, set_up_logging
from cli.support.open_engine import EngineKind, kafka_and_ledger, open_engine
from cli.support.passphrase import refuse_in_environment
from cli.support.policies import policy_in_force
from cli.support.serving import Address, serve
from cli.support.shutdown import ShutdownRequest
from cli.support.worker_processes import Workers

log = logging.getLogger("touchstone")

Data = Annotated[Path | None, typer.Option(help="Data folder of the installation.")]


def register(app: typer.Typer) -> None:
    """Add `up`."""
    app.command()(up)


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
    refuse_in_environment()
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


def _run_embedded(folder: DataFolder, policy: Policy, address: Address | None) -> None:
    from stream.metrics import engine_metrics

    engine = open_engine(folder, policy)
    shutdown = ShutdownRequest.on_signals()
    engine.start()
    announce(f"engine: folding what arrives in {folder.root}")
    if address:
        serve(
            folder,
            policy,
            address,
            lambda: engine.running and not shutdown.requested,
            engine_metrics=lambda: engine_metrics(engine.stats, running=engine.running),
            engine_failure=lambda: engine.stats.failure,
        )
    else:
        shutdown.wait_while(lambda: engine.running)
    engine.stop()
    _raise_if_stopped("the engine has stopped", engine.stats.failure)


def _run_kafka(
    folder: DataFolder,
    policy: Policy,
    address: Address | None,
    count: int,
    arguments: list[str],
) -> None:
    shutdown = ShutdownRequest.on_signals()
    workers = Workers(count, arguments)
    try:
        announce(f"engine: {count} workers")
        if address:
            serve(
                folder,
                policy,
                address,
                lambda: workers.running and not shutdown.requested,
                engine_failure=lambda: workers.failure,
            )
        else:
            shutdown.wait_while(lambda: workers.running)
    finally:
        workers.stop()
    _raise_if_stopped("the workers have stopped", workers.failure)


def _raise_if_stopped(what: str, failure: str | None) -> None:
    if failure:
        raise UnavailableError(
            f"{what}: {failure}",
            next_step="mend the cause and start it again; it goes on where it was",
        )
