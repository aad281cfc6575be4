"""The registered batches, and which of them a printed pack belongs to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from authenticity.records.batch import Batch, later
from authenticity.records.serial_filter import may_hold


@dataclass(frozen=True, slots=True)
class InBatch:
    """This batch holds the serial, as far as its serial filter can tell."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class NotInBatch:
    """Batches with this print are registered, and none of them holds the serial.

    `batch` is the one whose print the pack carries without being of it.
    """

    batch: Batch


@dataclass(frozen=True, slots=True)
class Unregistered:
    """No batch with this print is registered."""


BatchMatch = InBatch | NotInBatch | Unregistered
UNREGISTERED: Final = Unregistered()


def batch_holding(match: BatchMatch) -> Batch | None:
    """The batch that the pack is of: what people are shown as its batch."""
    match match:
        case InBatch():
            return match.batch
        case NotInBatch() | Unregistered():
            return None
        case _:
            assert_never(match)


def batch_printed(match: BatchMatch) -> Batch | None:
    """The batch whose lot and expiry date the pack carries, whether or not it holds the serial."""
    match match:
        case InBatch() | NotInBatch():
            return match.batch
        case Unregistered():
            return None
        case _:
            assert_never(match)


class BatchRegistry:
    """The registered batches, to find the one a printed pack belongs to.

    Immutable once made. Two runs may share GTIN and lot; of those that may hold the
    serial the one with the printed expiry is preferred, then the smallest batch id, so
    that the answer does not depend on the order of registration.
    """

    __slots__ = ("_by_print", "_gtins")

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        newest: dict[tuple[str, str], Batch] = {}
        for batch in batches:
            key = (batch.issuer, batch.batch_id)
            newest[key] = later(newest[key], batch) if key in newest else batch
        self._by_print: dict[tuple[str, str | None], list[InBatch]] = {}
        for batch in sorted(newest.values(), key=lambda batch: (batch.batch_id, batch.issuer)):
            self._by_print.setdefault((batch.gtin, batch.lot), []).append(InBatch(batch))
        self._gtins = frozenset(gtin for gtin, _ in self._by_print)

    def knows(self, gtin: str) -> bool:
        """Whether any batch of this product is registered."""
        return gtin in self._gtins

    def find(self, gtin: str, lot: str | None, expiry: str | None, serial: str) -> BatchMatch:
        """What is registered for the pack with this print and serial."""
        candidates = self._by_print.get((gtin, lot))
        if not candidates:
            return UNREGISTERED
        holding = [each for each in candidates if _may_hold(each.batch, serial)]
        if holding:
            return _by_expiry(holding, expiry)
        return NotInBatch(_by_expiry(candidates, expiry).batch)


def _may_hold(batch: Batch, serial: str) -> bool:
    return batch.serials is None or may_hold(batch.serials, serial)


def _by_expiry(candidates: Sequence[InBatch], expiry: str | None) -> InBatch:
    if len(candidates) == 1:
        return candidates[0]
    return next((each for each in candidates if each.batch.expiry == expiry), candidates[0])
