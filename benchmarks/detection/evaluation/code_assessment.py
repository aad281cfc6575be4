"""One code before all detectors: which detector alerted, when, and whether the alert stands."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from authenticity.detection.caller_assessment import CallerAssessment
from authenticity.detection.signals import Signal
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from authenticity.records.scan import PUBLIC_PAGE
from benchmarks.detection.dataset import Arrival, Example
from benchmarks.detection.evaluation.curves import NEAR_70
from benchmarks.detection.evaluation.detectors import COPIED, NO_KINDS, CodeMonitor, Detector
from benchmarks.detection.evaluation.touchstone_detector import (
    ACCUSING,
    TouchstoneDetector,
    TouchstoneMonitor,
)
from simulation.score import EVIDENCE_KINDS
from simulation.truth import Thing


class DetectorOutcome(NamedTuple):
    """What one detector did on one code, counting the relevant kinds of alert alone.

    `first` and `known` number arrivals from 0; a batch header that arrived after the last scan
    has the number after it. `first` is the first alert, `known` the first that stood once the
    attack was detectable. `stands`: an alert stands in the end. `kinds`: all kinds ever raised,
    relevant or not. `score`: the last one; of an honest code the highest.
    """

    first: int | None
    first_ms: int | None
    known: int | None
    known_ms: int | None
    stands: bool
    kinds: frozenset[str]
    score: float | None


SILENT: Final = DetectorOutcome(None, None, None, None, False, NO_KINDS, None)


class SignalChange(NamedTuple):
    """The signals of an item from `at_ms` on."""

    at_ms: int
    item: ItemId
    signals: tuple[Signal, ...]


class ProductAnswers(NamedTuple):
    """What the product alone answers about one code.

    `bad`: it had a bad standing at some time; `bad_end`: it has one in the end. `warned`: an
    anonymous scan of the genuine pack was told one. `answered`
    counts item scans of a false pack after the attack was detectable, `answered_verified` those
    of them that were told "verified, not scanned before". `history`: the code's, in the end.
    `first_near_70`: the first probability within `NEAR_70`, in thousandths, and whether the code
    could be known to be copied by then; None if it never had one.
    """

    bad: bool
    bad_end: bool
    warned: bool
    probability: float | None
    answered_verified: int
    answered: int
    signal_changes: tuple[SignalChange, ...]
    history: History
    first_near_70: tuple[int, bool] | None = None


class AssessedCode(NamedTuple):
    """The outcome of every detector on one code, in their order, and the product's answers."""

    outcomes: tuple[DetectorOutcome, ...]
    answers: ProductAnswers


def relevant_kinds(example: Example) -> frozenset[str]:
    """The kinds of alert that name the attack; of an honest code, those that accuse it."""
    if example.attack is None:
        return ACCUSING | {COPIED}
    return frozenset(map(str, EVIDENCE_KINDS[example.attack])) | {COPIED}


def assess_code(
    example: Example, ours: TouchstoneDetector, others: Sequence[Detector]
) -> AssessedCode:
    """The outcomes of `ours` first, then of the others in their order."""
    relevant = relevant_kinds(example)
    outcome, answers = _product_outcome(example, ours.watch(example), relevant)
    if len(example.arrivals) == 1 and example.detectable_ms is None:
        rest = [SILENT] * len(others)  # no rule alerts at a first scan
    else:
        rest = [_outcome(example, other.watch(example), relevant) for other in others]
    return AssessedCode((outcome, *rest), answers)


def _outcome(example: Example, monitor: CodeMonitor, relevant: frozenset[str]) -> DetectorOutcome:
    record = _AlertRecord(example.detectable_ms, relevant)
    for number, arrival in enumerate(example.arrivals):
        record.note(number, arrival.received_ms, monitor.see(arrival))
    return record.outcome(monitor.score)


def is_by_owner(arrival: Arrival) -> bool:
    """Whether somebody without a token scanned the genuine pack itself."""
    truth = arrival.truth
    return truth.thing is Thing.PACK and truth.publisher == PUBLIC_PAGE


def is_verified(assessment: CallerAssessment) -> bool:
    """Whether the caller reads "Genuine code from …. Not scanned before."

    False if the maker has yet to register the batch: the caller is told that instead.
    """
    return assessment.standing is Standing.VERIFIED and not assessment.unregistered


def _product_outcome(
    example: Example, monitor: TouchstoneMonitor, relevant: frozenset[str]
) -> tuple[DetectorOutcome, ProductAnswers]:
    """Each false pack's caller is answered before the scan is folded, as in service."""
    record = _AlertRecord(example.detectable_ms, relevant)
    signals = _SignalLog(example.item)
    bad, warned, answered_verified, answered = False, False, 0, 0
    known_ms = example.detectable_ms
    near_70: tuple[int, bool] | None = None
    for number, arrival in enumerate(example.arrivals):
        is_known = known_ms is not None and arrival.received_ms >= known_ms
        if is_known and arrival.is_item_scan and arrival.truth.thing is Thing.FAKE:
            assessment = monitor.answer_to(arrival)
            answered += assessment is not None
            answered_verified += assessment is not None and is_verified(assessment)
        record.note(number, arrival.received_ms, monitor.see(arrival))
        bad = bad or monitor.is_bad
        warned = warned or (monitor.is_bad and is_by_owner(arrival))
        signals.note(arrival.received_ms, monitor.signals)
        near_70 = near_70 or _near_70(monitor.probability, example.copied and is_known)
    header_ms, kinds = monitor.finish()
    if header_ms is not None:
        record.note(len(example.arrivals), header_ms, kinds)
        bad = bad or monitor.is_bad
        signals.note(header_ms, monitor.signals)
    answers = ProductAnswers(
        bad, monitor.is_bad, warned, monitor.probability, answered_verified, answered,
        tuple(signals.changes), monitor.history, near_70,
    )  # fmt: skip
    score = monitor.peak if example.attack is None else monitor.score
    return record.outcome(score), answers


def _near_70(probability: float | None, is_copied: bool) -> tuple[int, bool] | None:
    if probability is None:
        return None
    least, most = NEAR_70
    thousandths = round(probability * 1000)
    return (thousandths, is_copied) if least <= thousandths <= most else None


class _SignalLog:
    """The changes of one item's signals."""

    def __init__(self, item: ItemId) -> None:
        self._item = item
        self._signals: tuple[Signal, ...] = ()
        self.changes: list[SignalChange] = []

    def note(self, at_ms: int, signals: tuple[Signal, ...]) -> None:
        if signals != self._signals:
            self._signals = signals
            self.changes.append(SignalChange(at_ms, self._item, signals))


class _AlertRecord:
    """The alerts of one detector on one code, noted arrival by arrival."""

    def __init__(self, detectable_ms: int | None, relevant: frozenset[str]) -> None:
        self._detectable_ms = detectable_ms
        self._relevant = relevant
        self._kinds: frozenset[str] = NO_KINDS
        self._last: Collection[str] = NO_KINDS
        self._stands = False
        self._first: tuple[int, int] | None = None
        self._known: tuple[int, int] | None = None

    def note(self, number: int, at_ms: int, kinds: Collection[str]) -> None:
        """Note the kinds that stand after this arrival."""
        if kinds is not self._last:
            self._last = kinds
            self._kinds |= frozenset(kinds)
            self._stands = bool(self._relevant.intersection(kinds))
        if self._stands:
            self._first = self._first or (number, at_ms)
            if self._detectable_ms is not None and at_ms >= self._detectable_ms:
                self._known = self._known or (number, at_ms)

    def outcome(self, score: float | None) -> DetectorOutcome:
        """What was noted so far."""
        first, first_ms = self._first or (None, None)
        known, known_ms = self._known or (None, None)
        return DetectorOutcome(first, first_ms, known, known_ms, self._stands, self._kinds, score)
