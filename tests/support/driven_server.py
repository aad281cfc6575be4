"""A server without sockets or waiting: connections of bytes, and a clock that is moved by hand."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from uvicorn.server import ServerState

from verifier_api.http.connections import Connections, GuardedProtocol
from verifier_api.http.server import server_config
from verifier_api.settings import Settings

HIGH_WATER = 65_536
"""Unsent bytes above which a server is told to stop writing, as asyncio's own transports do."""


class DrivenLoop(asyncio.SelectorEventLoop):
    """Its time stands until `advance`; it never waits."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 1_000.0

    def time(self) -> float:
        """Seconds, as moved."""
        return self._now_s

    def settle(self) -> None:
        """Run what is due, and all that follows from it."""
        self.run_until_complete(self._until_idle())

    def advance(self, seconds: float) -> None:
        """Move the clock, and run what is due then."""
        self._now_s += seconds
        self.settle()

    @property
    def timers(self) -> int:
        """How many calls are still to come."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return sum(not each.cancelled() for each in scheduled)

    async def _until_idle(self) -> None:
        await asyncio.sleep(0)
        while self._ready:  # type: ignore[attr-defined]
            await asyncio.sleep(0)


class BytesTransport(asyncio.Transport):
    """The server's end of a connection. What it writes is `received` unless `reads` is False."""

    def __init__(self, loop: DrivenLoop, peer: tuple[str, int] | None) -> None:
        super().__init__({"peername": peer, "sockname": ("192.0.2.254", 80)})
        self._loop = loop
        self._protocol: GuardedProtocol
        self._arriving: deque[bytes] = deque()
        self._unsent = bytearray()
        self._is_paused = False
        self._is_closing = False
        self.received = bytearray()
        self.reads = True
        self.is_lost = False

    def connect(self, protocol: GuardedProtocol) -> None:
        """The connection is made."""
        self._protocol = protocol
        protocol.connection_made(self)

    def arrive(self, data: bytes) -> None:
        """The client sent this. What the server does not read waits."""
        self._arriving.append(data)
        self._loop.call_soon(self._deliver)

    def take(self, count: int) -> None:
        """The client reads so many bytes of what waits for it."""
        was_full = len(self._unsent) > HIGH_WATER
        self.received += self._unsent[:count]
        del self._unsent[:count]
        if was_full and len(self._unsent) <= HIGH_WATER // 4:
            self._protocol.resume_writing()
        if self._is_closing and not self._unsent:
            self._loop.call_soon(self._lost)

    def _deliver(self) -> None:
        while self._arriving and not self._is_paused and not self._is_closing:
            self._protocol.data_received(self._arriving.popleft())

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_closing:
            return
        was_full = len(self._unsent) > HIGH_WATER
        (self.received if self.reads else self._unsent).extend(data)
        if not was_full and len(self._unsent) > HIGH_WATER:
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self._loop.call_soon(self._deliver)

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            if not self._unsent:
                self._loop.call_soon(self._lost)

    def abort(self) -> None:
        self._is_closing = True
        self._unsent.clear()
        self._loop.call_soon(self._lost)

    def _lost(self) -> None:
        if not self.is_lost:
            self.is_lost = True
            self._protocol.connection_lost(None)


class DrivenServer:
    """`app` behind the server's own protocol, limits and connections."""

    def __init__(self, app: Any, settings: Settings, loop: DrivenLoop) -> None:
        self.loop = loop
        self._config = server_config(app, host="192.0.2.254", port=80, settings=settings)
        self._state = ServerState()

    @property
    def connections(self) -> Connections:
        """Those that are open."""
        return self._config.connections

    def end(self) -> None:
        """Cut every connection off, and let the app notice."""
        for protocol in tuple(self._state.connections):
            protocol.transport.abort()
        self.loop.advance(self.connections.limits.answer_stalls_s)

    def connect(self, address: str | None = "192.0.2.1") -> "Client":
        """A new connection from there; None where the server is told no address."""
        transport = BytesTransport(self.loop, (address, 49_152) if address else None)
        transport.connect(GuardedProtocol(self._config, self._state, {}, self.loop))
        self.loop.settle()
        return Client(transport, self.loop)


class Client:
    """The other end."""

    def __init__(self, transport: BytesTransport, loop: DrivenLoop) -> None:
        self.transport = transport
        self._loop = loop

    def send(self, *pieces: bytes) -> bytes:
        """All that was answered until now; each piece is read by itself."""
        for piece in pieces:
            self.transport.arrive(piece)
            self._loop.settle()
        return self.answer

    @property
    def answer(self) -> bytes:
        """All that has been read."""
        return bytes(self.transport.received)

    def is_open(self) -> bool:
        """Whether the server has not ended it."""
        return not self.transport.is_lost

    def leave(self) -> None:
        """The client ends it, whatever it has not read."""
        self.transport.abort()
        self._loop.settle()


@contextmanager
def driven_server(app: Any, settings: Settings) -> Iterator[DrivenServer]:
    """It ends with every connection cut off."""
    loop = DrivenLoop()
    server = DrivenServer(app, settings, loop)
    try:
        yield server
    finally:
        server.end()
        loop.close()
