"""The pure step: (scans, what was known) → (what is known, alerts, signals).

One scan goes through these packages in this order: it is read (`records.scan.decode_scan`),
verified (`stream.verification`), observed and merged into its item's history
(`authenticity.history`), assessed (`authenticity.detection.assess`) and written (the ledger).
The engines and the replay are shells around these functions, which ask no clock and no
database. Whatever order scans come in, the same is known in the end.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from authenticity.detection.assess import assess_entity_update, assess_item_update
from authenticity.detection.item_state import UNKNOWN, ItemChange, KnownItem
from authenticity.detection.policy import Policy
from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId, text_id
from authenticity.history.history import EMPTY, History, encode_history, history_of, merge
from authenticity.history.observation import Observation, observe
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Scan
from authenticity.trust.verdict import Verdict

_NO_HISTORY: Final = encode_history(EMPTY)


class CheckedScan(NamedTuple):
    """A scan with the verdict on its code, and the version of the trust list that gave it."""

    scan: Scan
    verdict: Verdict
    trust_version: int


def item_of_scan(scan: Scan, verdict: Verdict) -> ItemId:
    """The item whose history a scan belongs to; for text that names none, the text's own."""
    return verdict.item or text_id(scan.code)


def updates_of(checked: Iterable[CheckedScan]) -> dict[ItemId, History]:
    """For each item of these scans, the history of these scans alone."""
    observations: dict[ItemId, list[Observation]] = {}
    for scan, verdict, trust_version in checked:
        observation = observe(scan, verdict, trust_version)
        observations.setdefault(item_of_scan(scan, verdict), []).append(observation)
    return {item: history_of(of_item) for item, of_item in observations.items()}


def step(
    updates: Mapping[ItemId, History],
    known: Mapping[ItemId, KnownItem],
    batch_registry: BatchRegistry,
    policy: Policy,
) -> list[ItemChange]:
    """What to write: the items whose history, signals or alerts these updates change."""
    changes: list[ItemChange] = []
    for item, new in updates.items():
        before = known.get(item, UNKNOWN)
        history = merge(before.history, new)
        _, alerts, signals = assess_item_update(
            item, history, before.published, batch_registry, policy
        )
        if alerts or history != before.history or signals != before.signals:
            encoded = encode_history(history)
            changes.append(
                ItemChange(item, before.version, encoded, alerts, signals, before.signals)
            )
    return changes


def reassess_entity(
    entity: EntityId,
    known: KnownItem,
    signals: Sequence[Signal],
    batch_registry: BatchRegistry,
    policy: Policy,
) -> ItemChange:
    """What to write of a batch or a scanner. A change is always written, even without alerts:
    it refuses writers that read the signals earlier.

    The caller owes that the signals were read after what is `known`.
    """
    alerts = assess_entity_update(entity, signals, known.published, batch_registry, policy)
    return ItemChange(ItemId(entity), known.version, _NO_HISTORY, alerts)


def reassess(items: Collection[ItemId]) -> dict[ItemId, History]:
    """Updates without observations, for items whose batch has changed."""
    return dict.fromkeys(items, EMPTY)
