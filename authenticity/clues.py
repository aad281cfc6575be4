"""The second stage: what an item's history says about something larger than the item.

A batch whose serials were copied a few times each shows nothing item by item, and a
scanner that lies does so on many items. So every history gives *clues* about subjects, a
batch or a scanner, and a subject is assessed by all clues about it.

Clues are a pure function of an item's history, and a subject's findings of its clues:
whatever order scans arrive in, the final histories are the same, hence the clues, hence
the findings; a clue that late data explains away is gone, and with it what rested on it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from authenticity.batch import Batch
from authenticity.clones import clone_suspected
from authenticity.finding import SEVERITY, Finding, FindingKind, because, coarse
from authenticity.findings import split
from authenticity.history import History
from authenticity.item import ItemId, SubjectId, batch_subject, gtin_of
from authenticity.policy import Policy

MOST_CLUES: Final = 16
"""Of one item."""
MOST_CLUES_ASSESSED: Final = 2_000
"""About one subject: the first in their order."""


class Clue(Struct, frozen=True, order=True):
    """What one item says about one subject; one for each `sign`.

    `weight` is in hundredths of a nat for copies: the log-likelihood ratio that the
    item has some. It counts as it is for the others.
    """

    subject: SubjectId
    item: ItemId
    sign: str
    weight: int
    detail: str


def clues_of(
    item: ItemId, history: History, batch: Batch | None, policy: Policy
) -> tuple[Clue, ...]:
    """Sorted, at most `MOST_CLUES`."""
    genuine, _ = split(history, batch)
    gtin = gtin_of(item)
    sessions = {sighting.session for sighting in genuine}
    if gtin is None or len(sessions) < 2 or not genuine[0].lot:
        return ()
    suspected = any(clone_suspected(genuine, batch, policy.clone))
    subject = batch_subject(gtin, genuine[0].lot)
    return (Clue(subject, item, "copies", 300 if suspected else -10, ""),)


def assess_subject(clues: Sequence[Clue], policy: Policy) -> tuple[Finding, ...]:  # noqa: ARG001 - thresholds follow
    """Findings about the subject that all these clues are about.

    The caller owes them sorted, and no more than the first `MOST_CLUES_ASSESSED`.
    """
    weight = sum(clue.weight for clue in clues if clue.sign == "copies")
    items = sum(clue.weight > 0 for clue in clues)
    if weight < 1_000 or items < 3:
        return ()
    kind = FindingKind.CAMPAIGN
    reason = because("many-items-look-copied", items_at_least=coarse(items))
    return (Finding(kind, SEVERITY[kind], None, (reason,)),)


def by_subject(clues: Iterable[Clue]) -> dict[SubjectId, list[Clue]]:
    """Grouped, each group sorted and cut as `assess_subject` takes it."""
    grouped: dict[SubjectId, list[Clue]] = {}
    for clue in sorted(clues):
        grouped.setdefault(clue.subject, []).append(clue)
    return {subject: group[:MOST_CLUES_ASSESSED] for subject, group in grouped.items()}
