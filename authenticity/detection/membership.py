"""What the parts of serial lists must be asked before an item is assessed."""

from collections.abc import Iterable

from authenticity.gs1.item import ItemId, gtin_and_serial
from authenticity.history.history import History
from authenticity.records.batch_registry import BatchRegistry, Question


def questions_about(
    item: ItemId,
    histories: Iterable[History],
    batch_registry: BatchRegistry,
    *,
    lot: str | None = None,
) -> list[Question]:
    """The questions whose answers `batch_registry` needs for this item, whatever comes of
    merging these histories, and of a code with this lot; none for most items, whose batch has
    a filter in its header."""
    names = gtin_and_serial(item)
    if not batch_registry.has_parts or names is None:
        return []
    gtin, serial = names
    lots = {lot} | {
        observation.lot or None
        for history in histories
        for observation in history.observations
        if observation.issued
    }
    return batch_registry.questions(gtin, lots, serial)
