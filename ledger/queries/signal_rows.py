"""Clues as they stand in the tables: beside the history they follow from, and by subject."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from authenticity.detection.signals import Clue
from authenticity.gs1.item import ItemId, SubjectId
from ledger.protocols import Due, ItemChange
from ledger.records import from_key, to_key

ENTRIES_AT_ONCE: Final = 2_000
"""Of the queue of subjects, looked through for those to be assessed next."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[tuple[str, str, int, str], ...]).decode
_decode_rest: Final = msgspec.msgpack.Decoder(tuple[int, str]).decode


class ClueRow(NamedTuple):
    """`rest`: what is no part of the key, MessagePack. Text from a pack may hold what a
    database cannot store as text."""

    subject: str
    item: str
    sign: str
    rest: bytes


class ClueChanges(NamedTuple):
    """Rows to delete and then to insert, sorted; `due`: the subjects that they are about."""

    gone: Sequence[ClueRow]
    come: Sequence[ClueRow]
    due: Sequence[str]


def encode_clues(clues: Sequence[Clue]) -> bytes | None:
    """Of one item, without what its key says; None for none."""
    if not clues:
        return None
    return _encode([(to_key(c.subject), c.sign, c.weight, c.detail) for c in clues])


def decode_clues(item: ItemId, encoded: bytes | None) -> tuple[Clue, ...]:
    """Inverse of `encode_clues`."""
    if encoded is None:
        return ()
    return tuple(
        Clue(SubjectId(from_key(key)), item, sign, weight, detail)
        for key, sign, weight, detail in _decode(encoded)
    )


def clue_changes(changes: Iterable[ItemChange]) -> ClueChanges | None:
    """What these changes of items change in the clues; None if, as usual, nothing."""
    gone: list[ClueRow] = []
    come: list[ClueRow] = []
    for change in changes:
        if change.clues != change.clues_before:
            now, before = set(change.clues), set(change.clues_before)
            gone += map(_row, before - now)
            come += map(_row, now - before)
    if not gone and not come:
        return None
    return ClueChanges(sorted(gone), sorted(come), sorted({r.subject for r in (*gone, *come)}))


def clue_of(subject: SubjectId, item: str, sign: str, rest: bytes) -> Clue:
    """The clue of a row."""
    return Clue(subject, from_key(item), sign, *_decode_rest(rest))


def due_of(entries: Iterable[tuple[int, str]], limit: int) -> Due | None:
    """The first so many subjects of these entries of the queue, with all that name them."""
    numbers: dict[str, list[int]] = {}
    for number, subject in entries:
        if subject in numbers:
            numbers[subject].append(number)
        elif len(numbers) < limit:
            numbers[subject] = [number]
    if not numbers:
        return None
    subjects = [SubjectId(from_key(key)) for key in numbers]
    return Due(subjects, [number for some in numbers.values() for number in some])


def _row(clue: Clue) -> ClueRow:
    rest = _encode((clue.weight, clue.detail))
    return ClueRow(to_key(clue.subject), to_key(clue.item), clue.sign, rest)
