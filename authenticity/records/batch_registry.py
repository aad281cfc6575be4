"""The registered batches, and which of them a printed pack belongs to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, assert_never

from msgspec.structs import replace

from authenticity.records.batch import Batch, BatchStatus, later
from authenticity.records.serial_filter import may_hold
from authenticity.records.serial_parts import PartName, part_asked


@dataclass(frozen=True, slots=True)
class InBatch:
    """This batch holds the serial, as far as its serial filter can tell."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class NotInBatch:
    """Batches with this print are registered, and none of them holds the serial.

    `batch` is the one whose print the pack carries without being of it; a withdrawn one where
    all of them are.
    """

    batch: Batch


@dataclass(frozen=True, slots=True)
class ListIncomplete:
    """A batch with this print is registered, and the part of its serial list that would say
    whether it holds the serial is not here. It is not known to hold it.
    """

    batch: Batch


@dataclass(frozen=True, slots=True)
class Unregistered:
    """No batch with this print is registered."""


BatchMatch = InBatch | NotInBatch | ListIncomplete | Unregistered
UNREGISTERED: Final = Unregistered()


class Question(NamedTuple):
    """Whether a part of a serial list holds a serial."""

    part: PartName
    serial: str


class Membership(Protocol):
    """What the parts of serial lists say."""

    def get(self, question: Question, /) -> bool | None:
        """Whether the part holds the serial, None if the part is not here."""
        ...


_DECLARED: Final = frozenset({BatchStatus.RECALLED, BatchStatus.STOLEN})
NOTHING_ANSWERED: Final[Mapping[Question, bool]] = MappingProxyType({})


def batch_holding(match: BatchMatch) -> Batch | None:
    """The batch that the pack is of: what people are shown as its batch."""
    match match:
        case InBatch():
            return match.batch
        case NotInBatch() | ListIncomplete() | Unregistered():
            return None
        case _:
            assert_never(match)


def batch_printed(match: BatchMatch) -> Batch | None:
    """The batch whose lot and expiry date the pack carries, whether or not it holds the serial."""
    match match:
        case InBatch() | NotInBatch() | ListIncomplete():
            return match.batch
        case Unregistered():
            return None
        case _:
            assert_never(match)


class BatchRegistry:
    """The registered batches, to find the one a printed pack belongs to.

    Immutable once made. Two runs may share GTIN and lot. A batch whose list holds the serial
    comes before one whose list is not all here, and that before one without any list, of
    which everything could be. Of several the one with the printed expiry is preferred, then
    the smallest batch id, so that the answer does not depend on the order of registration.
    A withdrawn batch holds no serial, whatever it lists, and its print stays known. So the
    statement that withdraws a batch makes no serial better than it was. Nor does one that gives
    a batch another print: the former one stays known, without its serials.

    Parts of serial lists are not held here: they are large. Whoever needs an answer asks the
    `questions` about an item of where the parts are, and calls `find` of `answered_by`.
    """

    __slots__ = ("_by_print", "_gtins", "_membership", "_print_of_parts")

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        newest: dict[tuple[str, str], Batch] = {}
        prints: dict[tuple[str, str], set[tuple[str, str | None]]] = {}
        for batch in batches:
            key = (batch.issuer, batch.batch_id)
            newest[key] = later(newest[key], batch) if key in newest else batch
            prints.setdefault(key, set()).add((batch.gtin, batch.lot))
        former = [
            replace(batch, gtin=gtin, lot=lot, status=BatchStatus.WITHDRAWN)
            for key, batch in newest.items()
            for gtin, lot in prints[key] - {(batch.gtin, batch.lot)}
        ]
        stated = [*newest.values(), *former]
        self._by_print: dict[tuple[str, str | None], list[Batch]] = {}
        for batch in sorted(stated, key=lambda batch: (batch.batch_id, batch.issuer)):
            self._by_print.setdefault((batch.gtin, batch.lot), []).append(batch)
        self._gtins = frozenset(gtin for gtin, _ in self._by_print)
        self._print_of_parts = frozenset(
            (batch.gtin, batch.lot)
            for batch in newest.values()
            if batch.parts and not _is_withdrawn(batch)
        )
        self._membership: Membership = NOTHING_ANSWERED

    def knows(self, gtin: str) -> bool:
        """Whether any batch of this product was registered, be it withdrawn now."""
        return gtin in self._gtins

    @property
    def has_parts(self) -> bool:
        """Whether any batch has its serial list in parts."""
        return bool(self._print_of_parts)

    def questions(self, gtin: str, lots: Iterable[str | None], serial: str) -> list[Question]:
        """What parts must be asked before `find` with one of these lots can tell."""
        return [
            Question(part, serial)
            for lot in set(lots)
            if (gtin, lot) in self._print_of_parts
            for batch in self._by_print[gtin, lot]
            if not _is_withdrawn(batch) and (part := part_asked(batch, serial)) is not None
        ]

    def answered_by(self, membership: Membership) -> "BatchRegistry":
        """The same batches, with these answers."""
        other = BatchRegistry()
        other._by_print, other._gtins = self._by_print, self._gtins
        other._print_of_parts, other._membership = self._print_of_parts, membership
        return other

    def find(self, gtin: str, lot: str | None, expiry: str | None, serial: str) -> BatchMatch:
        """What is registered for the pack with this print and serial."""
        stated = self._by_print.get((gtin, lot))
        if not stated:
            return UNREGISTERED
        candidates = [each for each in stated if not _is_withdrawn(each)]
        listed = [each for each in candidates if each.has_list]
        holds = [self._holds(each, serial) for each in listed]
        for answer, match in ((True, InBatch), (None, ListIncomplete)):
            those = [each for each, held in zip(listed, holds, strict=True) if held is answer]
            if those:
                return match(_by_expiry(those, expiry))
        unlisted = [each for each in candidates if not each.has_list]
        if unlisted:
            return InBatch(_by_expiry(unlisted, expiry))
        return NotInBatch(_by_expiry(candidates or stated, expiry))

    def with_print(self, gtin: str, lot: str | None) -> Sequence[Batch]:
        """All that are stated with this product and lot, by id; withdrawn ones among them, and
        those that had this print before, as if they were withdrawn."""
        return tuple(self._by_print.get((gtin, lot), ()))

    def declared(self, gtin: str, lot: str | None, serial: str) -> tuple[Batch, ...]:
        """The recalled and stolen batches whose declaration holds for a pack with this print:
        each that holds the serial or whose list is not here to deny it, whatever other batch
        holds it too. If all that have the print deny it, each of them."""
        stated = self._by_print.get((gtin, lot), ())
        declared = [each for each in stated if each.status in _DECLARED]
        if not declared:
            return ()
        known = [each for each in stated if not _is_withdrawn(each)]
        if all(self._denies(each, serial) for each in known):
            return tuple(declared)
        return tuple(each for each in declared if not self._denies(each, serial))

    def is_in_no_list(self, gtin: str, lot: str | None, serial: str) -> bool:
        """Whether this print is or was that of a batch, and no list that is here holds the
        serial. A withdrawn batch holds none, and neither does one without a list, or one whose
        list lacks the part that would say: no statement takes a serial out of this answer but
        one that lists it."""
        stated = self._by_print.get((gtin, lot), ())
        return bool(stated) and not any(
            self._holds(each, serial) for each in stated if not _is_withdrawn(each)
        )

    def _denies(self, batch: Batch, serial: str) -> bool:
        return batch.has_list and self._holds(batch, serial) is False

    def _holds(self, batch: Batch, serial: str) -> bool | None:
        """What the list of the batch says, None if the part that would say it is not here."""
        if batch.serials is not None:
            return may_hold(batch.serials, serial)
        part = part_asked(batch, serial)
        return None if part is None else self._membership.get(Question(part, serial))


def _is_withdrawn(batch: Batch) -> bool:
    return batch.status is BatchStatus.WITHDRAWN


def _by_expiry(candidates: Sequence[Batch], expiry: str | None) -> Batch:
    if len(candidates) == 1:
        return candidates[0]
    return next((each for each in candidates if each.expiry == expiry), candidates[0])
