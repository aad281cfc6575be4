"""Whoever asks what the ledger knows of an item is answered, whenever they ask."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from authenticity.records.batch_registry import BatchRegistry
from simulation.two_makers import World
from tests.support.patience import PATIENCE_S
from verifier_api.services.batched_lookups import BatchedLookups

WORLD = World()


class Held:
    """A ledger that answers every question once `gate` is set."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked: list[Sequence[ItemId]] = []

    async def items(self, items: Sequence[ItemId]) -> tuple[list[History | None], BatchRegistry]:
        self.asked.append(items)
        await self.gate.wait()
        return [None for _ in items], BatchRegistry(())


@pytest.mark.parametrize("turns", range(8))
async def test_who_asks_just_as_all_queries_end_is_answered(turns: int) -> None:
    """`turns` of the event loop after the ledger's answers are there."""
    ledger = Held()
    reader: Any = ledger
    lookups = BatchedLookups(reader, within_s=PATIENCE_S)
    first: list[asyncio.Task[Any]] = []
    for number in range(2):
        first.append(asyncio.create_task(lookups.known(WORLD.item(f"A{number}"))))
        while len(ledger.asked) == number:
            await asyncio.sleep(0)
    ledger.gate.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    later = asyncio.create_task(lookups.known(WORLD.item("B")))
    for _ in range(20):
        await asyncio.sleep(0)
    assert [task.done() for task in (*first, later)] == [True] * 3
    later.cancel()


async def test_while_queries_are_under_way_all_others_wait_for_one() -> None:
    ledger = Held()
    reader: Any = ledger
    lookups = BatchedLookups(reader, within_s=PATIENCE_S)
    asked = [asyncio.create_task(lookups.known(WORLD.item("A0")))]
    for number in range(1, 20):
        await asyncio.sleep(0)
        asked.append(asyncio.create_task(lookups.known(WORLD.item(f"A{number}"))))
    await asyncio.sleep(0)
    ledger.gate.set()
    await asyncio.gather(*asked)
    assert len(ledger.asked) <= 4
    assert sum(map(len, ledger.asked)) == 20
