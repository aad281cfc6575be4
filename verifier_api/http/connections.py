"""The connections of a server: how many there are, how long they wait, what they hold.

uvicorn bounds neither the size of a request's head nor the time it may take, and its
`limit_concurrency` answers 503 to everybody once there are that many connections, silent
ones included. Here a connection that does not come to a request gives way:

1. A head (request line and headers) is bounded in bytes, fields and time, and so is what
   else a client may send outside of bodies: trailers, chunk extensions, empty lines.
2. At the bound of an address its oldest connection without a request is cut off for the
   new one; at the bound of all, the one that has waited longest. Without any such the new
   one is cut off.
3. A client that stops reading its answer is cut off. Answers have to be sent in pieces of
   some 64 KB: what uvloop still has of one piece does not say whether it is being read.
"""

import asyncio
import logging
from collections.abc import Hashable
from http import HTTPStatus
from typing import Any, Final

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from verifier_api.http.client_address import UNKNOWN, address_of, bucket_keys
from verifier_api.http.problems import HEAD_TOO_LARGE, PROBLEM_JSON, Problem
from verifier_api.settings import Limits, Network

_PIPELINED: Final = 8
"""Requests that may wait behind the present one on its connection."""


class Connections:
    """Those of one server, in one event loop.

    The addresses of `proxies` are bounded by the sum alone: behind them are many clients.
    `most` may be less than the settings say, for want of file descriptors.
    """

    def __init__(self, limits: Limits, proxies: tuple[Network, ...], *, most: int) -> None:
        self.limits = limits
        self._proxies = proxies
        self._most = most
        self._open: dict[GuardedProtocol, Hashable] = {}
        self._of_address: dict[Hashable, dict[GuardedProtocol, None]] = {}
        self._waiting: dict[GuardedProtocol, None] = {}
        self._unread: set[GuardedProtocol] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: "GuardedProtocol") -> bool:
        """Whether this new connection may stay."""
        client = connection.client
        address = (address_of(client[0]) if client else None) or UNKNOWN
        key: Hashable = bucket_keys(address)[0][0]
        mates = self._of_address.get(key, {})
        if len(mates) >= self.limits.connections_per_address and not any(
            address in network for network in self._proxies
        ):
            if not self._give_way(mates):
                return False
        elif len(self._open) >= self._most and not self._give_way(self._waiting):
            return False
        self._open[connection] = key
        self._of_address.setdefault(key, {})[connection] = None
        self._waiting[connection] = None
        if self._sweep is None:
            self._sweep_later(connection.loop)
        return True

    def closed(self, connection: "GuardedProtocol") -> None:
        """It is gone, or about to be."""
        key = self._open.pop(connection, None)
        if key is None:
            return
        mates = self._of_address[key]
        mates.pop(connection, None)
        if not mates:
            del self._of_address[key]
        self._waiting.pop(connection, None)
        self._unread.discard(connection)

    def works(self, connection: "GuardedProtocol") -> None:
        """It has a request that is not answered yet."""
        self._waiting.pop(connection, None)
        self.moved(connection)

    def waits(self, connection: "GuardedProtocol") -> None:
        """Its requests are answered."""
        if connection in self._open:
            self._waiting[connection] = None
            self.moved(connection)

    def moved(self, connection: "GuardedProtocol") -> None:
        """It was asked something, or has read something."""
        self._unread.discard(connection)

    def _give_way(self, among: dict["GuardedProtocol", None]) -> bool:
        first = next((each for each in among if each in self._waiting), None)
        if first is None:
            return False
        self.closed(first)
        first.transport.abort()
        return True

    def cut_off_stalled(self) -> None:
        """Cut off those whose answer waited to be read the last time, and still does."""
        for connection in tuple(self._open):
            if not connection.transport.get_write_buffer_size():
                self._unread.discard(connection)
            elif connection in self._unread:
                self.closed(connection)
                connection.transport.abort()
            else:
                self._unread.add(connection)

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep = loop.call_later(self.limits.answer_stalls_s, self._swept, loop)

    def _swept(self, loop: asyncio.AbstractEventLoop) -> None:
        self.cut_off_stalled()
        self._sweep = None
        if self._open:
            self._sweep_later(loop)


class GuardedConfig(uvicorn.Config):
    """uvicorn's, with the connections that `GuardedProtocol` belongs to."""

    def __init__(self, app: Any, connections: Connections, **settings: Any) -> None:
        super().__init__(app, http=GuardedProtocol, ws="none", limit_concurrency=None, **settings)
        self.connections = connections


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's connection, bounded before and between requests."""

    def __init__(
        self,
        config: GuardedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _log
        self._all = config.connections
        self._limits = config.connections.limits
        self._deadline: asyncio.TimerHandle | None = None
        self._held_bytes = 0
        self._has_moved = False
        self._is_message_open = False
        self._is_head_too_large = False
        self._is_ending = False
        self._present: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there, and has to say something."""
        super().connection_made(transport)
        if not self._all.opened(self):
            transport.abort()
            return
        self._expect_a_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._no_deadline()
        self._all.closed(self)
        super().connection_lost(exc)
        self.pipeline.clear()
        if self._present is not None:  # the base class tells the newest request alone
            self._present.disconnected = True
            self._present.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._present = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Read it in pieces, none larger than a head may be. What follows a request that is
        refused is not read: the connection ends after the answers to those before."""
        size = self._limits.head_bytes
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        for piece in (data,) if len(data) <= size else pieces:
            if self._is_ending:
                return
            self._has_moved = False
            super().data_received(piece)
            if self.transport.is_closing():
                return
            self._held_bytes = 0 if self._has_moved else self._held_bytes + len(piece)
            if self._held_bytes > size:
                self._refuse_head()
                return
        if self.cycle is None or self.cycle.response_complete:
            self._expect_a_head()

    def resume_writing(self) -> None:
        """The client has read most of what was sent."""
        self._all.moved(self)
        super().resume_writing()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._is_message_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A whole head."""
        self._has_moved = True
        limits = self._limits
        if (
            len(self.headers) > limits.head_fields
            or len(self.url) + sum([len(name) + len(value) for name, value in self.headers])
            > limits.head_bytes
        ):
            self._is_head_too_large = True
            raise ValueError("the head is too large")  # ends in `send_400_response`
        if len(self.pipeline) >= _PIPELINED:
            raise ValueError("too many requests at once")  # ends in `send_400_response`
        self._no_deadline()
        self._all.works(self)
        super().on_headers_complete()
        self.headers = []  # for trailers, which nobody reads; the scope has its own

    def on_body(self, body: bytes) -> None:
        """Some of a body."""
        self._has_moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._has_moved = True
        self._is_message_open = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The end of an answer."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._is_ending:
            self.transport.close()
        elif is_last and not self.transport.is_closing():
            self._all.waits(self)
            if self._is_message_open:  # of a body that nobody reads any more
                self._expect_a_head()

    def send_400_response(self, msg: str) -> None:
        """What comes is no HTTP, or too much of it."""
        if self._is_head_too_large:
            self._refuse_head()
        elif not self._ends_after_answers():
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        if not self._ends_after_answers():
            self.transport.write(_HEAD_REFUSAL)
            self.transport.close()

    def _ends_after_answers(self) -> bool:
        """End the connection after the answers to earlier requests, if some are still to come: a
        refusal would stand in the middle of these. False if there are none."""
        present = self._present
        if present is None or present.more_body or present.response_complete:
            return False
        self._is_ending = True
        if self.pipeline and self.cycle.more_body:  # it is the body of the last that is refused
            self.pipeline.popleft()
        return True

    def _expect_a_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._limits.head_within_s, self._cut_off)

    def _no_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        self.transport.abort()


_log = logging.getLogger("uvicorn.error.connection")
_log.setLevel(logging.ERROR)
"""Faults of the program only: a line for each garbled request would fill a disk for nothing."""


def _head_refusal() -> bytes:
    problem = Problem(
        HEAD_TOO_LARGE,
        "the request line and the headers are too large, or too many",
        "send fewer and shorter headers",
    )
    body = msgspec.json.encode(problem.details())
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    return (
        b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
        % (status, status.phrase.encode(), PROBLEM_JSON.encode(), len(body), body)
    )


_HEAD_REFUSAL: Final = _head_refusal()
