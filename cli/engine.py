"""`touchstone up`: the embedded engine and the service, in one process."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from authenticity.errors import ConfigurationError, UnavailableError
from authenticity.policy import Policy
from authenticity.roots import Roots, read_roots
from cli.console import err
from cli.data import DataFolder
from cli.replaying import policy_in_force

if TYPE_CHECKING:
    from stream.embedded import EmbeddedEngine

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
) -> None:
    """Run the embedded engine, and the verification service, until SIGTERM or Ctrl-C.

    What is waiting is folded, then the command ends with exit code 0 within 10 seconds.

    Example: [bold]touchstone up --data ./touchstone-data --port 8000[/]
    """
    folder = DataFolder.find(data)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    collect_garbage_rarely()
    chosen = policy_in_force(folder, policy)
    engine = open_engine(folder, chosen)
    engine.start()
    err.print(f"engine: folding what arrives in {folder.root}", markup=False)
    if api:
        _serve(folder, chosen, engine, host, port)
    else:
        _wait(engine)
    engine.stop()
    if engine.stats.failure:
        raise UnavailableError(
            f"the engine has stopped: {engine.stats.failure}",
            next_step="mend the cause and start it again; it goes on where it was",
        )


def open_engine(folder: DataFolder, policy: Policy) -> "EmbeddedEngine":
    """The embedded engine on a data folder; makes log and ledger if they are not there."""
    from events.embedded_log import EmbeddedLog
    from ledger.opening import migrate, open_writer
    from stream.embedded import EmbeddedEngine

    roots = load_roots(folder)
    migrate(folder.ledger)
    return EmbeddedEngine(EmbeddedLog(folder.log), open_writer(folder.ledger), roots, policy)


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


def _wait(engine: "EmbeddedEngine") -> None:
    """Until SIGTERM, Ctrl-C, or the engine's own end."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while engine.running and not ended.wait(0.2):
        pass


def _serve(
    folder: DataFolder, policy: Policy, engine: "EmbeddedEngine", host: str, port: int
) -> None:
    """The service until SIGTERM or Ctrl-C; the end of the engine is its end too."""
    from events.embedded_publisher import EmbeddedPublisher
    from ledger.opening import open_reader
    from stream.metrics import engine_metrics
    from verifier_api.app import Parts, create_app
    from verifier_api.serving import Server, server_config
    from verifier_api.settings import Settings

    publisher = EmbeddedPublisher(folder.log)
    reader = open_reader(folder.ledger)
    app = create_app(
        Parts(
            reader=reader,
            publisher=publisher,
            roots=load_roots(folder),
            settings=Settings.from_env(os.environ),
            policy=policy,
            engine_metrics=lambda: engine_metrics(engine.stats, running=engine.running),
            engine_failure=lambda: engine.stats.failure,
        )
    )
    listening = _listen(host, port)
    server = Server(server_config(app, host=host, port=port), lambda: engine.running)
    # uvicorn raises the signal again once it has ended; that is no reason to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _signal, _frame: None)
    address, bound = listening.getsockname()[:2]
    err.print(f"service: http://{f'[{address}]' if ':' in address else address}:{bound}")
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        publisher.close()
        asyncio.run(reader.close())


def collect_garbage_rarely() -> None:
    """For a process that lives long on values without cycles: looking for cycles among all
    that it remembers cost a fifth of the fold's time."""
    gc.set_threshold(100_000, 20, 50)


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
