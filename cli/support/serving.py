"""The verification service in this process, until something asks it to end."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from authenticity.detection.policy import Policy
from authenticity.errors import UnavailableError
from cli.support.data import DataFolder
from cli.support.installation_secret import installation_secret
from cli.support.logging_setup import announce
from cli.support.publishing import open_publisher
from cli.support.trust_list import load_roots

if TYPE_CHECKING:
    from verifier_api.metrics import EngineMetrics

Address = tuple[str, int]
"""Host and port; port 0 takes a free one."""


def serve(
    folder: DataFolder,
    policy: Policy,
    address: Address,
    goes_on: Callable[[], bool],
    *,
    engine_failure: Callable[[], str | None],
    engine_metrics: "EngineMetrics | None" = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, or until `goes_on`, asked ten times a second, says no.

    uvicorn handles signals only from its own start on: `goes_on` must know of those that
    came before.
    """
    from ledger.opening import open_reader
    from verifier_api.app import Dependencies, create_app
    from verifier_api.http.server import Server, server_config
    from verifier_api.network.geo_watch import GeoFiles
    from verifier_api.settings import Settings

    host, port = address
    folder.make_databases_private()
    publisher = open_publisher(folder)
    reader = open_reader(folder.ledger)
    settings = Settings.from_env(os.environ)
    app = create_app(
        Dependencies(
            reader=reader,
            publisher=publisher,
            roots=load_roots(folder),
            secret=installation_secret(folder, os.environ),
            geo=GeoFiles.find(os.environ, folder.root),
            settings=settings,
            policy=policy,
            engine_metrics=engine_metrics,
            engine_failure=engine_failure,
        )
    )
    listening = _listen(host, port)
    server = Server(server_config(app, host=host, port=port, settings=settings), goes_on)
    address, bound = listening.getsockname()[:2]
    announce(f"service: http://{f'[{address}]' if ':' in address else address}:{bound}")
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        publisher.close()
        asyncio.run(reader.close())


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            next_step="choose another --port; 0 takes a free one",
        ) from error
