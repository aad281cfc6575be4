"""The fold: read what the ledger knows, compute what is new, write it, again with conflicts."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

from authenticity.detection.item_state import UNKNOWN, ItemChange, KnownItem
from authenticity.detection.membership import questions_about
from authenticity.detection.policy import Policy
from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import EntityId, ItemId
from authenticity.history.history import History
from authenticity.records.batch_registry import BatchRegistry
from ledger.protocols import BatchRegistryChanged, LedgerStore, Pending, Progress, Reassessment
from stream.engine_stats import EngineStats
from stream.step import reassess_entity, step

P = ParamSpec("P")
T = TypeVar("T")

ChangesOf = Callable[
    [Collection[ItemId], Mapping[ItemId, KnownItem], BatchRegistry], Awaitable[list[ItemChange]]
]
"""What to write of these items, given what is known of them."""


class Compute(Protocol):
    """Runs a function that keeps the processor busy: `asyncio.to_thread`, or `directly`."""

    async def __call__(
        self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
    ) -> T: ...


async def directly(function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> T:
    """For an event loop on which nothing else waits."""
    return function(*arguments, **named)


@dataclass(frozen=True)
class LedgerFold:
    """Writes into the ledger what is new, in one transaction unless another writer interferes.

    Methods raise `LedgerUnavailableError`, also after `attempts` conflicts in a row.
    """

    ledger: LedgerStore
    policy: Policy
    clock: Callable[[], datetime]
    compute: Compute
    stats: EngineStats
    attempts: int

    async def fold(
        self,
        updates: Mapping[ItemId, History],
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
    ) -> None:
        """Merge these updates into the histories, and assess their items."""

        async def changes_of(
            items: Collection[ItemId],
            known: Mapping[ItemId, KnownItem],
            batch_registry: BatchRegistry,
        ) -> list[ItemChange]:
            some = {item: updates[item] for item in items}
            batch_registry = await self._answered(batch_registry, some, known)
            return await self.compute(step, some, known, batch_registry, self.policy)

        await self._write(updates.keys(), changes_of, progress=progress, reassessed=reassessed)

    async def _answered(
        self,
        batch_registry: BatchRegistry,
        updates: Mapping[ItemId, History],
        known: Mapping[ItemId, KnownItem],
    ) -> BatchRegistry:
        """With what the parts of serial lists say of these items. A part that comes after the
        registry was read changes its version, so that the write is refused."""
        if not batch_registry.has_parts:
            return batch_registry
        questions = [
            question
            for item, new in updates.items()
            for question in questions_about(
                item, (new, known.get(item, UNKNOWN).history), batch_registry
            )
        ]
        return batch_registry.answered_by(await self.ledger.memberships(questions))

    async def assess(self, pending: Pending) -> None:
        """Assess these batches and scanners by their signals."""

        async def changes_of(
            items: Collection[ItemId],
            known: Mapping[ItemId, KnownItem],
            batch_registry: BatchRegistry,
        ) -> list[ItemChange]:
            return [
                await self._assessed(item, known.get(item, UNKNOWN), batch_registry)
                for item in items
            ]

        items = [ItemId(entity) for entity in pending.entities]
        await self._write(items, changes_of, acknowledged=pending)

    async def _assessed(
        self, item: ItemId, known: KnownItem, batch_registry: BatchRegistry
    ) -> ItemChange:
        """The signals are read after what is `known`, see `LedgerStore.next_pending`."""
        entity = EntityId(item)
        signals = await self.ledger.signals_about(entity)
        return await self.compute(
            reassess_entity, entity, known, signals, batch_registry, self.policy
        )

    async def _write(
        self,
        items: Collection[ItemId],
        changes_of: ChangesOf,
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
        acknowledged: Pending | None = None,
    ) -> None:
        for attempt in range(self.attempts):
            batch_registry, version = await self.ledger.batch_registry()
            changes = await changes_of(items, await self.ledger.known(items), batch_registry)
            try:
                conflicts = await self.ledger.write(
                    changes, version, self.clock(),
                    progress=progress, reassessed=reassessed, acknowledged=acknowledged,
                )  # fmt: skip
            except BatchRegistryChanged:
                continue
            self.stats.folds += 1
            if not conflicts:
                return
            self.stats.conflicts += len(conflicts)
            items = conflicts
            await asyncio.sleep(random.uniform(0, 0.001 * 2 ** min(attempt, 6)))  # noqa: S311
        raise LedgerUnavailableError(
            f"{len(items)} items kept meeting another writer",
            next_step="look for a scanner that repeats one code, or run fewer engines",
        )
