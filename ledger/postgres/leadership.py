"""One of many processes leads: whoever holds a lock that PostgreSQL lets go of by itself.

The lock belongs to a connection. When its holder dies, or is cut off, the server ends the
connection and the lock is free. What the leader stores is written on the same connection,
so a leader that has lost its lock without knowing it cannot write any more.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from authenticity.errors import LedgerUnavailableError
from authenticity.records.scan import from_epoch_ms
from ledger.address import PostgresAddress
from ledger.postgres.connection import Connection, OwnConnection
from ledger.postgres.server import LEADER_LOCK, LOCKS
from ledger.records import FeedEntry, decode_alert

RELAYED: Final = "feed@alerts"
"""Under this name the position up to which the feed was relayed is stored."""


async def open_leadership(address: PostgresAddress) -> "Leadership":
    """For a migrated ledger; connects when first asked."""
    return Leadership(address)


class Leadership:
    """Every method may raise `LedgerUnavailableError`; after that it is no longer held."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._connection = OwnConnection(address)
        self._held = False

    async def hold(self) -> bool:
        """Take the lead if nobody has it; whether it is ours. Cheap to ask again."""
        if self._held and not self._connection.alive:
            self._held = False
            raise self._lost()
        if not self._held:
            async with self._connection.use() as db:
                self._held = await db.fetchval(
                    "SELECT pg_try_advisory_lock($1, $2)", LOCKS, LEADER_LOCK
                )
        return self._held

    async def feed_after_relayed(self, limit: int) -> list[FeedEntry]:
        """The next changes that were not relayed yet, in the order of the feed."""
        async with self._leading() as db:
            rows = await db.fetch(
                "SELECT number, at_ms, alert FROM feed WHERE number >"
                " coalesce((SELECT position FROM positions WHERE source = $1), 0)"
                " ORDER BY number LIMIT $2",
                RELAYED, limit,
            )  # fmt: skip
        return [FeedEntry(n, from_epoch_ms(at_ms), decode_alert(alert)) for n, at_ms, alert in rows]

    async def relayed(self, number: int) -> None:
        """Everything up to this number is where it should be."""
        async with self._leading() as db:
            await db.execute(
                "INSERT INTO positions (source, position) VALUES ($1, $2) ON CONFLICT (source)"
                " DO UPDATE SET position = greatest(positions.position, excluded.position)",
                RELAYED, number,
            )  # fmt: skip

    async def close(self) -> None:
        """Give up the lead and let go of the connection."""
        self._held = False
        await self._connection.close()

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[Connection]:
        """The connection that holds the lock, never one made anew."""
        if not self._held:
            raise self._lost()
        try:
            async with self._connection.use(anew=False) as db:
                yield db
        except BaseException:
            self._held = False
            raise

    def _lost(self) -> LedgerUnavailableError:
        return LedgerUnavailableError(
            f"the lead on the ledger {self._address} is lost with its connection",
            next_step="nothing: whoever asks next takes it",
        )
