"""Sending to a service over HTTP: what is refused, what is tried again, what is never shown."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from authenticity.errors import ConfigurationError, InputError, UnavailableError
from authenticity.version import VERSION
from producers.scanner.service_client import ScanService


class Script:
    """What the service will answer, in turn, and what it was asked."""

    def __init__(self, *answers: tuple[int, Any], hang_up: bool = False) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str | None, bytes]] = []
        self.agents: list[str | None] = []
        self.hang_up = hang_up


@contextmanager
def service(script: Script) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            script.asked.append((self.path, self.headers.get("Authorization"), body))
            script.agents.append(self.headers.get("User-Agent"))
            status, answer = script.answers.pop(0)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if status == 429:
                self.send_header("Retry-After", "0")
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = script.hang_up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_each_line_gets_its_own_answer() -> None:
    script = Script((207, {"results": [{"recorded": True}, {"recorded": False}]}))
    with service(script) as url:
        sender = ScanService(url + "/", "secret")
        assert sender.publish([b"{}", b"[]"]) == [{"recorded": True}, {"recorded": False}]
        sender.close()
    assert script.asked == [("/v1/scans", "Bearer secret", b"{}\n[]\n")]
    assert script.agents == [f"touchstone/{VERSION}"]


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with service(Script((202, {"results": [{"recorded": True}]}))) as url:
        sender = ScanService(url)
        assert sender.publish([b"{}"]) == [{"recorded": True}]
        sender.close()


def test_a_redirect_is_not_followed_with_the_token() -> None:
    script = Script((307, {"detail": "moved"}), (202, {"results": [{"recorded": True}]}))
    with service(script) as url:
        sender = ScanService(url, "secret")
        with pytest.raises(InputError, match="answered 307: moved"):
            sender.publish([b"{}"])
        sender.close()
    assert [path for path, _, _ in script.asked] == ["/v1/scans"]


def test_a_service_that_is_not_there_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(UnavailableError, match=rf"127.0.0.1:{port} cannot be reached: .*refused"):
        ScanService(f"http://127.0.0.1:{port}").publish([b"{}"])


@pytest.mark.parametrize("token", ["secret\n", "secr\u00e9t", " secret"])
def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        ScanService("http://127.0.0.1:1", token)
    assert "secr" not in str(refusal.value)


def test_a_connection_that_the_service_closed_is_opened_again() -> None:
    one = {"results": [{"recorded": True}]}
    script = Script((202, one), (202, one), hang_up=True)
    with service(script) as url:
        sender = ScanService(url)
        for _ in range(2):
            assert sender.publish([b"{}"]) == one["results"]
        sender.close()


def test_too_many_requests_are_waited_out() -> None:
    script = Script((429, {"detail": "slow down"}), (202, {"results": [{"recorded": True}]}))
    with service(script) as url:
        sender = ScanService(url)
        assert sender.publish([b"{}"]) == [{"recorded": True}]
        sender.close()


@pytest.mark.parametrize(
    ("status", "answer", "error", "word"),
    [
        (401, {"detail": "unknown token"}, InputError, "unknown token"),
        (503, {"detail": "the log is full"}, UnavailableError, "the log is full"),
        (200, b"<html>", UnavailableError, "no JSON"),
        (200, {"results": []}, UnavailableError, "did not answer every line"),
        (200, 7, UnavailableError, "did not answer every line"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_service(
    status: int, answer: Any, error: type[Exception], word: str
) -> None:
    with service(Script((status, answer))) as url:
        sender = ScanService(url, "secret")
        with pytest.raises(error, match=word) as refusal:
            sender.publish([b"{}"])
        sender.close()
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["verify.example", "ftp://x", "http://a:b@x", "http://x?q", "http://x:0"]
)
def test_what_is_no_service_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        ScanService(url)
    assert refusal.value.next_step


@pytest.mark.parametrize("url", ["http://verify.example", "http://10.0.0.1:8000"])
def test_a_token_does_not_travel_in_the_clear(url: str) -> None:
    with pytest.raises(ConfigurationError, match="in the clear"):
        ScanService(url, "secret")
    ScanService(url)
