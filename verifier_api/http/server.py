"""How the service is put on a port: uvicorn, with its limits."""

from collections.abc import Callable
from typing import Final

import uvicorn
from fastapi import FastAPI

_GRACE_S: Final = 3


def server_config(app: FastAPI, *, host: str, port: int) -> uvicorn.Config:
    """The address counts only if the server is given no socket that is already bound.

    X-Forwarded-For is left to `verifier_api.http.client_address`, nothing about requests is
    logged, and open event streams do not hold up the end for long.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=1_000,
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
