"""`touchstone worker`: one worker of the Kafka engine, a process that `up` looks after."""

from pathlib import Path
from typing import Annotated

import typer

from cli.support.data import DataFolder
from cli.support.open_engine import kafka_and_ledger
from cli.support.passphrase import refuse_in_environment
from cli.support.policies import policy_in_force
from cli.support.trust_list import load_roots


def register(app: typer.Typer) -> None:
    """Add `worker`, which `up` starts."""
    app.command(hidden=True)(worker)


def worker(
    data: Annotated[Path | None, typer.Option(help="Data folder of the installation.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy in TOML.")] = None,
    number: Annotated[int, typer.Option(help="Which of the workers this is.")] = 0,
    metrics_port: Annotated[int, typer.Option(help="Port for Prometheus; 0 for none.")] = 0,
    metrics_host: Annotated[str, typer.Option(help="Its address.")] = "127.0.0.1",
) -> None:
    """Run one worker of the Kafka engine; `touchstone up --engine kafka` starts these."""
    import os
    from tempfile import TemporaryDirectory

    from cli.support.logging_setup import set_up_logging
    from stream.sources.faust.app import run_worker
    from stream.sources.faust.settings import WorkerSettings

    refuse_in_environment()
    folder = DataFolder.find(data)
    set_up_logging(os.environ)
    from stream.garbage_collection import collect_garbage_rarely

    collect_garbage_rarely()
    kafka, ledger = kafka_and_ledger(folder)
    with TemporaryDirectory(prefix="touchstone-worker-") as scratch:
        run_worker(
            WorkerSettings.from_env(os.environ),
            kafka,
            ledger,
            load_roots(folder),
            policy_in_force(folder, policy),
            folder=Path(scratch),
            metrics=(metrics_host, metrics_port + number) if metrics_port else None,
        )
