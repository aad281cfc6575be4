"""The whole service of `tests.support.service` under uvicorn, on a free port."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tests.support.patience import PATIENCE_S, wait_until
from tests.support.service import Stand, assembled_service, path_of
from verifier_api.http.connections import Connections
from verifier_api.http.server import server_config
from verifier_api.settings import Settings

__all__ = ["Stand", "path_of", "standing_service"]


@contextmanager
def standing_service(folder: Path, **parts: Any) -> Iterator[Stand]:
    """`parts` as for `assembled_service`. The engine runs in a thread; ends by itself."""
    with assembled_service(folder, **parts) as stand:
        stand.engine.start()
        stand.until(lambda: stand.engine.stats.trust_version == 1)
        with served(stand.app, stand.state.settings) as (url, _):
            stand.url = url
            yield stand
        stand.engine.stop()


@contextmanager
def served(app: Any, settings: Settings | None = None) -> Iterator[tuple[str, Connections]]:
    """The app under uvicorn, on a free port of this machine, in a thread: its URL and its
    connections."""
    config = server_config(app, host="127.0.0.1", port=0, settings=settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", config.connections
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
