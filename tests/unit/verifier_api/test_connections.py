"""Connections that come to no request, or to too much of one: counted, not timed."""

import asyncio
import gc
import itertools
import logging
import resource
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.driven_server import Client, DrivenServer
from tests.unit.verifier_api.plain_server import (
    CHUNKED,
    HALF,
    HEAD_BYTES,
    HEAD_FIELDS,
    HEAD_WITHIN_S,
    HELD,
    KEEP_ALIVE_S,
    LARGE,
    OK,
    TOO_LARGE,
    WHOLE,
    driven,
    open_ones,
)
from verifier_api.http.server import Server, server_config

ENDLESS = {
    "a path": (b"GET /", b"x" * 50),
    "a header": (HALF, b"x" * 50),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 9),
    "empty lines": (b"", b"\r\n" * 25),
    "a chunk extension": (CHUNKED + b"1;x=", b"x" * 50),
    "a trailer": (CHUNKED + b"1\r\nx\r\n0\r\nX: ", b"x" * 50),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 9),
    "a second head": (WHOLE + HALF, b"x" * 50),
}

SLOW = {
    "nothing": ((), b""),
    "a head": ((HALF,), b"x"),
    "empty lines": ((), b"\r\n"),
    "empty lines after an answer": ((WHOLE,), b"\r\n"),
    "a second head": ((WHOLE, HALF), b"x"),
    "a second head with the first": ((WHOLE + HALF,), b"x"),
    "a body that nobody reads": (
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n",), b"x",
    ),
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[DrivenServer]:
    with driven() as server:
        yield server


class TestHeads:
    """A head is bounded in bytes, fields and time, however it is cut."""

    @example(value=0, fields=HEAD_FIELDS, cuts=[])
    @example(value=0, fields=HEAD_FIELDS + 1, cuts=[])
    @example(value=HEAD_BYTES - 3, fields=1, cuts=[])  # with a path of 1 and a name of 2
    @example(value=HEAD_BYTES - 2, fields=1, cuts=[])
    @given(
        value=st.integers(0, 2 * HEAD_BYTES),
        fields=st.integers(1, 2 * HEAD_FIELDS),
        cuts=st.lists(st.integers(1, 3 * HEAD_BYTES), max_size=8),
    )
    def test_neither_size_nor_cut_decides_but_the_bounds(
        self, value: int, fields: int, cuts: list[int]
    ) -> None:
        lines = [b"H%d: " % n for n in range(fields)]
        lines[0] += b"v" * value
        head = b"GET / HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"
        counted = 1 + value + 2 * min(fields, 10) + 3 * max(fields - 10, 0)
        places = sorted({0, len(head), *(cut for cut in cuts if cut < len(head))})
        pieces = [head[a:b] for a, b in itertools.pairwise(places)]
        with driven() as server:
            client = server.connect()
            answer = client.send(*pieces)
            if fields > HEAD_FIELDS or counted > HEAD_BYTES:
                assert answer.startswith(TOO_LARGE)
                assert not client.is_open()
            elif len(head) <= HEAD_BYTES or not cuts:
                assert answer.startswith(OK)
                assert client.is_open()

    def test_a_refusal_says_what_to_do(self, server: DrivenServer) -> None:
        answer = server.connect().send(b"GET /%s HTTP/1.1\r\n\r\n" % (b"x" * HEAD_BYTES))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"content-type: application/problem+json" in head
        assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
        assert b"connection: close" in head
        assert b"send fewer and shorter headers" in body

    @pytest.mark.parametrize("kind", ENDLESS)
    def test_what_has_no_end_is_refused_within_a_head(
        self, server: DrivenServer, kind: str
    ) -> None:
        begin, then = ENDLESS[kind]
        client = server.connect()
        client.send(begin)
        sent = 0
        while client.is_open() and sent <= 2 * HEAD_BYTES:
            client.send(then)
            sent += len(then)
        assert not client.is_open()
        assert HEAD_BYTES - len(begin) < sent <= HEAD_BYTES + len(then)
        assert len(server.connections) == 0

    @pytest.mark.parametrize("kind", ENDLESS)
    def test_nor_does_it_help_to_send_it_at_once(self, server: DrivenServer, kind: str) -> None:
        begin, then = ENDLESS[kind]
        client = server.connect()
        client.send(begin + then * (3 * HEAD_BYTES // len(then)))
        assert not client.is_open()

    def test_each_head_chunk_and_trailer_has_a_size_of_its_own(self, server: DrivenServer) -> None:
        filling = b"x" * (HEAD_BYTES // 2)
        client = server.connect()
        head = CHUNKED[:-2] + b"X: %s\r\n\r\n" % filling
        chunk = (b"1;" + filling, b"\r\nx\r\n")
        trailer = (b"0\r\n", b"X: %s\r\n\r\n" % filling)
        for count in range(1, 4):
            answer = client.send(head[:-9], head[-9:], *chunk, *chunk, *trailer)
            assert answer.count(OK) == count

    def test_bodies_of_any_size_are_none_of_a_head(self, server: DrivenServer) -> None:
        body = b"x" * 10 * HEAD_BYTES
        plain_body = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        chunked = CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        client = server.connect()
        for request in (plain_body + body, chunked):
            assert client.send(request).endswith(b"\r\n\r\n%d bytes 2 headers" % len(body))
        assert client.send(*(bytes([each]) for each in chunked)).count(OK) == 3
        assert client.is_open()

    def test_trailers_are_no_headers_of_the_request(self, server: DrivenServer) -> None:
        trailers = b"".join(b"T%d: y\r\n" % n for n in range(2 * HEAD_FIELDS))
        client = server.connect()
        answer = client.send(CHUNKED, b"1\r\nx\r\n0\r\n" + trailers + b"\r\n")
        assert answer.endswith(b"1 bytes 2 headers")
        assert client.send(WHOLE).count(OK) == 2

    def test_what_is_no_http_is_answered_so_and_not_logged(
        self, server: DrivenServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            client = server.connect()
            assert client.send(b"\x16\x03\x01 garbage\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert not client.is_open()
        assert not [each for each in caplog.records if each.name.startswith("uvicorn")]

    def test_nothing_is_read_after_a_refusal(self, server: DrivenServer) -> None:
        client = server.connect()
        too_large = HALF + b"x" * HEAD_BYTES + b"\r\n\r\n"
        assert client.send(too_large + WHOLE * 50).count(b"HTTP/1.1") == 1


class TestTime:
    """A head has a time from its connection, or from the answer to the one before."""

    @pytest.mark.parametrize("kind", SLOW)
    def test_no_byte_gains_time(self, server: DrivenServer, kind: str) -> None:
        begin, then = SLOW[kind]
        client = server.connect()
        client.send(*begin)
        if kind == "empty lines after an answer":
            client.send(then)
        for _ in range(9):
            server.loop.advance(HEAD_WITHIN_S / 10)
            client.send(*([then] if then else []))
            assert client.is_open()
        server.loop.advance(HEAD_WITHIN_S / 10)
        assert not client.is_open()
        assert len(server.connections) == 0

    def test_a_request_may_take_as_long_as_it_takes(self, server: DrivenServer) -> None:
        held, reading = server.connect(), server.connect()
        held.send(HELD)
        reading.send(CHUNKED)
        for _ in range(5):
            server.loop.advance(HEAD_WITHIN_S)
            reading.send(b"1\r\nx\r\n")
        assert held.is_open()
        assert reading.send(b"0\r\n\r\n").endswith(b"\r\n5 bytes 2 headers")

    def test_between_requests_silence_is_kept_as_long_as_uvicorn_says(
        self, server: DrivenServer
    ) -> None:
        client = server.connect()
        for _ in range(3):
            client.send(WHOLE)
            server.loop.advance(KEEP_ALIVE_S - 1)
        assert client.is_open()
        server.loop.advance(1)
        assert not client.is_open()

    def test_each_head_has_a_time_of_its_own(self, server: DrivenServer) -> None:
        client = server.connect()
        for count in range(1, 4):
            client.send(HALF)
            server.loop.advance(HEAD_WITHIN_S - 1)
            assert client.send(b"x\r\n\r\n").count(OK) == count

    def test_a_client_that_leaves_takes_its_time_with_it(self, server: DrivenServer) -> None:
        stays = server.connect()
        stays.send(HELD)
        before = server.loop.timers
        for sent in ((), (HALF,), (WHOLE,), (HELD,)):
            client = server.connect()
            client.send(*sent)
            client.leave()
            assert server.loop.timers == before
            assert len(server.connections) == 1

    def test_nothing_is_kept_of_those_who_have_left(self) -> None:
        with driven() as server:
            left = []
            for n, sent in enumerate((b"", HALF, WHOLE, HELD, LARGE)):
                client = server.connect(f"192.0.2.{n}")
                left.append(weakref.ref(client.transport))
                client.transport.reads = sent != LARGE
                client.send(sent)
                server.connections.cut_off_stalled()
                client.leave()
            del client
            gc.collect()
            assert [each() for each in left] == [None] * 5
            assert not server.connections._of_address


class TestCounts:
    """At a bound, whoever waits longest without a request gives way."""

    def test_of_an_address_the_oldest_gives_way(self) -> None:
        with driven(connections_per_address=3) as server:
            clients = [server.connect() for _ in range(7)]
            other = server.connect("198.51.100.1")
            assert open_ones(clients) == [4, 5, 6]
            assert len(server.connections) == 4
            assert clients[4].send(WHOLE).startswith(OK)
            assert other.is_open()

    def test_being_answered_makes_a_connection_the_youngest_of_all(self) -> None:
        with driven(connections=3) as server:
            clients = [server.connect(f"192.0.2.{n}") for n in range(3)]
            clients[0].send(WHOLE)
            clients.append(server.connect("198.51.100.1"))
            assert open_ones(clients) == [0, 2, 3]

    def test_half_a_head_is_no_request(self) -> None:
        with driven(connections=2) as server:
            clients = [server.connect(), server.connect()]
            clients[0].send(HALF)
            clients.append(server.connect())
            assert open_ones(clients) == [1, 2]

    @pytest.mark.parametrize("bound", ["connections", "connections_per_address"])
    def test_whoever_has_a_request_open_stays_and_the_new_one_goes(self, bound: str) -> None:
        limits: dict[str, Any] = {bound: 2}
        with driven(**limits) as server:
            clients = [server.connect(), server.connect()]
            clients[0].send(HELD)
            clients[1].send(CHUNKED)
            clients.append(server.connect())
            assert open_ones(clients) == [0, 1]
            assert clients[2].answer == b""
            clients[1].send(b"0\r\n\r\n")
            clients.append(server.connect())
            assert open_ones(clients) == [0, 3]

    def test_a_pipelined_request_counts_until_the_last_is_answered(self) -> None:
        with driven(connections=1) as server:
            first = server.connect()
            first.send(WHOLE + CHUNKED)
            assert not server.connect().is_open()
            first.send(b"0\r\n\r\n")
            assert server.connect().is_open()
            assert not first.is_open()

    @pytest.mark.parametrize(
        ("addresses", "left"),
        [
            (["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1"], 1),
            (["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"], 3),
            (["192.0.2.1", "::ffff:192.0.2.1", "64:ff9b::c000:201"], 1),
            ([None, "a name", None], 1),
        ],
    )
    def test_an_address_is_what_one_client_can_have(
        self, addresses: list[str | None], left: int
    ) -> None:
        with driven(connections_per_address=1) as server:
            clients = [server.connect(address) for address in addresses]
            assert len(open_ones(clients)) == left

    def test_behind_a_trusted_proxy_are_many_clients(self) -> None:
        with driven("192.0.2.0/24", connections_per_address=1, connections=4) as server:
            clients = [server.connect() for _ in range(6)]
            assert open_ones(clients) == [2, 3, 4, 5]

    def test_there_are_no_more_than_the_process_may_have_files(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda which: (103, 4_096))
        with driven() as server:
            clients = [server.connect(f"192.0.2.{n}") for n in range(5)]
            assert open_ones(clients) == [2, 3, 4]

    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(["come", "ask", "begin", "leave"]), st.integers(0, 5)),
            max_size=30,
        )
    )
    def test_whatever_they_do_the_bounds_hold_and_nobody_at_work_is_cut_off(
        self, steps: list[tuple[str, int]]
    ) -> None:
        with driven(connections=4, connections_per_address=3) as server:
            clients: list[Client] = []
            at_work: set[int] = set()
            for what, which in steps:
                if what == "come":
                    clients.append(server.connect(f"192.0.2.{which % 2}"))
                elif which < len(clients) and clients[which].is_open():
                    if what == "leave":
                        clients[which].leave()
                        at_work.discard(which)
                    elif which not in at_work:
                        clients[which].send(HELD if what == "begin" else WHOLE)
                        at_work |= {which} if what == "begin" else set()
                open_now = open_ones(clients)
                assert len(open_now) == len(server.connections) <= 4
                assert at_work <= set(open_now)
                for address in ("192.0.2.0", "192.0.2.1"):
                    ports = [clients[at].transport.get_extra_info("peername")[0] for at in open_now]
                    assert ports.count(address) <= 3


def test_the_server_ends_once_its_engine_has() -> None:
    goes_on = [True]
    server = Server(server_config(FastAPI(), host="192.0.2.1", port=80), lambda: goes_on[0])
    assert not asyncio.run(server.on_tick(0))
    goes_on[0] = False
    assert asyncio.run(server.on_tick(1))
