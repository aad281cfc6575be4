"""Runs all detectors over worlds: simulated, assessed and counted some batches at a time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from zlib import crc32

from authenticity.detection.policy import Policy
from authenticity.history.history import History, encode_history
from benchmarks.detection.dataset import Example, Reading, chunks_of, map_packs
from benchmarks.detection.evaluation.baseline_rules import RULES
from benchmarks.detection.evaluation.code_assessment import assess_code
from benchmarks.detection.evaluation.counts import WorldCounts
from benchmarks.detection.evaluation.detectors import Detector, Oracle
from benchmarks.detection.evaluation.entity_alerts import EntityAlert, entity_alerts
from benchmarks.detection.evaluation.replay_check import differs
from benchmarks.detection.evaluation.touchstone_detector import TouchstoneDetector
from benchmarks.detection.evaluation.transition_rarity import (
    NEVER,
    Transitions,
    best_threshold,
    transition_rarity,
)
from benchmarks.detection.split import Seeds, scenario_of
from simulation.ceiling import AttackRecord
from simulation.traffic import Traffic

RARITY: Final = "transition rarity"
ORACLE: Final = Oracle.name
OURS: Final = TouchstoneDetector.name
CAMPAIGN: Final = "touchstone + campaign"
DETECTORS: Final = (OURS, *(rule.name for rule in RULES), RARITY, ORACLE)
"""The detectors that assess one code at a time."""
_REPLAYED_SHARE: Final = 4
"""Of the codes scanned twice or more, one in so many is rebuilt in other ways."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned on the seeds to fit, and the threshold chosen on those to validate."""

    transitions: Transitions = field(default_factory=Transitions)
    threshold: float = NEVER


@dataclass(slots=True)
class WorldResult:
    """One seed. `attacks` are all that were launched, whether they left a scan or not."""

    seed: int
    items: int
    counts: WorldCounts
    entities: list[EntityAlert]
    attacks: list[AttackRecord]


def run_world(
    seed: int,
    items: int,
    learned: Learned,
    policy: Policy,
    *,
    workers: int | None = None,
    keep_alerts: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> WorldResult:
    """Run one seed. `progress` is called with packs done since the last."""
    scenario = scenario_of(seed, items)
    work = partial(_counts_of, policy=policy, learned=learned, keep_alerts=keep_alerts)
    total = WorldCounts(DETECTORS)
    chunks = chunks_of(scenario)
    for counts in map_packs(work, scenario, workers=workers):
        total.add(counts)
        progress(len(next(chunks)))
    entities = entity_alerts(total.signal_changes, policy)
    total.signal_changes.clear()
    return WorldResult(seed, items, total, entities, list(Traffic(scenario).attacks()))


def run_seeds(
    seeds: Seeds,
    items: int,
    policy: Policy,
    *,
    workers: int | None = None,
    keep: Callable[[WorldResult], None] | None = None,
    progress: Callable[[int, int], None] = lambda _seed, _packs: None,
) -> dict[int, WorldResult]:
    """All seeds, in the order fit, validate, test: the rarity table is learned on the first,
    its threshold on the second. `keep` is given each world's alerts before they are dropped."""
    results: dict[int, WorldResult] = {}
    learned = Learned()
    for part in (seeds.fit, seeds.validate, seeds.test):
        for seed in part:
            results[seed] = run_world(
                seed,
                items,
                learned,
                policy,
                workers=workers,
                keep_alerts=keep is not None,
                progress=partial(progress, seed),
            )
            if keep is not None:
                keep(results[seed])
                results[seed].counts.alerts.clear()
        learned = _learned([results[seed].counts for seed in part], learned, part == seeds.fit)
    return results


def _learned(parts: Sequence[WorldCounts], learned: Learned, is_fit: bool) -> Learned:
    if is_fit:
        transitions = Transitions()
        for counts in parts:
            transitions.add(counts.transitions)
            counts.transitions = Transitions()
        return Learned(transitions)
    if learned.threshold != NEVER:
        return learned
    honest: Counter[float] = Counter()
    copied: Counter[float] = Counter()
    place = DETECTORS.index(RARITY)
    for counts in parts:
        honest.update(counts.false[RARITY].scores)
        scores = (case.outcomes[place].score for case in counts.cases if case.copied)
        copied.update(float(f"{score:.4g}") for score in scores if score is not None)
    return Learned(learned.transitions, best_threshold(honest, copied))


def other_detectors(learned: Learned) -> tuple[Detector, ...]:
    """All but ours, in the order of `DETECTORS`."""
    return (*RULES, transition_rarity(learned.transitions, learned.threshold), Oracle())


def _counts_of(
    reading: Reading, packs: range, *, policy: Policy, learned: Learned, keep_alerts: bool
) -> WorldCounts:
    counts = WorldCounts(DETECTORS)
    ours, others = TouchstoneDetector(policy), other_detectors(learned)
    learning = not learned.transitions.counts
    for example in reading.of_packs(packs):
        assessed = assess_code(example, ours, others)
        counts.note(example, assessed, keep_alerts=keep_alerts)
        if len(example.arrivals) > 1:
            _note_state(counts, example, assessed.answers.history, policy)
            if learning:
                counts.transitions.learn(arrival.observation for arrival in example.arrivals)
    return counts


def _note_state(counts: WorldCounts, example: Example, history: History, policy: Policy) -> None:
    if len(history.observations) == 2 == len(example.arrivals):
        counts.two_scan_codes += 1
        counts.two_scan_bytes += len(encode_history(history))
    if crc32(example.item.encode()) % _REPLAYED_SHARE == 0:
        counts.replayed += 1
        counts.differing += differs(example, history, policy)
