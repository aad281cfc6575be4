"""A small app behind the guard of connections, with bounds that tests can reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

from tests.support.driven_server import Client, DrivenServer, driven_server
from verifier_api.settings import Limits, Settings

HEAD_BYTES = 400
HEAD_FIELDS = 6
HEAD_WITHIN_S = 10.0
STALLS_S = 30.0
KEEP_ALIVE_S = 15.0
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
HELD = b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
OK = b"HTTP/1.1 200 OK"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
PIECES = 64
LARGE_BYTES = PIECES * 65_536


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """`/held` answers once its client is gone, `/large` with much, `/read` after the whole
    body with its size and the number of headers, all else at once."""
    body = b"x"
    if scope["path"] == "/held":
        while (await receive())["type"] != "http.disconnect":
            pass
    if scope["path"] == "/read":
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message["body"])
            more = message["more_body"]
        body = b"%d bytes %d headers" % (size, len(scope["headers"]))
    count = PIECES if scope["path"] == "/large" else 0
    length = LARGE_BYTES if count else len(body)
    headers = [(b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(count):
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
    await send({"type": "http.response.body", "body": b"" if count else body})


@contextmanager
def driven(proxies: str = "", **limits: Any) -> Iterator[DrivenServer]:
    bounds: dict[str, Any] = {
        "head_bytes": HEAD_BYTES,
        "head_fields": HEAD_FIELDS,
        "head_within_s": HEAD_WITHIN_S,
        "answer_stalls_s": STALLS_S,
    }
    settings = Settings(
        limits=Limits(**bounds | limits),
        trusted_proxies=(ip_network(proxies),) if proxies else (),
    )
    with driven_server(plain, settings) as server:
        yield server


def open_ones(clients: list[Client]) -> list[int]:
    """The positions of those that are still open."""
    return [at for at, client in enumerate(clients) if client.is_open()]
