"""One connection of asyncpg that comes back after a loss."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from authenticity.errors import LedgerUnavailableError
from ledger.address import PostgresAddress
from ledger.postgres.server import connect, translate_errors


class Connection(Protocol):
    """What is used of asyncpg's connection. Rows are tuples."""

    async def execute(self, statement: str, *values: object) -> str:
        """Run it; without values it may be several. What the server answers to the last."""
        ...

    async def fetch(self, statement: str, *values: object) -> list[Any]:
        """All rows; the statement is prepared once."""
        ...

    async def fetchrow(self, statement: str, *values: object) -> Any:
        """The first row or None."""
        ...

    async def fetchval(self, statement: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        ...

    async def close(self, *, timeout: float) -> None:
        """End the session, and wait for its answer for at most `timeout` seconds."""
        ...

    def terminate(self) -> None:
        """Close at once, without ending the session."""
        ...

    def is_closed(self) -> bool:
        """As far as is known without asking."""
        ...


class OwnConnection:
    """Made when it is first used, and again by the next use after a loss.

    Several tasks take turns. After any error the connection is given up, and with it the
    transaction it was in: nothing of an earlier use is left for a later one.
    """

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._turns = asyncio.Lock()
        self._connection: Connection | None = None
        self.made = 0

    @asynccontextmanager
    async def use(self, *, anew: bool = True) -> AsyncIterator[Connection]:
        """Raises `LedgerUnavailableError`, for what goes wrong in the block too. With
        `anew=False` also if it was lost: for those to whom it is more than a way in."""
        async with self._turns:
            with translate_errors(self._address):
                try:
                    yield await self._ready(anew=anew)
                except BaseException:
                    self.give_up()
                    raise

    @property
    def alive(self) -> bool:
        """Whether it is there, as far as is known without asking."""
        return self._connection is not None and not self._connection.is_closed()

    def give_up(self) -> None:
        """At once; the server rolls back what was not committed."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """End the session if that is possible. Raises nothing: a lost connection is closed too."""
        async with self._turns:
            with suppress(LedgerUnavailableError), translate_errors(self._address):
                if self._connection is not None and not self._connection.is_closed():
                    await self._connection.close(timeout=1)
            self.give_up()

    async def _ready(self, *, anew: bool) -> Connection:
        if self._connection is None or self._connection.is_closed():
            if not anew:
                raise LedgerUnavailableError(
                    f"the connection to the ledger {self._address} was lost",
                    next_step="nothing: the next one is made by itself",
                )
            self._connection = None
            self._connection = await connect(self._address)
            self.made += 1
        return self._connection
