"""Trying again while the ledger is away, and not when the engine is to stop."""

import asyncio

import pytest

from authenticity.errors import LedgerUnavailableError
from stream.outages import Outages


class Away:
    """Fails so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def __call__(self) -> str:
        if self.left:
            self.left -= 1
            raise LedgerUnavailableError("the ledger is away", next_step="wait")
        return "done"


async def test_an_outage_is_waited_through() -> None:
    assert await Outages(outage_s=60.0, longest_pause_s=0.001).through(Away(3)) == "done"


async def test_an_outage_that_lasts_too_long_is_raised() -> None:
    with pytest.raises(LedgerUnavailableError):
        await Outages(outage_s=0.0, longest_pause_s=0.001).through(Away(10**9))


async def test_whoever_is_to_stop_ends_its_pause_and_waits_through_nothing_more() -> None:
    outages = Outages(outage_s=3_600.0, longest_pause_s=3_600.0)
    waiting = asyncio.create_task(outages.through(Away(10**9)))
    await asyncio.sleep(0)
    outages.stopping.set()
    with pytest.raises(LedgerUnavailableError):
        await waiting
    await outages.pause(3_600.0)
