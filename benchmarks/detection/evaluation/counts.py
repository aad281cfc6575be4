"""The counts of a world, in a form in which the counts of several processes can be added.

Honest codes are counted, attacked ones are kept one by one: there are few of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from authenticity.gs1.item import ItemId, names_an_item
from authenticity.history.observation import SOURCES
from benchmarks.detection.dataset import Arrival, Example
from benchmarks.detection.evaluation.code_assessment import (
    AssessedCode,
    DetectorOutcome,
    SignalChange,
    is_by_owner,
)
from benchmarks.detection.evaluation.detectors import COPIED
from benchmarks.detection.evaluation.regions import region_of
from benchmarks.detection.evaluation.touchstone_detector import ACCUSING
from benchmarks.detection.evaluation.transition_rarity import Transitions


class Case(NamedTuple):
    """One attacked code that was scanned, and what the detectors made of it, in their order."""

    item: ItemId
    attack_id: str
    family: str
    copied: bool
    detectable_ms: int | None
    known_at: int | None
    item_scans: int
    outcomes: tuple[DetectorOutcome, ...]
    bad: bool
    bad_end: bool
    answered_verified: int
    answered: int


class AlertLine(NamedTuple):
    """One alert of one detector, as it is exported."""

    detector: str
    item: ItemId
    at_ms: int
    scan: int
    stands: bool
    kinds: tuple[str, ...]


@dataclass(slots=True)
class FalseAlerts:
    """Of one detector, on honest codes; `by_item_scans`: codes by their number of item scans.

    `entities` are alerts on batches and scanners that no attacked code supports; `named` are
    honest codes without an alert of their own that support an alert on their batch.
    """

    codes: int = 0
    standing: int = 0
    entities: int = 0
    named: int = 0
    by_item_scans: Counter[int] = field(default_factory=Counter)
    by_region: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_cause: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    scores: Counter[float] = field(default_factory=Counter)

    def add(self, other: "FalseAlerts") -> None:
        """Add what was counted elsewhere."""
        self.codes += other.codes
        self.standing += other.standing
        self.entities += other.entities
        self.named += other.named
        for name in ("by_item_scans", "by_region", "by_source", "by_cause", "by_kind", "scores"):
            getattr(self, name).update(getattr(other, name))


@dataclass(slots=True)
class Honest:
    """Codes that nobody attacks, and their scans: the denominators of false alert rates.

    `codes` have an item scan, and `item_scans` counts those: readings of cases would only make
    the rates smaller. `scans` counts them too. `bad` codes
    were given a bad standing at some time. `owners`: codes whose genuine pack somebody without a
    token scanned; `owners_warned`: those of whom one was told a bad standing then.
    """

    codes: int = 0
    item_scans: int = 0
    scans: int = 0
    by_item_scans: Counter[int] = field(default_factory=Counter)
    by_region: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_cause: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    bad_end: int = 0
    owners: int = 0
    owners_warned: int = 0

    def add(self, other: "Honest") -> None:
        """Add what was counted elsewhere."""
        self.codes += other.codes
        self.item_scans += other.item_scans
        self.scans += other.scans
        self.bad += other.bad
        self.bad_end += other.bad_end
        self.owners += other.owners
        self.owners_warned += other.owners_warned
        for name in ("by_item_scans", "by_region", "by_source", "by_cause"):
            getattr(self, name).update(getattr(other, name))


@dataclass(slots=True)
class WorldCounts:
    """Everything that is counted of some packs.

    `calibration` counts codes by (probability in thousandths, copied or not), in the end;
    `first_near_70` once those that ever had a probability within `NEAR_70`, at the first scan
    after which they had one: copied if that could be known by then. `replayed`
    and `differing`: codes whose history was rebuilt from shuffled, duplicated and late
    scans, and those that came out otherwise. `falsely_alerted` names honest codes that our
    detector alerted on.
    """

    detectors: tuple[str, ...]
    scans: int = 0
    honest: Honest = field(default_factory=Honest)
    false: dict[str, FalseAlerts] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    calibration: Counter[tuple[int, bool]] = field(default_factory=Counter)
    first_near_70: Counter[tuple[int, bool]] = field(default_factory=Counter)
    raised: int = 0
    retracted: int = 0
    replayed: int = 0
    differing: int = 0
    two_scan_codes: int = 0
    two_scan_bytes: int = 0
    signal_changes: list[SignalChange] = field(default_factory=list)
    falsely_alerted: set[ItemId] = field(default_factory=set)
    transitions: Transitions = field(default_factory=Transitions)
    alerts: list[AlertLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.false = {name: FalseAlerts() for name in self.detectors}

    def note(self, example: Example, assessed: AssessedCode, *, keep_alerts: bool = False) -> None:
        """Count one code."""
        self.scans += len(example.arrivals)
        self.signal_changes += assessed.answers.signal_changes
        mine = assessed.outcomes[0]
        if mine.first is not None:
            self.raised += 1
            self.retracted += not mine.stands
        if assessed.answers.probability is not None:
            self.calibration[round(assessed.answers.probability * 1000), example.copied] += 1
        if assessed.answers.first_near_70 is not None:
            self.first_near_70[assessed.answers.first_near_70] += 1
        if keep_alerts:
            self.alerts += _alert_lines(example, assessed, self.detectors)
        if example.attack is not None:
            self.cases.append(_case(example, assessed))
        elif not is_out_of_place(example):
            self._note_honest(example, assessed)

    def add(self, other: "WorldCounts") -> None:
        """Add what was counted elsewhere."""
        self.honest.add(other.honest)
        for name, alerts in other.false.items():
            self.false.setdefault(name, FalseAlerts()).add(alerts)
        for name in (
            "scans", "raised", "retracted", "replayed", "differing",
            "two_scan_codes", "two_scan_bytes",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.cases += other.cases
        self.calibration.update(other.calibration)
        self.first_near_70.update(other.first_near_70)
        self.signal_changes += other.signal_changes
        self.falsely_alerted |= other.falsely_alerted
        self.transitions.add(other.transitions)
        self.alerts += other.alerts

    def _note_honest(self, example: Example, assessed: AssessedCode) -> None:
        honest, item_scans = self.honest, example.item_scans
        honest.codes += item_scans > 0
        honest.item_scans += item_scans
        honest.scans += len(example.arrivals)
        honest.by_item_scans[item_scans] += 1
        for arrival in example.arrivals:
            if not arrival.is_item_scan:
                continue
            honest.by_region[region_of(arrival.truth.true_country)] += 1
            honest.by_source[_source(arrival)] += 1
            honest.by_cause.update(_causes((arrival,)))
        if names_an_item(example.item):
            honest.bad += assessed.answers.bad
            honest.bad_end += assessed.answers.bad_end
            honest.owners += any(map(is_by_owner, example.arrivals))
            honest.owners_warned += assessed.answers.warned
        for name, outcome in zip(self.detectors, assessed.outcomes, strict=True):
            alerts = self.false[name]
            if outcome.score is not None:
                alerts.scores[float(f"{outcome.score:.4g}")] += 1
            alerts.by_kind.update(outcome.kinds)
            if outcome.first is not None:
                _note_false(alerts, example, outcome.first, outcome.stands)
        if assessed.outcomes[0].first is not None:
            self.falsely_alerted.add(example.item)


def added(parts: Iterable[WorldCounts], detectors: Sequence[str]) -> WorldCounts:
    """All of them as one."""
    total = WorldCounts(tuple(detectors))
    for counts in parts:
        total.add(counts)
    return total


def _note_false(alerts: FalseAlerts, example: Example, first: int, stands: bool) -> None:
    trigger = example.arrivals[min(first, len(example.arrivals) - 1)]
    alerts.codes += 1
    alerts.standing += stands
    alerts.by_item_scans[example.item_scans] += 1
    alerts.by_region[region_of(trigger.truth.true_country)] += 1
    alerts.by_source[_source(trigger)] += 1
    alerts.by_cause.update(_causes(example.arrivals[: first + 1]))


def _causes(arrivals: Sequence[Arrival]) -> set[str]:
    """The behaviours and kinds of noise among these scans, each once."""
    causes = {arrival.truth.behaviour for arrival in arrivals}
    return causes.union(*(arrival.truth.noise for arrival in arrivals))


def _source(arrival: Arrival) -> str:
    return SOURCES[arrival.observation.source] or "no place"


def is_out_of_place(example: Example) -> bool:
    """Whether a scanner mangled an attacked code: such scans are neither the code's nor honest."""
    return any(arrival.truth.attack is not None for arrival in example.arrivals)


def _case(example: Example, assessed: AssessedCode) -> Case:
    known_ms = example.detectable_ms
    known_at = None
    if known_ms is not None:
        times = (arrival.received_ms for arrival in example.arrivals)
        known_at = next((number for number, at in enumerate(times) if at >= known_ms), None)
    assert example.attack is not None
    assert example.attack_id is not None
    return Case(
        example.item,
        example.attack_id,
        str(example.attack),
        example.copied,
        known_ms,
        known_at,
        example.item_scans,
        assessed.outcomes,
        assessed.answers.bad,
        assessed.answers.bad_end,
        assessed.answers.answered_verified,
        assessed.answers.answered,
    )


def _alert_lines(
    example: Example, assessed: AssessedCode, detectors: Sequence[str]
) -> Iterable[AlertLine]:
    """Alerts of every kind for the product's own families of findings, `copied` for rules."""
    for name, outcome in zip(detectors, assessed.outcomes, strict=True):
        if outcome.first is not None and outcome.first_ms is not None:
            kinds = tuple(sorted(outcome.kinds & (ACCUSING | {COPIED}) or outcome.kinds))
            at, stands = outcome.first_ms, outcome.stands
            yield AlertLine(name, example.item, at, outcome.first, stands, kinds)
