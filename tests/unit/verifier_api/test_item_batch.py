"""Which batch `/v1/items/…` names for an item."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from authenticity.gs1.item import ItemId
from authenticity.history.history import History, history_of
from authenticity.history.observation import observe
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.serial_filter import build_filter
from authenticity.trust.verify import verify
from ledger.records import AlertRecord, Page, Role, TokenRecord
from simulation.two_makers import World
from tests.unit.verifier_api.test_no_oracle import CountingLedger, _ask


class OfficersLedger(CountingLedger):
    """Knows one item and one batch; every token is an officer's."""

    def __init__(self, world: World, known: dict[ItemId, History], batch: Batch) -> None:
        super().__init__(world, known)
        self._now = world.now
        self._batch_registry = BatchRegistry([batch])

    async def token(self, token_sha256: bytes) -> TokenRecord:  # type: ignore[override]
        until = self._now + timedelta(days=1)
        return TokenRecord("t", Role.OFFICER, "customs-1", None, self._now, until, None)

    async def batch_registry(self) -> BatchRegistry:
        return self._batch_registry

    async def alerts(self, *asked: Any, **narrowed: Any) -> Page[AlertRecord]:
        return Page((), None)


@pytest.mark.parametrize(("issued", "batch_id"), [(["KNOWN"], "batch-alpine"), (["OTHER"], None)])
def test_an_item_is_shown_the_batch_that_holds_its_serial_and_no_other(
    issued: Sequence[str], batch_id: str | None
) -> None:
    world = World()
    code = world.code(serial="KNOWN")
    verdict = verify(code, world.trust_list, world.now)
    history = history_of([observe(world.scan(code, minutes=-1), verdict, 1)])
    batch = world.batch(count=len(issued), serials=build_filter(issued))
    ledger = OfficersLedger(world, {world.item("KNOWN"): history}, batch)

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        path = f"/v1/items/{batch.gtin}/KNOWN"
        return await client.get(path, headers={"Authorization": "Bearer anything"})

    answer = _ask(world, ledger, call).json()
    assert (answer["batch"] and answer["batch"]["batch_id"]) == batch_id
    kinds = {finding["kind"] for finding in answer["findings"]}
    assert ("never-issued" in kinds) is (batch_id is None)
