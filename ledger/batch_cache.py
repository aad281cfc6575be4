"""What both databases do alike with batches: cache the registry, and find out what changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from authenticity.records.batch import Batch, decode_batch, later
from authenticity.records.batch_registry import BatchRegistry

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
        batch_registry = BatchRegistry(decode_batch(header) for header in headers)
        self._kept = (version, batch_registry)
        return batch_registry

    def forget(self) -> None:
        """After a change of server a version may mean something else."""
        self._kept = (-1, BatchRegistry())


class Standing(NamedTuple):
    """Batches with a newer statement, and the products whose items must be reassessed."""

    changed: Sequence[Batch]
    gtins: Sequence[str]


def standing_after(known: Mapping[BatchKey, Batch], updates: Iterable[Batch]) -> Standing:
    """What changes when these statements, in any order, are added to those known."""
    stands = dict(known)
    for batch in updates:
        key = (batch.issuer, batch.batch_id)
        stands[key] = later(stands[key], batch) if key in stands else batch
    changed = [batch for key, batch in stands.items() if batch != known.get(key)]
    before = [known[key] for batch in changed if (key := (batch.issuer, batch.batch_id)) in known]
    changed.sort(key=lambda batch: (batch.issuer, batch.batch_id))
    return Standing(changed, sorted({batch.gtin for batch in (*changed, *before)}))
