"""A ledger as SQLAlchemy sees it: one way to read and one to write, on either database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import event

from ledger.address import LedgerAddress
from ledger.postgres import server as postgres
from ledger.postgres.server import SHORT, Patience
from ledger.sqlite import connection as sqlite


class Database:
    """Connects when first used. Several threads may use it.

    A transaction of `reads` sees one moment of the ledger and changes nothing; one of
    `writes` takes the locks it needs before it reads what it will change. `statements` is
    for single statements, each its own transaction.
    """

    def __init__(
        self,
        address: LedgerAddress,
        *,
        connections: int = 2,
        patience: Patience = SHORT,
        target: str = "read-write",
    ) -> None:
        self._address = address
        if isinstance(address, Path):
            self.reads = self.statements = sqlite.open_engine(address, begin="BEGIN")
            self.writes = sqlite.open_engine(address)
            return
        self.writes = postgres.open_engine(
            address, connections=connections, patience=patience, target=target
        )
        self.statements = self.writes.execution_options(isolation_level="AUTOCOMMIT")
        self.reads = self.writes.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def translate_errors(self) -> AbstractContextManager[None]:
        """Turn what the database raises into `LedgerUnavailableError`."""
        if isinstance(self._address, Path):
            return sqlite.translate_errors(self._address)
        return postgres.translate_errors(self._address)

    def when_connected(self, act: Callable[[], None]) -> None:
        """Have this done after each new connection: the server may be another one."""

        def connected(_connection: object, _record: object) -> None:
            act()

        event.listen(self.reads, "connect", connected)

    def close(self) -> None:
        """Close the connections."""
        self.reads.dispose()
        self.writes.dispose()
