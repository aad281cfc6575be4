"""What detection costs without signatures: microseconds a scan on one core, bytes an item."""

import gc
import time
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Final, NamedTuple

from authenticity.detection.alerts import Alert
from authenticity.detection.assess import assess_item_update
from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import Policy
from authenticity.gs1.item import ItemId
from authenticity.history.history import EMPTY, History, encode_history, history_of, merge
from authenticity.history.observation import Observation, observe
from authenticity.records.batch_registry import BatchRegistry
from benchmarks.detection.dataset import Reading
from benchmarks.detection.split import scenario_of
from stream.step import CheckedScan, item_of_scan

_PACKS: Final = 4_000
_RUNS: Final = 5
_MANY: Final = 100_000
_FOLD: Final = 500


class Cost(NamedTuple):
    """Microseconds a scan on one core, and bytes of an item that was scanned 100,000 times."""

    us_per_scan: float
    bytes_of_many: int


def cost_of(seed: int, items: int, policy: Policy) -> Cost:
    """Both measured now, on this machine."""
    return Cost(us_per_scan(seed, items, policy), bytes_of_many(seed))


def us_per_scan(seed: int, items: int, policy: Policy, *, runs: int = _RUNS) -> float:
    """Median of a few runs over the scans of one world, each folded and assessed on arrival.

    From scan and verdict to history, findings, signals and alerts; the time of this thread.
    """
    reading = Reading(scenario_of(seed, items))
    traffic = reading.traffic
    packs = range(min(items, _PACKS))
    scans = [line.scan for pack in packs for line in traffic.of_pack(pack)]
    if not scans:
        return 0.0
    scans.sort(key=lambda scan: scan.received_at)
    checked = reading.verified(scans)
    batch_registry = BatchRegistry(header.batch for header in reading.headers(packs))
    gc.collect()
    gc.disable()
    try:
        times_s = [_fold(checked, batch_registry, policy) for _ in range(runs)]
    finally:
        gc.enable()
    return median(times_s) / len(scans) * 1e6


def _fold(checked: Sequence[CheckedScan], batch_registry: BatchRegistry, policy: Policy) -> float:
    histories: dict[ItemId, History] = {}
    published: dict[ItemId, dict[FindingKind, Alert]] = {}
    begun_s = time.thread_time()
    for scan, verdict, trust_version in checked:
        item = item_of_scan(scan, verdict)
        updates = history_of((observe(scan, verdict, trust_version),))
        history = merge(histories.get(item, EMPTY), updates)
        histories[item] = history
        known = published.get(item, {})
        update = assess_item_update(item, history, known, batch_registry, policy)
        if update.alerts:
            published[item] = known | {alert.kind: alert for alert in update.alerts}
    return time.thread_time() - begun_s


def bytes_of_many(seed: int, scans: int = _MANY) -> int:
    """Size of the history of one item with so many scans, all different: the most it ever was."""
    draw = Random(seed)
    history: History = EMPTY
    largest = 0
    for first in range(0, scans, _FOLD):
        some = [_random_observation(draw) for _ in range(min(_FOLD, scans - first))]
        history = merge(history, history_of(some))
        largest = max(largest, len(encode_history(history)))
    return largest


def _random_observation(draw: Random) -> Observation:
    """Of any channel, act, place and time: one in ten by a known scanner."""
    actor = draw.getrandbits(32) if draw.random() < 0.1 else 0
    return Observation(
        draw.getrandbits(64), draw.getrandbits(32), 1_767_225_600_000 + draw.randrange(10**10),
        draw.getrandbits(32), actor, draw.randrange(6), draw.randrange(9) if actor else 0,
        draw.randrange(6), draw.randrange(-900_000, 900_000), draw.randrange(-1_800_000, 1_800_000),
        draw.randrange(2_000_000), f"{chr(65 + draw.randrange(26))}{chr(65 + draw.randrange(26))}",
        f"L{draw.randrange(10**4):05d}", draw.randrange(10**6),
        0 if actor else draw.getrandbits(32), 0 if actor else draw.randrange(1, 7),
        draw.randrange(10**5), 1, draw.choice((0, 0, 0, 5)), 0, draw.randrange(256),
    )  # fmt: skip
