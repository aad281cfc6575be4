"""How the service is put on a port: uvicorn, with its limits."""

from typing import Final

import uvicorn
from fastapi import FastAPI

_GRACE_S: Final = 3


def server_config(app: FastAPI) -> uvicorn.Config:
    """For a server on a socket that is already bound.

    X-Forwarded-For is left to `verifier_api.client_address`, nothing about requests is
    logged, and open event streams do not hold up the end for long.
    """
    return uvicorn.Config(
        app,
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
