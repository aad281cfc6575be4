"""The HTTP client for the servers on this machine."""

import httpx


def local_client(timeout_s: float) -> httpx.Client:
    """Plain HTTP without proxies, each request on a connection of its own.

    Make one and keep it: the set-up of a client costs far more than a request.
    """
    no_reuse = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=timeout_s, limits=no_reuse, trust_env=False, verify=False)
