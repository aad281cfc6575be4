"""Answers of a connection: in order, and to whoever reads them."""

import re
from collections.abc import Iterator

import pytest

from tests.support.driven_server import DrivenServer
from tests.unit.verifier_api.plain_server import (
    CHUNKED,
    HEAD_BYTES,
    HELD,
    LARGE,
    LARGE_BYTES,
    LAST,
    OK,
    STALLS_S,
    WHOLE,
    driven,
)


@pytest.fixture
def server() -> Iterator[DrivenServer]:
    with driven() as server:
        yield server


class TestPipelines:
    """Requests that are sent before the one before is answered."""

    def test_a_few_are_answered_in_order(self, server: DrivenServer) -> None:
        sized = [CHUNKED + b"1\r\nx\r\n" * n + b"0\r\n\r\n" for n in range(1, 6)]
        client = server.connect()
        answer = client.send(b"".join(sized) + LAST)
        assert [int(size) for size in re.findall(rb"(\d) bytes", answer)] == [1, 2, 3, 4, 5]
        assert answer.count(OK) == 6
        assert not client.is_open()

    def test_many_are_not_all_kept(self, server: DrivenServer) -> None:
        client = server.connect()
        assert client.send(HELD + WHOLE * 8) == b""
        assert client.send(WHOLE * 100) == b""
        assert client.is_open(), "the first has no answer yet"

    def test_those_before_one_too_many_are_answered_and_the_connection_ends(
        self, server: DrivenServer
    ) -> None:
        client = server.connect()
        answers = client.send(WHOLE * 100)
        assert answers.count(OK) == answers.count(b"HTTP/1.1") == 9
        assert not client.is_open()
        assert len(server.connections) == 0

    @pytest.mark.parametrize(
        "refused", [b"GARBAGE\r\n\r\n", WHOLE[:-2] + b"X: " + b"x" * HEAD_BYTES + b"\r\n\r\n"]
    )
    def test_what_is_refused_takes_no_answer_from_those_before_it(
        self, server: DrivenServer, refused: bytes
    ) -> None:
        client = server.connect()
        answers = client.send(WHOLE + WHOLE + refused)
        assert answers.count(OK) == answers.count(b"HTTP/1.1") == 2
        assert not client.is_open()
        waiting = server.connect()
        assert waiting.send(HELD + refused) == b""
        assert waiting.is_open()

    def test_a_body_that_is_no_body_is_refused_at_once(self, server: DrivenServer) -> None:
        client = server.connect()
        assert client.send(CHUNKED + b"no size\r\n").startswith(b"HTTP/1.1 400 ")
        assert not client.is_open()

    def test_a_bad_body_of_a_request_that_waits_does_not_run(self, server: DrivenServer) -> None:
        client = server.connect()
        answers = client.send(WHOLE + CHUNKED + b"no size\r\n")
        assert answers.count(OK) == answers.count(b"HTTP/1.1") == 1
        assert not client.is_open()


class TestAnswers:
    """A client that reads nothing of its answer is cut off, a slow one is not."""

    def test_two_sweeps_without_a_byte_read_are_the_end(self, server: DrivenServer) -> None:
        stuck = server.connect()
        stuck.transport.reads = False
        stuck.send(LARGE)
        server.loop.advance(STALLS_S)
        assert stuck.is_open()
        server.loop.advance(STALLS_S)
        assert not stuck.is_open()
        assert len(server.connections) == 0

    def test_whoever_reads_between_two_sweeps_stays(self, server: DrivenServer) -> None:
        slow = server.connect()
        slow.transport.reads = False
        slow.send(LARGE)
        sweeps = 0
        while len(slow.answer) < LARGE_BYTES:
            server.loop.advance(STALLS_S)
            assert slow.is_open()
            slow.transport.take(131_072)
            server.loop.settle()
            sweeps += 1
        assert sweeps >= LARGE_BYTES // 131_072

    def test_an_answer_that_has_been_read_is_not_waited_for(self, server: DrivenServer) -> None:
        client = server.connect()
        client.transport.reads = False
        client.send(HELD)
        client.transport.write(b"event\n")
        server.loop.advance(STALLS_S)
        client.transport.take(6)
        server.loop.advance(STALLS_S)
        client.transport.write(b"event\n")
        server.loop.advance(STALLS_S)
        assert client.is_open()

    def test_nobody_is_swept_where_nobody_is(self, server: DrivenServer) -> None:
        for _ in range(2):
            client = server.connect()
            assert server.loop.timers == 2  # for its head, and the sweep
            client.leave()
            server.loop.advance(STALLS_S)
            assert server.loop.timers == 0
