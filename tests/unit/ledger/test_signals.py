"""Signals on SQLite: the contract, and how what they are about stands in the tables."""

from hypothesis import given
from hypothesis import strategies as st

from authenticity.detection.signals import Signal
from authenticity.gs1.item import (
    EntityId,
    ItemId,
    batch_entity,
    item_id,
    scanner_entity,
    text_id,
)
from ledger.queries.signal_rows import decode_signals, encode_signals, pending_of
from ledger.records import from_key, is_about_entity, to_key
from tests.contracts.ledger.signal_keeping import SignalsContract

GTINS = st.from_regex("[0-9]{14}", fullmatch=True)
NUMBERS = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=9)
ITEMS = st.builds(item_id, GTINS, TEXTS) | st.builds(text_id, TEXTS)
SUBJECTS = st.builds(batch_entity, GTINS, TEXTS) | st.builds(
    lambda number, known: scanner_entity(number, known=known), NUMBERS, st.booleans()
)


class TestSignalsOnSqlite(SignalsContract):
    """See `tests.contracts.ledger`."""


@given(ITEMS | SUBJECTS)
def test_every_item_and_entity_comes_back_from_its_key(any_id: ItemId | EntityId) -> None:
    assert from_key(to_key(any_id)) == any_id


@given(st.lists(ITEMS | SUBJECTS))
def test_keys_are_ordered_as_what_they_stand_for(ids: list[ItemId | EntityId]) -> None:
    assert [from_key(key) for key in sorted(map(to_key, ids))] == sorted(ids)


@given(ITEMS, SUBJECTS)
def test_the_key_of_an_entity_differs_from_that_of_an_item(item: ItemId, entity: EntityId) -> None:
    assert not is_about_entity(to_key(item))
    assert is_about_entity(to_key(entity))


@given(ITEMS, st.lists(st.tuples(SUBJECTS, TEXTS, st.integers(-(2**31), 2**31), TEXTS)))
def test_signals_come_back_as_they_were(
    item: ItemId, said: list[tuple[EntityId, str, int, str]]
) -> None:
    signals = tuple(Signal(entity, item, kind, n, detail) for entity, kind, n, detail in said)
    assert decode_signals(item, encode_signals(signals)) == signals
    assert (encode_signals(signals) is None) == (not signals)


def test_no_entry_is_nothing_pending() -> None:
    assert pending_of([], 9) is None
