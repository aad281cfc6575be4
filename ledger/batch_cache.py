"""What both databases do alike with batches: cache the registry, and find out what changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.batch_statement import (
    BatchStatement,
    Print,
    later_statement,
    read_statement,
)
from authenticity.records.part_statement import PartRank, SignedPart, rank_of_part
from authenticity.records.serial_parts import PartName, part_names
from ledger.part_cache import PartCache

BatchKey = tuple[str, str]
"""Issuer and batch id."""
PartPlace = tuple[str, str, int]
"""Issuer, batch id and number of a part."""


class CachedBatchRegistry:
    """The batch registry of the version that was last asked for. Several threads may use it.

    `parts` are those of serial lists that were read since then. The version changes where a
    part that a header names is displaced, so none is believed that the ledger has no more.
    """

    def __init__(self) -> None:
        self.parts = PartCache()
        self._kept = (-1, BatchRegistry())

    def of(self, version: int) -> BatchRegistry | None:
        """The registry of this version, None if it must be read."""
        kept, batch_registry = self._kept
        return batch_registry if kept == version else None

    def keep(self, version: int, headers: Iterable[bytes]) -> BatchRegistry:
        """Decode the headers of this version, and keep them."""
        batch_registry = registry_of(headers)
        if version != self._kept[0]:
            self.parts = PartCache()
        self._kept = (version, batch_registry)
        return batch_registry

    def forget(self) -> None:
        """After a change of server a version may mean something else."""
        self.parts = PartCache()
        self._kept = (-1, BatchRegistry())


def registry_of(rows: Iterable[bytes]) -> BatchRegistry:
    """The registry of all rows."""
    return BatchRegistry(batch for row in rows for batch in read_row(row).batches)


def batch_of(row: bytes) -> Batch:
    """The batch that a row of the ledger is about."""
    return read_row(row).batch


def read_row(row: bytes) -> BatchStatement:
    """The statement in a row of the ledger, or the unsigned header of 0.1.0, whose signature was
    checked before it was written; then, a line each, the former prints of the batch."""
    raw, *former = row.split(b"\n")
    statement = read_statement(raw)
    return replace(statement, former_prints=frozenset(map(_print_decoder.decode, former)))


def row_of(statement: BatchStatement) -> bytes:
    """As `read_row` reads it."""
    former = sorted(map(msgspec.json.encode, statement.former_prints))
    return b"\n".join([statement.raw, *former])


_print_decoder = msgspec.json.Decoder(Print)


class Standing(NamedTuple):
    """Batches with a newer statement, and the products whose items must be reassessed."""

    changed: Sequence[BatchStatement]
    gtins: Sequence[str]


def key_of(statement: BatchStatement) -> BatchKey:
    """Which batch it is about."""
    return statement.batch.issuer, statement.batch.batch_id


def standing_after(
    known: Mapping[BatchKey, BatchStatement], updates: Iterable[BatchStatement]
) -> Standing:
    """What changes when these statements, in any order, are added to those known."""
    stands = dict(known)
    for update in updates:
        key = key_of(update)
        stands[key] = later_statement(stands[key], update) if key in stands else update
    changed = [each for key, each in stands.items() if each != known.get(key)]
    before = [known[key] for each in changed if (key := key_of(each)) in known]
    changed.sort(key=key_of)
    gtins = {gtin for each in (*changed, *before) for gtin, _ in each.prints}
    return Standing(changed, sorted(gtins))


class Changes(NamedTuple):
    """What is to be written, and the products whose items must be reassessed."""

    statements: Sequence[BatchStatement]
    parts: Sequence[SignedPart]
    gtins: Sequence[str]


def place_of(part: SignedPart) -> PartPlace:
    """Which part it is, whatever it holds."""
    return part.name.issuer, part.name.batch_id, part.name.number


def changes_after(
    known: Mapping[BatchKey, BatchStatement],
    statements: Sequence[BatchStatement],
    kept: Mapping[PartPlace, PartRank],
    parts: Sequence[SignedPart],
) -> Changes:
    """What changes when these statements and parts, in any order, are added to those known.

    `known` has the batches of the parts too. A part that no standing header names, and that
    takes the place of none that one names, is kept without any item being reassessed.
    """
    changed, gtins = standing_after(known, statements)
    stands = {**known, **{key_of(each): each for each in changed}}
    named: set[PartName] = set()
    for key in {place_of(part)[:2] for part in parts} & stands.keys():
        named.update(part_names(stands[key].batch))
    best: dict[PartPlace, SignedPart] = {}
    for part in sorted(parts, key=rank_of_part):
        best[place_of(part)] = part
    newer = [
        part for place, part in sorted(best.items())
        if place not in kept or kept[place] < rank_of_part(part)
    ]  # fmt: skip
    of_parts = {
        stands[place_of(part)[:2]].batch.gtin
        for part in newer
        if part.name in named
        or ((place := place_of(part)) in kept and PartName(*place, kept[place][2]) in named)
    }
    return Changes(changed, newer, sorted(of_parts.union(gtins)))


def places_of(parts: Sequence[SignedPart]) -> list[PartPlace]:
    """Sorted, each once."""
    return sorted({place_of(part) for part in parts})


def batches_of(statements: Sequence[BatchStatement], parts: Sequence[SignedPart]) -> list[BatchKey]:
    """The batches that these are about, sorted, each once."""
    return sorted({key_of(each) for each in statements} | {place_of(each)[:2] for each in parts})
