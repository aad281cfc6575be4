"""Signals on PostgreSQL: the contract, and what only many workers on a server can meet."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import msgspec

from authenticity.detection.item_state import UNKNOWN
from authenticity.detection.reasons import Reason
from authenticity.detection.signals import Signal
from authenticity.gs1.item import ItemId, item_id
from ledger.address import PostgresAddress
from ledger.records import to_key
from simulation.two_makers import GTINS, World
from tests.contracts.ledger.ledgers import Ledgers, Writer
from tests.contracts.ledger.signal_keeping import (
    BATCH,
    ONE,
    SignalsContract,
    assessed,
    campaign,
    giving,
    signal,
)
from tests.integration.ledger.server import in_transaction
from tests.support.patience import PATIENCE_S


class TestSignalsOnPostgres(SignalsContract):
    """See `tests.contracts.ledger`."""


def test_an_entry_with_a_lower_number_that_becomes_visible_later_is_not_acknowledged_unread(
    ledger_address: PostgresAddress, ledgers: Ledgers
) -> None:
    writer, world = ledgers.writer(), World(3)
    with in_transaction(ledger_address) as somebody:
        somebody.execute("INSERT INTO subjects_due (subject) VALUES (%s)", (to_key(BATCH),))
        writer.write([giving(ONE, 0, signal(BATCH, ONE))], 0, world.now)
        pending = writer.next_pending(9)
        assert pending is not None
        assert len(pending.numbers) == 1
    writer.write([assessed(BATCH, 0)], 0, world.now, acknowledged=pending)
    later = writer.next_pending(9)
    assert later is not None
    assert later.entities == [BATCH]
    assert max(later.numbers) < min(pending.numbers)


def test_many_workers_give_signals_about_one_batch_while_it_is_assessed_and_none_is_missed(
    ledgers: Ledgers,
) -> None:
    """Two assess it at once, each as if alone; what is published in the end is the whole."""
    world, items = World(3), [item_id(GTINS[0], f"S{n}") for n in range(80)]
    batch = ItemId(BATCH)

    def give(writer: Writer, some: list[ItemId]) -> None:
        for item in some:
            before: tuple[Signal, ...] = ()
            for version in range(3):
                now = (signal(BATCH, item, weight=version),)
                writer.write([giving(item, version, *now, before=before)], 0, world.now)
                before = now

    def assess(writer: Writer) -> None:
        pending = writer.next_pending(9)
        known = writer.known([batch]).get(batch, UNKNOWN)
        weight = sum(each.weight for each in writer.signals_about(BATCH))
        said = msgspec.structs.replace(campaign(BATCH), reasons=(Reason("w", {"weight": weight}),))
        writer.write([assessed(BATCH, known.version, said)], 0, world.now, acknowledged=pending)

    def assess_until(over: Event, writer: Writer) -> None:
        while not over.is_set():
            assess(writer)

    assessors, over = [ledgers.writer() for _ in range(2)], Event()
    with ThreadPoolExecutor(6) as threads:
        assessing = [threads.submit(assess_until, over, writer) for writer in assessors]
        given = [threads.submit(give, ledgers.writer(), items[n::4]) for n in range(4)]
        try:
            for done in given:
                done.result(PATIENCE_S)
        finally:
            over.set()
        for done in assessing:
            done.result(PATIENCE_S)
    while assessors[0].next_pending(9) is not None:
        assess(assessors[0])
    [published] = assessors[0].known([batch])[batch].published.values()
    assert published.reasons[0].facts == {"weight": 2 * len(items)}
