"""Serial lists of large batches: what they say of the items at hand, and what it means that a
part of one is missing."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from authenticity.detection.membership import questions_about
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from authenticity.records.batch_registry import BatchMatch, BatchRegistry, ListIncomplete, Question
from authenticity.trust.verdict import Verdict
from ledger.protocols import LedgerReader
from ledger.records import PartsHeld

_BATCHES_ASKED = 32


class Listed(NamedTuple):
    """The registry with the answers about some items. `incomplete`: how much of the list is
    here, by item, where the item's part is missing and somebody may know."""

    batch_registry: BatchRegistry
    incomplete: Mapping[ItemId, PartsHeld]


def standing_with_list(standing: Standing, match: BatchMatch) -> Standing:
    """The standing of a pack of which only its serial list would say that it was issued.

    `caution` in place of a better one, while the part is missing: the maker has stated that
    there is a list, so nothing is claimed without it.
    """
    unsure = isinstance(match, ListIncomplete)
    better = standing in (Standing.VERIFIED, Standing.SEEN_BEFORE)
    return Standing.CAUTION if unsure and better else standing


async def with_lists(
    reader: LedgerReader,
    batch_registry: BatchRegistry,
    found: Iterable[tuple[ItemId, History | None, Verdict | None]],
    entitled: Collection[ItemId],
) -> Listed:
    """Ask the parts that these items fall into. Raises `LedgerUnavailableError`."""
    if not batch_registry.has_parts:
        return Listed(batch_registry, {})
    questions: dict[Question, ItemId] = {}
    for item, history, verdict in found:
        histories, lot = (history,) if history else (), verdict.lot if verdict else None
        asked = questions_about(item, histories, batch_registry, lot=lot)
        questions |= dict.fromkeys(asked, item)
    answers = await reader.memberships(questions)
    open_ones = {
        (question.part.issuer, question.part.batch_id): item
        for question, item in questions.items()
        if question not in answers and item in entitled
    }
    held = {
        item: await reader.parts_held(*batch)
        for batch, item in list(open_ones.items())[:_BATCHES_ASKED]
    }
    return Listed(batch_registry.answered_by(answers), held)
