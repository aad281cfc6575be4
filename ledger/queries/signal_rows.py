"""Signals as the tables hold them: beside the history they follow from, and by entity.

The columns are named after older words: `clues` for signals, `subject` for an entity.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from authenticity.detection.item_state import ItemChange
from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId
from ledger.protocols import Pending
from ledger.records import from_key, to_key

ENTRIES_AT_ONCE: Final = 2_000
"""So many entries of the queue are read to find the entities to assess next."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[tuple[str, str, int, str], ...]).decode
_decode_rest: Final = msgspec.msgpack.Decoder(tuple[int, str]).decode


class SignalRow(NamedTuple):
    """`rest` is MessagePack of what is not part of the key: text from a pack may hold what a
    database cannot store as text."""

    entity: str
    item: str
    kind: str
    rest: bytes


class SignalChanges(NamedTuple):
    """Rows to delete and then to insert, sorted; `pending`: the entities that they are about."""

    gone: Sequence[SignalRow]
    come: Sequence[SignalRow]
    pending: Sequence[str]


def encode_signals(signals: Sequence[Signal]) -> bytes | None:
    """The signals of one item, without what its key says; None if there are none."""
    if not signals:
        return None
    return _encode([(to_key(c.entity), c.kind, c.weight, c.detail) for c in signals])


def decode_signals(item: ItemId, encoded: bytes | None) -> tuple[Signal, ...]:
    """Inverse of `encode_signals`."""
    if encoded is None:
        return ()
    return tuple(
        Signal(EntityId(from_key(key)), item, kind, weight, detail)
        for key, kind, weight, detail in _decode(encoded)
    )


def signal_changes(changes: Iterable[ItemChange]) -> SignalChanges | None:
    """What these changes of items change in the signals; None if, as usual, nothing."""
    gone: list[SignalRow] = []
    come: list[SignalRow] = []
    for change in changes:
        if change.signals != change.signals_before:
            now, before = set(change.signals), set(change.signals_before)
            gone += map(_row, before - now)
            come += map(_row, now - before)
    if not gone and not come:
        return None
    return SignalChanges(sorted(gone), sorted(come), sorted({r.entity for r in (*gone, *come)}))


def signal_of(entity: EntityId, item: str, kind: str, rest: bytes) -> Signal:
    """The signal of a row."""
    return Signal(entity, from_key(item), kind, *_decode_rest(rest))


def pending_of(entries: Iterable[tuple[int, str]], limit: int) -> Pending | None:
    """At most `limit` entities of these entries of the queue, with all the entries of each."""
    numbers: dict[str, list[int]] = {}
    for number, key in entries:
        if key in numbers:
            numbers[key].append(number)
        elif len(numbers) < limit:
            numbers[key] = [number]
    if not numbers:
        return None
    entities = [EntityId(from_key(key)) for key in numbers]
    return Pending(entities, [number for some in numbers.values() for number in some])


def _row(signal: Signal) -> SignalRow:
    rest = _encode((signal.weight, signal.detail))
    return SignalRow(to_key(signal.entity), to_key(signal.item), signal.kind, rest)
