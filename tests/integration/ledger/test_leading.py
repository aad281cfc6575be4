"""Leading: one at a time, taken over by itself, and a loser cannot store anything."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import item_id
from authenticity.history.history import EMPTY
from ledger.address import PostgresAddress
from ledger.postgres.leadership import Leadership, open_leadership
from simulation.two_makers import GTINS, World
from tests.contracts.ledger.folding import alert, change
from tests.contracts.ledger.ledgers import Ledgers
from tests.integration.ledger.server import query, terminate_others
from tests.support.patience import wait_in_loop

ITEMS = [item_id(GTINS[0], f"S{n}") for n in range(5)]

HOLD = """
import asyncio, sys
from ledger.address import read_address
from ledger.postgres.leadership import open_leadership

async def hold():
    leadership = await open_leadership(read_address(sys.argv[1]))
    print(await leadership.hold(), flush=True)
    await asyncio.Event().wait()

asyncio.run(hold())
"""

Open = Callable[[], Awaitable[Leadership]]


@pytest.fixture
async def opened(ledger_address: PostgresAddress) -> AsyncIterator[Open]:
    """Opens leaderships, and closes them at the end."""
    all_of_them: list[Leadership] = []

    async def another() -> Leadership:
        all_of_them.append(await open_leadership(ledger_address))
        return all_of_them[-1]

    yield another
    for one in all_of_them:
        await one.close()


async def test_of_several_one_leads_until_it_lets_go(opened: Open) -> None:
    first, second, third = await opened(), await opened(), await opened()
    assert await first.hold()
    assert await first.hold()
    assert not await second.hold()
    await first.close()
    await wait_in_loop(second.hold)
    assert not await third.hold()
    assert not await first.hold()


async def test_when_the_process_that_leads_is_killed_another_takes_over(
    opened: Open, ledger_address: PostgresAddress
) -> None:
    command = [sys.executable, "-c", HOLD, ledger_address.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert (await asyncio.to_thread(other.stdout.readline)).strip() == "True"
        leadership = await opened()
        assert not await leadership.hold()
        other.kill()
        await wait_in_loop(leadership.hold)


async def test_who_has_lost_its_connection_is_told_and_can_store_nothing_any_more(
    opened: Open, ledger_address: PostgresAddress
) -> None:
    first, second = await opened(), await opened()
    assert await first.hold()
    await first.relayed(3)
    terminate_others(ledger_address)
    await wait_in_loop(second.hold)
    with pytest.raises(LedgerUnavailableError):
        await first.relayed(9)
    with pytest.raises(LedgerUnavailableError):
        await first.feed_after_relayed(10)
    assert not await first.hold(), "it begins again like anybody else"
    assert query(ledger_address, "SELECT position FROM positions") == [(3,)]


async def test_a_leader_that_asks_again_after_its_connection_was_ended_is_told_once(
    opened: Open, ledger_address: PostgresAddress
) -> None:
    leadership = await opened()
    assert await leadership.hold()
    terminate_others(ledger_address)
    await wait_in_loop(lambda: not leadership._connection.alive)
    with pytest.raises(LedgerUnavailableError) as said:
        await leadership.hold()
    assert said.value.next_step
    await wait_in_loop(leadership.hold)


async def test_nobody_relays_without_leading(opened: Open) -> None:
    leadership = await opened()
    with pytest.raises(LedgerUnavailableError):
        await leadership.feed_after_relayed(1)
    with pytest.raises(LedgerUnavailableError):
        await leadership.relayed(1)


async def test_whoever_leads_next_goes_on_where_the_last_one_stopped(
    opened: Open, ledgers: Ledgers
) -> None:
    alerts = [alert(item) for item in ITEMS]
    ledgers.writer().write(
        [change(item, EMPTY, 0, raised) for item, raised in zip(ITEMS, alerts, strict=True)],
        0,
        World(3).now,
    )
    first = await opened()
    assert await first.hold()
    some = await first.feed_after_relayed(2)
    assert [entry.alert for entry in some] == alerts[:2]
    assert await first.feed_after_relayed(2) == some, "at least once: not stored yet"
    await first.relayed(some[-1].number)
    await first.relayed(some[0].number)
    await first.close()
    second = await opened()
    await wait_in_loop(second.hold)
    rest = await second.feed_after_relayed(100)
    assert [entry.alert for entry in rest] == alerts[2:]
    await second.relayed(rest[-1].number)
    assert await second.feed_after_relayed(100) == []


async def test_a_server_that_is_not_there_is_said_in_words() -> None:
    from ledger.address import read_address

    leadership = await open_leadership(read_address("postgresql://ann@127.0.0.1:1/ledger"))
    with pytest.raises(LedgerUnavailableError):
        await leadership.hold()
    await leadership.close()
