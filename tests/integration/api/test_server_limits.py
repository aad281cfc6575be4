"""Connections that come to no request, or to too much of one, over real sockets."""

import contextlib
import itertools
import logging
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.api.stand import Stand, served
from tests.support.patience import PATIENCE_S, wait_until
from verifier_api.http.connections import Connections
from verifier_api.settings import Limits, Settings

HALF = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
ONE_MB = 1_048_576


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """`/large` answers with much, `/read` after the whole body, all else at once."""
    assert scope["type"] in ("http", "lifespan")
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    if scope["path"] == "/read":
        while (await receive()).get("more_body"):
            pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/large":
        for _ in range(1_024):
            await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
    await send({"type": "http.response.body", "body": b"x"})


@contextmanager
def _served(proxies: str = "", **limits: Any) -> Iterator[tuple[tuple[str, int], Connections]]:
    networks = (ip_network(proxies),) if proxies else ()
    settings = Settings(limits=Limits(**limits), trusted_proxies=networks)
    with served(plain, settings) as (url, connections):
        yield _address(url), connections


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _connect(address: tuple[str, int], source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(address, PATIENCE_S, (source, 0))


def _half_open(stack: ExitStack, address: tuple[str, int], count: int) -> list[socket.socket]:
    """So many connections from one address, each with a part of a head."""
    opened = []
    for _ in range(count):
        connection = stack.enter_context(_connect(address))
        with contextlib.suppress(OSError):  # it may have given way already
            connection.sendall(HALF)
        opened.append(connection)
    return opened


def _answer(address: tuple[str, int], source: str) -> bytes:
    with _connect(address, source) as connection:
        connection.sendall(WHOLE)
        return connection.recv(12)


def _rest(connection: socket.socket) -> bytes:
    """What still comes until the server ends the connection; a reset ends it too."""
    received = bytearray()
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            received += part
    return bytes(received)


@pytest.fixture
def many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 4_096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_half_open_requests_stop_nobody(stand: Stand) -> None:
    address = _address(stand.url)
    with ExitStack() as stack:
        _half_open(stack, address, 1_100)
        transport = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(transport=transport, base_url=stand.url, timeout=PATIENCE_S) as other:
            body = {"code": stand.world.code()}
            assert other.post("/v1/verify", json=body).json()["standing"] == "verified"
        assert _answer(address, "127.0.0.1") == b"HTTP/1.1 200"


def test_an_address_has_so_many_connections_and_its_oldest_silent_one_gives_way() -> None:
    with _served(connections_per_address=5) as (address, connections), ExitStack() as stack:
        opened = _half_open(stack, address, 20)
        wait_until(lambda: len(connections) == 5)
        assert [_rest(each) for each in opened[:15]] == [b""] * 15
        opened[-1].sendall(b"\r\n\r\n")
        assert opened[-1].recv(12) == b"HTTP/1.1 200"


def test_at_the_bound_of_all_the_longest_silent_one_gives_way_whoever_it_is() -> None:
    with _served(connections=10) as (address, connections), ExitStack() as stack:
        opened = _half_open(stack, address, 10)
        wait_until(lambda: len(connections) == 10)
        assert _answer(address, "127.0.0.2") == b"HTTP/1.1 200"
        assert _rest(opened[0]) == b""
        opened[1].sendall(b"\r\n\r\n")
        assert opened[1].recv(12) == b"HTTP/1.1 200"


def test_whoever_has_a_request_open_does_not_give_way() -> None:
    with _served(connections=2) as (address, connections), ExitStack() as stack:
        working = [stack.enter_context(_connect(address)) for _ in range(2)]
        for each in working:
            each.sendall(CHUNKED + b"1\r\nx\r\n")
        wait_until(lambda: not connections._waiting and len(connections) == 2)
        assert _rest(stack.enter_context(_connect(address, "127.0.0.2"))) == b""
        for each in working:
            each.sendall(b"0\r\n\r\n")
            assert each.recv(12) == b"HTTP/1.1 200"


def test_a_trusted_proxy_has_as_many_connections_as_there_are() -> None:
    with (
        _served("127.0.0.0/8", connections_per_address=2) as (address, connections),
        ExitStack() as stack,
    ):
        _half_open(stack, address, 20)
        wait_until(lambda: len(connections) == 20)


TRICKLES = {
    "nothing": (b"", b""),
    "a head": (HALF, b"x"),
    "empty lines": (b"", b"\r\n"),
    "empty lines after an answer": (WHOLE, b"\r\n"),
    "a second head": (WHOLE + HALF, b"x"),
    "a body that nobody reads": (
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n", b"x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TRICKLES)
def test_what_trickles_is_cut_off(kind: str) -> None:
    begin, then = TRICKLES[kind]
    with _served(head_within_s=0.2) as (address, connections), _connect(address) as slow:
        slow.sendall(begin)
        slow.settimeout(0.02)
        with contextlib.suppress(ConnectionError):
            for _ in range(int(PATIENCE_S / 0.02)):
                slow.sendall(then)
                with contextlib.suppress(TimeoutError):
                    if not slow.recv(65_536):
                        break
            else:
                pytest.fail("it is still open")
        wait_until(lambda: len(connections) == 0)


ENDLESS = {
    "a path": (b"GET /", b"x" * 8_192),
    "a header": (HALF, b"x" * 8_192),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 1_000),
    "empty lines": (b"", b"\r\n" * 4_096),
    "a chunk extension": (CHUNKED + b"1;x=", b"x" * 8_192),
    "a trailer": (CHUNKED + b"1\r\nx\r\n0\r\nX: ", b"x" * 8_192),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 1_000),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_has_no_end_is_refused(kind: str) -> None:
    begin, then = ENDLESS[kind]
    with _served() as (address, connections), _connect(address) as endless:
        endless.sendall(begin)
        with contextlib.suppress(ConnectionError):
            for _ in itertools.repeat(None, 32 * ONE_MB // len(then)):
                endless.sendall(then)
            pytest.fail("it took all of it")
        wait_until(lambda: len(connections) == 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"X: %s\r\n" % (b"x" * 20_000), b"200"),
        (b"X: %s\r\n" % (b"x" * 33_000), b"431"),
        (b"X: %s\r\n" % (b"x" * 200_000), b"431"),
        (b"X: y\r\n" * 99, b"200"),
        (b"X: y\r\n" * 100, b"431"),
    ],
)
def test_a_head_has_a_size_and_a_number_of_headers(headers: bytes, status: bytes) -> None:
    with _served() as (address, _), _connect(address) as connection:
        with contextlib.suppress(ConnectionError):  # refused before the whole was sent
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n%s\r\n" % headers)
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 %s " % status)
        if status == b"431":
            assert b"application/problem+json" in answer
            assert _rest(connection) == b""


def test_many_requests_at_once_on_one_connection_are_not_all_kept() -> None:
    with _served() as (address, _), _connect(address) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(WHOLE * 5_000)
        assert _rest(connection).count(b"HTTP/1.1 200") <= 20


def test_requests_before_one_too_many_are_answered_and_the_connection_ends() -> None:
    with _served() as (address, connections), _connect(address) as connection:
        connection.sendall(WHOLE * 20)
        answers = _rest(connection)
        assert answers.count(b"HTTP/1.1 200") == answers.count(b"HTTP/1.1") == 9
        wait_until(lambda: len(connections) == 0)


def test_a_client_that_leaves_while_its_requests_wait_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with _served() as (address, connections):
        for _ in range(20):
            with _connect(address) as connection:
                connection.sendall(WHOLE * 8)
        wait_until(lambda: len(connections) == 0)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_few_pipelined_requests_are_answered_in_order() -> None:
    with _served() as (address, _), _connect(address) as connection:
        connection.sendall(WHOLE * 4 + WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert _rest(connection).count(b"HTTP/1.1 200") == 5


def test_a_client_that_reads_nothing_is_cut_off_and_a_slow_one_is_not() -> None:
    with _served(answer_stalls_s=1e6) as (address, connections), _connect(address) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: bool(_unsent(connections)))
        for _ in range(5):
            _sweep(connections)
            assert len(connections) == 1
            while connections._unread:
                assert client.recv(ONE_MB)
            wait_until(lambda: bool(_unsent(connections)))
        wait_until(lambda: len(connections) == 0 or _sweep(connections))


def test_the_sweep_comes_by_itself() -> None:
    with _served(answer_stalls_s=0.05) as (address, connections), _connect(address) as stuck:
        stuck.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert stuck.recv(1)
        wait_until(lambda: len(connections) == 0)


def _unsent(connections: Connections) -> int:
    return sum(each.transport.get_write_buffer_size() for each in tuple(connections._open))


def _sweep(connections: Connections) -> bool:
    """Once, in the server's loop. Whether no connection is left."""
    [loop] = {each.loop for each in tuple(connections._open)}
    done = threading.Event()

    def sweep() -> None:
        connections.cut_off_stalled()
        done.set()

    loop.call_soon_threadsafe(sweep)
    return done.wait(PATIENCE_S) and len(connections) == 0


def test_a_body_of_any_size_goes_through() -> None:
    with _served() as (address, _):
        url = f"http://{address[0]}:{address[1]}/read"
        body = bytes(5 * ONE_MB)
        with httpx.Client(timeout=PATIENCE_S) as client:
            for _ in range(2):
                assert client.post(url, content=body).status_code == 200
                assert client.post(url, content=iter([body[:99], body])).status_code == 200
