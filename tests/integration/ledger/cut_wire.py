"""A wire to a server that can be cut at any message of the client's."""

import asyncio
import contextlib

from tests.contracts.ledger.ledgers import Loop


class CutWire:
    """Listens on `port` and passes everything on to the server.

    `cut_at(n, forward=…)`: at the client's n-th message from now on (counted from 1, over
    all connections) both ends are cut, before it is passed on, or after it was but before
    the answer to it is.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server_at = (host, port)
        self._loop = Loop()
        self._cut_at: int | None = None
        self._forward = False
        self.messages = 0
        self.was_cut = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = self._loop.run(self._listen())
        self.port = int(self._server.sockets[0].getsockname()[1])

    def cut_at(self, message: int | None, *, forward: bool = False) -> None:
        self.messages, self._cut_at, self._forward = 0, message, forward
        self.was_cut = False

    def close(self) -> None:
        self._loop.run(self._end())
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        from_server, to_server = await asyncio.open_connection(*self._server_at)
        answers = asyncio.create_task(self._answers(from_server, writer))
        try:
            while data := await reader.read(2**20):
                self.messages += 1
                cut = self.messages == self._cut_at
                if cut:
                    self.was_cut = True
                    answers.cancel()
                if not cut or self._forward:
                    to_server.write(data)
                    await to_server.drain()
                if cut:
                    # So that the server has done what it was told before its end is cut too.
                    if self._forward:
                        await from_server.read(1)
                    break
        except OSError:
            pass
        finally:
            answers.cancel()
            for end in (writer, to_server):
                end.transport.abort()

    async def _answers(
        self, from_server: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await from_server.read(2**20):
                to_client.write(data)
                await to_client.drain()
            to_client.transport.abort()
