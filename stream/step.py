"""The pure step: (scans, what was known) → (what is known, alerts).

Both engines and the replay are shells around these functions; they ask no clock and no
database, and whatever order scans come in, the same is known in the end.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from authenticity.detection.alerts import revise
from authenticity.detection.assess import appraise, assess, batch_of
from authenticity.detection.policy import Policy
from authenticity.detection.signals import Clue, assess_subject, clues_of
from authenticity.gs1.item import ItemId, SubjectId, text_id
from authenticity.history.history import EMPTY, History, encode_history, history_of, merge
from authenticity.history.observation import Sighting, sight
from authenticity.records.batch import Catalogue
from authenticity.records.scan import Scan
from authenticity.trust.verdict import Verdict
from ledger.protocols import UNKNOWN, ItemChange, KnownItem

_NO_HISTORY: Final = encode_history(EMPTY)


class Judged(NamedTuple):
    """A scan with the verdict on its code, and the trust list that gave it."""

    scan: Scan
    verdict: Verdict
    trust_version: int


def subject_of(scan: Scan, verdict: Verdict) -> ItemId:
    """The item whose history a scan belongs to; for text that names none, the text's own."""
    return verdict.item or text_id(scan.code)


def news_of(judged: Iterable[Judged]) -> dict[ItemId, History]:
    """What these scans say of each item, for itself."""
    sightings: dict[ItemId, list[Sighting]] = {}
    for scan, verdict, trust_version in judged:
        sighting = sight(scan, verdict, trust_version)
        sightings.setdefault(subject_of(scan, verdict), []).append(sighting)
    return {item: history_of(of_item) for item, of_item in sightings.items()}


def step(
    news: Mapping[ItemId, History],
    known: Mapping[ItemId, KnownItem],
    catalogue: Catalogue,
    policy: Policy,
) -> list[ItemChange]:
    """What to write: items whose history, clues or alerts change. News that is none leaves
    nothing."""
    changes: list[ItemChange] = []
    for item, new in news.items():
        before = known.get(item, UNKNOWN)
        history = merge(before.history, new)
        batch = batch_of(item, history, catalogue)
        appraisal = appraise(history, batch, policy)
        findings = assess(history, batch, policy, appraisal)
        alerts = revise(item, before.published, findings, policy.of(batch))
        clues = clues_of(item, history, batch, policy, appraisal)
        if alerts or history != before.history or clues != before.clues:
            encoded = encode_history(history)
            changes.append(ItemChange(item, before.version, encoded, alerts, clues, before.clues))
    return changes


def judge_subject(
    subject: SubjectId, known: KnownItem, clues: Sequence[Clue], policy: Policy
) -> ItemChange:
    """What to write of a batch or a scanner: always something, see `LedgerWriter.next_due`.

    The caller owes that the clues were read after what is `known`.
    """
    alerts = revise(ItemId(subject), known.published, assess_subject(clues, policy), policy)
    return ItemChange(ItemId(subject), known.version, _NO_HISTORY, alerts)


def judge_anew(items: Collection[ItemId]) -> dict[ItemId, History]:
    """The news that says nothing, for items whose batch has changed."""
    return dict.fromkeys(items, EMPTY)
