"""One world before all detectors: simulated, judged and counted some batches at a time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from zlib import crc32

from authenticity.detection.policy import Policy
from authenticity.history.history import History, encode_history
from benchmarks.detection.dataset import Example, Reading, chunks_of, worked
from benchmarks.detection.evaluation.contenders import Contender, Oracle
from benchmarks.detection.evaluation.entities import SubjectAlert, subject_alerts
from benchmarks.detection.evaluation.judging import judge
from benchmarks.detection.evaluation.ours import Ours
from benchmarks.detection.evaluation.rarity import (
    NEVER,
    Transitions,
    best_threshold,
    transition_rarity,
)
from benchmarks.detection.evaluation.replays import differs
from benchmarks.detection.evaluation.rules import RULES
from benchmarks.detection.evaluation.tally import Tally
from benchmarks.detection.split import Seeds, scenario_of
from simulation.ceiling import AttackRecord
from simulation.traffic import Traffic

RARITY: Final = "transition rarity"
ORACLE: Final = Oracle.name
OURS: Final = Ours.name
CAMPAIGN: Final = "touchstone + campaign"
DETECTORS: Final = (OURS, *(rule.name for rule in RULES), RARITY, ORACLE)
"""Those that look at one code at a time."""
_REPLAYED_SHARE: Final = 4
"""Of the codes scanned twice or more, one in so many is rebuilt in other ways."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned before: on the seeds to fit, and on those to validate."""

    transitions: Transitions = field(default_factory=Transitions)
    threshold: float = NEVER


@dataclass(slots=True)
class WorldResult:
    """One seed. `attacks` are all that were launched, whether they left a scan or not."""

    seed: int
    items: int
    tally: Tally
    subjects: list[SubjectAlert]
    attacks: list[AttackRecord]


def run_world(
    seed: int,
    items: int,
    lesson: Lesson,
    policy: Policy,
    *,
    workers: int | None = None,
    keep_alerts: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> WorldResult:
    """Everything that one seed gives. `progress` is called with packs done since the last."""
    scenario = scenario_of(seed, items)
    work = partial(_tally_of, policy=policy, lesson=lesson, keep_alerts=keep_alerts)
    total = Tally(DETECTORS)
    chunks = chunks_of(scenario)
    for tally in worked(work, scenario, workers=workers):
        total.add(tally)
        progress(len(next(chunks)))
    subjects = subject_alerts(total.signal_changes, policy)
    total.signal_changes.clear()
    return WorldResult(seed, items, total, subjects, list(Traffic(scenario).attacks()))


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
    lesson = Lesson()
    for part in (seeds.fit, seeds.validate, seeds.test):
        for seed in part:
            results[seed] = run_world(
                seed,
                items,
                lesson,
                policy,
                workers=workers,
                keep_alerts=keep is not None,
                progress=partial(progress, seed),
            )
            if keep is not None:
                keep(results[seed])
                results[seed].tally.alerts.clear()
        lesson = _learned([results[seed].tally for seed in part], lesson, part == seeds.fit)
    return results


def _learned(tallies: Sequence[Tally], lesson: Lesson, is_fit: bool) -> Lesson:
    if is_fit:
        transitions = Transitions()
        for tally in tallies:
            transitions.add(tally.transitions)
            tally.transitions = Transitions()
        return Lesson(transitions)
    if lesson.threshold != NEVER:
        return lesson
    honest: Counter[float] = Counter()
    copied: Counter[float] = Counter()
    place = DETECTORS.index(RARITY)
    for tally in tallies:
        honest.update(tally.false[RARITY].scores)
        scores = (case.spoken[place].score for case in tally.cases if case.copied)
        copied.update(float(f"{score:.4g}") for score in scores if score is not None)
    return Lesson(lesson.transitions, best_threshold(honest, copied))


def contenders(lesson: Lesson) -> tuple[Contender, ...]:
    """All but ours, in the order of `DETECTORS`."""
    return (*RULES, transition_rarity(lesson.transitions, lesson.threshold), Oracle())


def _tally_of(
    reading: Reading, packs: range, *, policy: Policy, lesson: Lesson, keep_alerts: bool
) -> Tally:
    tally = Tally(DETECTORS)
    ours, others = Ours(policy), contenders(lesson)
    learning = not lesson.transitions.counts
    for example in reading.of_packs(packs):
        judged = judge(example, ours, others)
        tally.note(example, judged, keep_alerts=keep_alerts)
        if len(example.arrivals) > 1:
            _note_state(tally, example, judged.asked.history, policy)
            if learning:
                tally.transitions.learn(arrival.observation for arrival in example.arrivals)
    return tally


def _note_state(tally: Tally, example: Example, history: History, policy: Policy) -> None:
    if len(history.observations) == 2 == len(example.arrivals):
        tally.two_scan_codes += 1
        tally.two_scan_bytes += len(encode_history(history))
    if crc32(example.item.encode()) % _REPLAYED_SHARE == 0:
        tally.replayed += 1
        tally.differing += differs(example, history, policy)
