"""The pure step: (scans, what was known) → (what is known, alerts).

Both engines and the replay are shells around these functions; they ask no clock and no
database, and whatever order scans come in, the same is known in the end.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from authenticity.alert import revise
from authenticity.batch import Catalogue
from authenticity.findings import assess, batch_of
from authenticity.history import EMPTY, History, encode_history, history_of, merge
from authenticity.item import ItemId, text_id
from authenticity.policy import Policy
from authenticity.scan import Scan
from authenticity.sighting import Sighting, sight
from authenticity.verdict import Verdict
from ledger.fold import UNKNOWN, ItemChange, KnownItem


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
    """What to write: items whose history or alerts change. News that is none leaves nothing."""
    changes: list[ItemChange] = []
    for item, new in news.items():
        before = known.get(item, UNKNOWN)
        history = merge(before.history, new)
        findings = assess(history, batch_of(item, history, catalogue), policy)
        alerts = revise(item, before.published, findings, policy)
        if alerts or history != before.history:
            changes.append(ItemChange(item, before.version, encode_history(history), alerts))
    return changes


def judge_anew(items: Sequence[ItemId]) -> dict[ItemId, History]:
    """The news that says nothing, for items whose batch has changed."""
    return dict.fromkeys(items, EMPTY)
