"""What both databases do alike with batches: cache the registry, and find out what changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.batch_statement import BatchStatement, later_statement, read_statement

BatchKey = tuple[str, str]
"""Issuer and batch id."""


class CachedBatchRegistry:
    """The batch registry of the version that was last asked for. Several threads may use it."""

    def __init__(self) -> None:
        self._kept = (-1, BatchRegistry())

    def of(self, version: int) -> BatchRegistry | None:
        """The registry of this version, None if it must be read."""
        kept, batch_registry = self._kept
        return batch_registry if kept == version else None

    def keep(self, version: int, headers: Iterable[bytes]) -> BatchRegistry:
        """Decode the headers of this version, and keep them."""
        batch_registry = BatchRegistry(map(batch_of, headers))
        self._kept = (version, batch_registry)
        return batch_registry

    def forget(self) -> None:
        """After a change of server a version may mean something else."""
        self._kept = (-1, BatchRegistry())


def batch_of(row: bytes) -> Batch:
    """The batch that a row of the ledger is about: a statement, or an unsigned header of 0.1.0.

    Its signature was checked before it was written.
    """
    return read_statement(row).batch


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
    return Standing(changed, sorted({each.batch.gtin for each in (*changed, *before)}))
