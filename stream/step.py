"""The pure step: (scans, what was known) → (what is known, alerts).

Both engines and the replay are shells around these functions; they ask no clock and no
database, and whatever order scans come in, the same is known in the end.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from authenticity.detection.alerts import revise
from authenticity.detection.assess import appraise, assess, batch_of
from authenticity.detection.policy import Policy
from authenticity.detection.signals import Signal, assess_entity, signals_of
from authenticity.gs1.item import EntityId, ItemId, text_id
from authenticity.history.history import EMPTY, History, encode_history, history_of, merge
from authenticity.history.observation import Observation, observe
from authenticity.records.batch import BatchRegistry
from authenticity.records.scan import Scan
from authenticity.trust.verdict import Verdict
from ledger.protocols import UNKNOWN, ItemChange, KnownItem

_NO_HISTORY: Final = encode_history(EMPTY)


class CheckedScan(NamedTuple):
    """A scan with the verdict on its code, and the trust list that gave it."""

    scan: Scan
    verdict: Verdict
    trust_version: int


def item_of_scan(scan: Scan, verdict: Verdict) -> ItemId:
    """The item whose history a scan belongs to; for text that names none, the text's own."""
    return verdict.item or text_id(scan.code)


def updates_of(judged: Iterable[CheckedScan]) -> dict[ItemId, History]:
    """What these scans say of each item, for itself."""
    observations: dict[ItemId, list[Observation]] = {}
    for scan, verdict, trust_version in judged:
        observation = observe(scan, verdict, trust_version)
        observations.setdefault(item_of_scan(scan, verdict), []).append(observation)
    return {item: history_of(of_item) for item, of_item in observations.items()}


def step(
    updates: Mapping[ItemId, History],
    known: Mapping[ItemId, KnownItem],
    batch_registry: BatchRegistry,
    policy: Policy,
) -> list[ItemChange]:
    """What to write: items whose history, signals or alerts change. News that is none leaves
    nothing."""
    changes: list[ItemChange] = []
    for item, new in updates.items():
        before = known.get(item, UNKNOWN)
        history = merge(before.history, new)
        batch = batch_of(item, history, batch_registry)
        appraisal = appraise(history, batch, policy)
        findings = assess(history, batch, policy, appraisal)
        alerts = revise(item, before.published, findings, policy.of(batch))
        signals = signals_of(item, history, batch, policy, appraisal)
        if alerts or history != before.history or signals != before.signals:
            encoded = encode_history(history)
            changes.append(
                ItemChange(item, before.version, encoded, alerts, signals, before.signals)
            )
    return changes


def reassess_entity(
    subject: EntityId, known: KnownItem, signals: Sequence[Signal], policy: Policy
) -> ItemChange:
    """What to write of a batch or a scanner: always something, see `LedgerWriter.next_pending`.

    The caller owes that the signals were read after what is `known`.
    """
    alerts = revise(ItemId(subject), known.published, assess_entity(signals, policy), policy)
    return ItemChange(ItemId(subject), known.version, _NO_HISTORY, alerts)


def reassess(items: Collection[ItemId]) -> dict[ItemId, History]:
    """The news that says nothing, for items whose batch has changed."""
    return dict.fromkeys(items, EMPTY)
