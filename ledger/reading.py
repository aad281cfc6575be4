"""What the service asks of the ledger."""

from collections.abc import Sequence
from typing import Protocol

from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry
from ledger.records import (
    AlertFilter,
    AlertRecord,
    CaseChange,
    FeedEntry,
    Page,
    Prefixes,
    TokenRecord,
)

__all__ = ["LedgerReader"]


class LedgerReader(Protocol):
    """Asynchronous, off the event loop. Every method may raise `LedgerUnavailableError`.

    `prefixes` narrow the query itself: rows of other companies are never read.
    """

    async def item(self, item: ItemId) -> History | None:
        """The history of an item, None if it was never scanned."""
        ...

    async def items(self, items: Sequence[ItemId]) -> tuple[list[History | None], BatchRegistry]:
        """The histories of these items, in their order, and the catalogue, in one visit."""
        ...

    async def batch_registry(self) -> BatchRegistry:
        """Every registered batch; kept, and read again only when it has changed."""
        ...

    async def trust_list(self) -> bytes | None:
        """The newest trust list that the engine accepted, None before the first."""
        ...

    async def alerts(
        self, where: AlertFilter, *, after: str | None, limit: int
    ) -> Page[AlertRecord]:
        """Alerts in the order they were raised. Raises `InputError` for a made-up cursor."""
        ...

    async def alert(self, alert_id: str, prefixes: Prefixes) -> AlertRecord | None:
        """One alert, None if there is none or it is not theirs."""
        ...

    async def feed(self, after: int, limit: int, prefixes: Prefixes) -> list[FeedEntry]:
        """Changes with a number above `after`, in order."""
        ...

    async def newest_feed_number(self) -> int:
        """0 before the first change."""
        ...

    async def change_case(
        self, alert_id: str, change: CaseChange, prefixes: Prefixes
    ) -> AlertRecord | None:
        """Move a case; None if there is no such alert or it is not theirs.

        Raises `CaseError` for a move its state does not allow, or closing without a reason.
        """
        ...

    async def batches(self, prefixes: Prefixes, *, after: str | None, limit: int) -> Page[Batch]:
        """Batches by issuer and id. Raises `InputError` for a made-up cursor."""
        ...

    async def token(self, token_sha256: bytes) -> TokenRecord | None:
        """The token with this hash, expired and revoked ones too."""
        ...

    async def ping(self) -> None:
        """Raise if the ledger cannot be read."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...
