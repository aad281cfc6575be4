"""One code before all detectors: who spoke when, and what it was worth."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from authenticity.detection.caller_assessment import CallerAssessment
from authenticity.detection.signals import Signal
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from benchmarks.detection.dataset import Example
from benchmarks.detection.evaluation.contenders import COPIED, NOTHING, Contender, Watch
from benchmarks.detection.evaluation.ours import ACCUSING, Ours, OurWatch
from simulation.score import SIGNS
from simulation.truth import Thing


class Spoken(NamedTuple):
    """What one detector did on one code, in the kinds of alert that are to the point.

    `first` and `known` are numbers of arrivals, from 0 (one more than the last: a header
    that arrived after it): of the first alert at all, and of the first that stood once the
    attack could be known. `stands`: in the end. `kinds` is everything that it ever said.
    `score`: in the end; of an honest code the highest that it ever had.
    """

    first: int | None
    first_ms: int | None
    known: int | None
    known_ms: int | None
    stands: bool
    kinds: frozenset[str]
    score: float | None


SILENT: Final = Spoken(None, None, None, None, False, NOTHING, None)


class ClueChange(NamedTuple):
    """From `at_ms` on these are the signals of the item."""

    at_ms: int
    item: ItemId
    signals: tuple[Signal, ...]


class Asked(NamedTuple):
    """What only the product has to say of one code.

    `bad`: it was ever given a bad standing; `bad_end`: and has it in the end.
    `told_verified` and `told` are arrivals of a false pack after the attack could be known:
    those told "verified, not scanned before", and all. `history`: of the code, in the end.
    """

    bad: bool
    bad_end: bool
    probability: float | None
    told_verified: int
    told: int
    signal_changes: tuple[ClueChange, ...]
    history: History


class AssessedCode(NamedTuple):
    """All detectors on one code, in their order, and the product's answers."""

    spoken: tuple[Spoken, ...]
    asked: Asked


def relevant_kinds(example: Example) -> frozenset[str]:
    """Which alerts are to the point: that name the attack, or for an honest code any that
    accuses it."""
    if example.attack is None:
        return ACCUSING | {COPIED}
    return frozenset(map(str, SIGNS[example.attack])) | {COPIED}


def judge(example: Example, ours: Ours, others: Sequence[Contender]) -> AssessedCode:
    """Ours first, then the others in their order."""
    relevant = relevant_kinds(example)
    watch = ours.watch(example)
    spoken, asked = _watched(example, watch, relevant)
    if len(example.arrivals) == 1 and example.detectable_ms is None:
        words = [SILENT] * len(others)  # no rule speaks at a first scan
    else:
        words = [_spoken(example, other.watch(example), relevant) for other in others]
    return AssessedCode((spoken, *words), asked)


def _spoken(example: Example, watch: Watch, relevant: frozenset[str]) -> Spoken:
    record = _Record(example.detectable_ms, relevant)
    for number, arrival in enumerate(example.arrivals):
        record.note(number, arrival.received_ms, watch.see(arrival))
    return record.spoken(watch.score)


def is_verified(looked: CallerAssessment) -> bool:
    """Whether the words are "Genuine code from …. Not scanned before."; not if its maker has
    yet to register the batch, which is said instead."""
    return looked.standing is Standing.VERIFIED and not looked.unregistered


def _watched(example: Example, watch: OurWatch, relevant: frozenset[str]) -> tuple[Spoken, Asked]:
    record = _Record(example.detectable_ms, relevant)
    bad, told_verified, told = False, 0, 0
    changes: list[ClueChange] = []
    signals: tuple[Signal, ...] = ()
    known_ms = example.detectable_ms

    def note_clues(at_ms: int) -> None:
        nonlocal signals
        if watch.signals != signals:
            signals = watch.signals
            changes.append(ClueChange(at_ms, example.item, signals))

    for number, arrival in enumerate(example.arrivals):
        is_known = known_ms is not None and arrival.received_ms >= known_ms
        if is_known and arrival.is_look and arrival.truth.thing is Thing.FAKE:
            looked = watch.told(arrival)
            told += looked is not None
            told_verified += looked is not None and is_verified(looked)
        record.note(number, arrival.received_ms, watch.see(arrival))
        bad = bad or watch.is_bad
        note_clues(arrival.received_ms)
    header_ms, kinds = watch.finish()
    if header_ms is not None:
        record.note(len(example.arrivals), header_ms, kinds)
        bad = bad or watch.is_bad
        note_clues(header_ms)
    asked = Asked(
        bad, watch.is_bad, watch.probability, told_verified, told, tuple(changes), watch.history
    )
    score = watch.peak if example.attack is None else watch.score
    return record.spoken(score), asked


class _Record:
    def __init__(self, detectable_ms: int | None, relevant: frozenset[str]) -> None:
        self._detectable_ms = detectable_ms
        self._relevant = relevant
        self._kinds: frozenset[str] = NOTHING
        self._last: Collection[str] = NOTHING
        self._stands = False
        self._first: tuple[int, int] | None = None
        self._known: tuple[int, int] | None = None

    def note(self, number: int, at_ms: int, kinds: Collection[str]) -> None:
        if kinds is not self._last:
            self._last = kinds
            self._kinds |= frozenset(kinds)
            self._stands = bool(self._relevant.intersection(kinds))
        if self._stands:
            self._first = self._first or (number, at_ms)
            if self._detectable_ms is not None and at_ms >= self._detectable_ms:
                self._known = self._known or (number, at_ms)

    def spoken(self, score: float | None) -> Spoken:
        first, first_ms = self._first or (None, None)
        known, known_ms = self._known or (None, None)
        return Spoken(first, first_ms, known, known_ms, self._stands, self._kinds, score)
