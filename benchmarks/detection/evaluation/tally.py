"""What is counted of a world, so that counts from several processes can be added.

Honest codes are counted, attacked ones are kept one by one: there are few of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from authenticity.gs1.item import ItemId, names_an_item
from authenticity.history.observation import SOURCES
from benchmarks.detection.dataset import Arrival, Example
from benchmarks.detection.evaluation.contenders import COPIED
from benchmarks.detection.evaluation.judging import AssessedCode, ClueChange, Spoken
from benchmarks.detection.evaluation.ours import ACCUSING
from benchmarks.detection.evaluation.rarity import Transitions
from benchmarks.detection.evaluation.regions import region_of


class Case(NamedTuple):
    """One attacked code that was scanned, and what the detectors made of it, in their order."""

    item: ItemId
    attack_id: str
    family: str
    copied: bool
    detectable_ms: int | None
    known_at: int | None
    looks: int
    spoken: tuple[Spoken, ...]
    bad: bool
    bad_end: bool
    told_verified: int
    told: int


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
    """Of one detector, on honest codes; `by_looks`: codes by how often they were looked at.

    `subjects` are alerts on batches and scanners that no attacked code speaks for; `named`
    honest codes that are not alerted on themselves, but speak for an alert on their batch.
    """

    codes: int = 0
    standing: int = 0
    subjects: int = 0
    named: int = 0
    by_looks: Counter[int] = field(default_factory=Counter)
    by_region: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_cause: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    scores: Counter[float] = field(default_factory=Counter)

    def add(self, other: "FalseAlerts") -> None:
        """Add what was counted elsewhere."""
        self.codes += other.codes
        self.standing += other.standing
        self.subjects += other.subjects
        self.named += other.named
        for name in ("by_looks", "by_region", "by_source", "by_cause", "by_kind", "scores"):
            getattr(self, name).update(getattr(other, name))


@dataclass(slots=True)
class Honest:
    """Codes that nobody attacks, and their looks: what false alerts are shares of.

    `codes` were looked at outside the maker's own chain, and `looks` are those looks:
    readings of cases would only make the shares smaller. `scans` counts them too. `bad` codes
    were given a bad standing at some time.
    """

    codes: int = 0
    looks: int = 0
    scans: int = 0
    by_looks: Counter[int] = field(default_factory=Counter)
    by_region: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_cause: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    bad_end: int = 0

    def add(self, other: "Honest") -> None:
        """Add what was counted elsewhere."""
        self.codes += other.codes
        self.looks += other.looks
        self.scans += other.scans
        self.bad += other.bad
        self.bad_end += other.bad_end
        for name in ("by_looks", "by_region", "by_source", "by_cause"):
            getattr(self, name).update(getattr(other, name))


@dataclass(slots=True)
class Tally:
    """Everything that is counted of some packs.

    `calibration` counts codes by (probability in thousandths, copied or not). `replayed`
    and `differing`: codes whose history was rebuilt from shuffled, duplicated and late
    scans, and those that came out otherwise. `falsely` names honest codes that our
    detector alerted on.
    """

    detectors: tuple[str, ...]
    scans: int = 0
    honest: Honest = field(default_factory=Honest)
    false: dict[str, FalseAlerts] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    calibration: Counter[tuple[int, bool]] = field(default_factory=Counter)
    raised: int = 0
    retracted: int = 0
    replayed: int = 0
    differing: int = 0
    two_scan_codes: int = 0
    two_scan_bytes: int = 0
    signal_changes: list[ClueChange] = field(default_factory=list)
    falsely: set[ItemId] = field(default_factory=set)
    transitions: Transitions = field(default_factory=Transitions)
    alerts: list[AlertLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.false = {name: FalseAlerts() for name in self.detectors}

    def note(self, example: Example, judged: AssessedCode, *, keep_alerts: bool = False) -> None:
        """Count one code."""
        self.scans += len(example.arrivals)
        self.signal_changes += judged.asked.signal_changes
        mine = judged.spoken[0]
        if mine.first is not None:
            self.raised += 1
            self.retracted += not mine.stands
        if judged.asked.probability is not None:
            self.calibration[round(judged.asked.probability * 1000), example.copied] += 1
        if keep_alerts:
            self.alerts += _alert_lines(example, judged, self.detectors)
        if example.attack is not None:
            self.cases.append(_case(example, judged))
        elif not _is_astray(example):
            self._note_honest(example, judged)

    def add(self, other: "Tally") -> None:
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
        self.signal_changes += other.signal_changes
        self.falsely |= other.falsely
        self.transitions.add(other.transitions)
        self.alerts += other.alerts

    def _note_honest(self, example: Example, judged: AssessedCode) -> None:
        honest, looks = self.honest, example.looks
        honest.codes += looks > 0
        honest.looks += looks
        honest.scans += len(example.arrivals)
        honest.by_looks[looks] += 1
        for arrival in example.arrivals:
            if not arrival.is_look:
                continue
            honest.by_region[region_of(arrival.truth.true_country)] += 1
            honest.by_source[_source(arrival)] += 1
            honest.by_cause.update(_causes((arrival,)))
        if names_an_item(example.item):
            honest.bad += judged.asked.bad
            honest.bad_end += judged.asked.bad_end
        for name, spoken in zip(self.detectors, judged.spoken, strict=True):
            alerts = self.false[name]
            if spoken.score is not None:
                alerts.scores[float(f"{spoken.score:.4g}")] += 1
            alerts.by_kind.update(spoken.kinds)
            if spoken.first is not None:
                _note_false(alerts, example, spoken.first, spoken.stands)
        if judged.spoken[0].first is not None:
            self.falsely.add(example.item)


def added(tallies: Iterable[Tally], detectors: Sequence[str]) -> Tally:
    """All of them as one."""
    total = Tally(tuple(detectors))
    for tally in tallies:
        total.add(tally)
    return total


def _note_false(alerts: FalseAlerts, example: Example, first: int, stands: bool) -> None:
    trigger = example.arrivals[min(first, len(example.arrivals) - 1)]
    alerts.codes += 1
    alerts.standing += stands
    alerts.by_looks[example.looks] += 1
    alerts.by_region[region_of(trigger.truth.true_country)] += 1
    alerts.by_source[_source(trigger)] += 1
    alerts.by_cause.update(_causes(example.arrivals[: first + 1]))


def _causes(arrivals: Sequence[Arrival]) -> set[str]:
    """The behaviours and kinds of noise among these scans, each once."""
    causes = {arrival.truth.behaviour for arrival in arrivals}
    return causes.union(*(arrival.truth.noise for arrival in arrivals))


def _source(arrival: Arrival) -> str:
    return SOURCES[arrival.observation.source] or "no place"


def _is_astray(example: Example) -> bool:
    """Scans of an attacked code that a scanner mangled: neither the code's nor honest."""
    return any(arrival.truth.attack is not None for arrival in example.arrivals)


def _case(example: Example, judged: AssessedCode) -> Case:
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
        example.looks,
        judged.spoken,
        judged.asked.bad,
        judged.asked.bad_end,
        judged.asked.told_verified,
        judged.asked.told,
    )


def _alert_lines(
    example: Example, judged: AssessedCode, detectors: Sequence[str]
) -> Iterable[AlertLine]:
    """Alerts of every kind for the product's own families of findings, `copied` for rules."""
    for name, spoken in zip(detectors, judged.spoken, strict=True):
        if spoken.first is not None and spoken.first_ms is not None:
            kinds = tuple(sorted(spoken.kinds & (ACCUSING | {COPIED}) or spoken.kinds))
            at, stands = spoken.first_ms, spoken.stands
            yield AlertLine(name, example.item, at, spoken.first, stands, kinds)
