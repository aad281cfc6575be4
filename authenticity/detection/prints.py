"""What is registered for each print, lot and expiry date, that an item's codes carry.

A serial is issued once, with one print. Codes of one item with several prints are the work of
a key that was lost, or of a factory that uses one it may not. So what is registered holds for
a print, not for the item: each code is believed by its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from authenticity.gs1.item import ItemId, gtin_and_serial
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import (
    UNREGISTERED,
    BatchMatch,
    BatchRegistry,
    InBatch,
    ListIncomplete,
    NotInBatch,
    batch_printed,
)

_Print = tuple[str, int]
"""`Observation.lot` and `expiry`."""


class Registered(NamedTuple):
    """What is registered for one print with the item's serial. `declared`: the batches whose
    status holds for a pack with this print."""

    match: BatchMatch
    declared: tuple[Batch, ...] = ()


_NOTHING: Final = Registered(UNREGISTERED)
_NO_PRINTS: Final[Mapping[_Print, Registered]] = MappingProxyType({})


class Prints(NamedTuple):
    """What is registered for the prints of an item's issued codes, `otherwise` for any other."""

    known: Mapping[_Print, Registered]
    otherwise: Registered = _NOTHING

    def of(self, observation: Observation) -> Registered:
        """What is registered for the print that this code carries."""
        return self.known.get((observation.lot, observation.expiry), self.otherwise)


NOTHING_REGISTERED: Final = Prints(_NO_PRINTS)


def every_print(match: BatchMatch) -> Prints:
    """As if this were all that is registered, for whatever a code prints."""
    printed = batch_printed(match)
    return Prints(_NO_PRINTS, Registered(match, (printed,) if printed else ()))


def prints_of(
    item: ItemId, observations: Iterable[Observation], batch_registry: BatchRegistry
) -> Prints:
    """What is registered for the prints of these observations, of which only codes that were
    issued count."""
    names = gtin_and_serial(item)
    if names is None:
        return NOTHING_REGISTERED
    gtin, serial = names
    known: dict[_Print, Registered] = {}
    for observation in observations:
        lot, expiry = observation.lot, observation.expiry
        if observation.issued and (lot, expiry) not in known:
            printed = f"{expiry:06d}" if expiry else None
            known[lot, expiry] = Registered(
                batch_registry.find(gtin, lot or None, printed, serial),
                batch_registry.declared(gtin, lot or None, serial),
            )
    return Prints(known)


def match_of_item(issued: Sequence[Observation], prints: Prints) -> BatchMatch:
    """The batch of an item with these codes: the one whose list holds its serial, else one
    without a list, else what is worst. Of equal ones that of a code without doubt, then of the
    first to arrive."""
    if len(issued) == 1:
        return prints.of(issued[0]).match
    if not issued:
        return UNREGISTERED
    first = min(
        issued,
        key=lambda each: (_rank(prints.of(each).match), each.doubt != 0, each.arrived_ms, each),
    )
    return prints.of(first).match


def denials_of(
    issued: Iterable[Observation], prints: Prints
) -> list[tuple[NotInBatch, list[Observation]]]:
    """The batches whose print some of these codes carry although their lists do not hold the
    serial, by id, and the codes with each print."""
    denials: dict[tuple[str, str, str, int], tuple[NotInBatch, list[Observation]]] = {}
    for each in issued:
        match = prints.of(each).match
        if isinstance(match, NotInBatch):
            batch = match.batch
            key = batch.batch_id, batch.issuer, each.lot, each.expiry
            denials.setdefault(key, (match, []))[1].append(each)
    return [denials[key] for key in sorted(denials)]


def lot_of_item(issued: Sequence[Observation], prints: Prints) -> str:
    """The lot of these codes: of the batch whose list holds the serial, else of the first to
    arrive that prints one and that no list denies. Empty where none prints one."""
    ranked = [(_rank_of_lot(prints.of(s).match), not s.lot, s.arrived_ms, s) for s in issued]
    return min(ranked)[-1].lot if ranked else ""


def declared_of(
    issued: Iterable[Observation], prints: Prints, in_hand: Observation | None
) -> tuple[Batch, ...]:
    """The recalled and stolen batches of any of these prints, by id and issuer. What holds for a
    print whose batches deny the serial is of no pack but one that carries it: of `in_hand`."""
    registered = [prints.of(each) for each in issued]
    declared = [each.declared for each in registered if not isinstance(each.match, NotInBatch)]
    if in_hand is not None:
        declared.append(prints.of(in_hand).declared)
    batches = {(batch.batch_id, batch.issuer): batch for some in declared for batch in some}
    return tuple(batches[key] for key in sorted(batches))


def is_listed(match: BatchMatch) -> bool:
    """Whether the list of a batch holds the serial, which no batch without a list proves."""
    return isinstance(match, InBatch) and match.batch.has_list


def _rank(match: BatchMatch) -> int:
    if isinstance(match, InBatch):
        return 0 if match.batch.has_list else 1
    if isinstance(match, NotInBatch):
        return 2
    return 3 if isinstance(match, ListIncomplete) else 4


def _rank_of_lot(match: BatchMatch) -> int:
    if is_listed(match):
        return 0
    return 2 if isinstance(match, NotInBatch) else 1
