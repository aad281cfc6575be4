"""How the service is put on a port: uvicorn, with its limits and ours."""

import resource
from collections.abc import Callable
from typing import Final

import uvicorn
from fastapi import FastAPI

from verifier_api.http.connections import Connections, GuardedConfig
from verifier_api.settings import Settings

_GRACE_S: Final = 3
_OTHER_FILES: Final = 100
"""File descriptors left for the ledger, the log, Kafka and the rest of the process."""


def server_config(
    app: FastAPI, *, host: str, port: int, settings: Settings | None = None
) -> GuardedConfig:
    """The address counts only if the server is given no socket that is already bound.

    `settings` are the defaults without. Connections are bounded by `connections`, and by
    the file descriptors that the process may open, if those are fewer.

    X-Forwarded-For is left to `verifier_api.http.client_address`, nothing about requests is
    logged, and open event streams do not hold up the end for long.
    """
    settings = settings or Settings()
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(1, min(settings.limits.connections, files - _OTHER_FILES))
    return GuardedConfig(
        app,
        Connections(settings.limits, settings.trusted_proxies, most=most),
        host=host,
        port=port,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE_S,
    )


class Server(uvicorn.Server):
    """Ends by itself when `goes_on` says no: a service whose engine has stopped would
    acknowledge scans that nobody folds."""

    def __init__(self, config: uvicorn.Config, goes_on: Callable[[], bool]) -> None:
        super().__init__(config)
        self._goes_on = goes_on

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second."""
        return await super().on_tick(counter) or not self._goes_on()
