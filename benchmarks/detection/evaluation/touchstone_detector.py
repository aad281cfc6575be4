"""The product's own detector: its pure functions, called as the engines call them.

Each arrival is merged into the history and assessed; batch headers become known when they
arrive. No rule of its own is added here.
"""

from collections.abc import Collection
from functools import lru_cache
from math import log
from typing import Final

from authenticity.detection.assess import assess_item_update
from authenticity.detection.caller_assessment import CallerAssessment, assess_for_caller
from authenticity.detection.findings import FINDINGS, Finding, FindingKind
from authenticity.detection.item_summary import standing_of
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.signals import Signal
from authenticity.detection.standing import Standing
from authenticity.history.history import EMPTY, history_of, merge
from authenticity.records.batch_registry import BatchRegistry
from benchmarks.detection.dataset import Arrival, Example, Header
from benchmarks.detection.evaluation.detectors import NO_KINDS

BAD: Final = frozenset({Standing.CAUTION, Standing.SUSPECT, Standing.NOT_ISSUED})
ACCUSING: Final = frozenset(
    str(kind)
    for kind, row in FINDINGS.items()
    if row.severity.rank >= Severity.HIGH.rank
    and kind not in (FindingKind.RECALLED, FindingKind.STOLEN)  # the issuer's word, not ours
)
"""Kinds that call an item false, or one of several."""

PROOF: Final = 99.0
NO_COMPARISON: Final = -99.0


class TouchstoneDetector:
    """The product's alerts from an item's own history."""

    name = "touchstone"
    says = "fused evidence of each code's own history, calibrated"

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def watch(self, example: Example) -> "TouchstoneMonitor":
        """See `Detector.watch`."""
        return TouchstoneMonitor(example, self._policy)


class TouchstoneMonitor:
    """One item's history as it grows, and what follows from it.

    `probability` is that of a copy, None without two sessions to compare; `is_bad`: a caller
    would be told a bad standing; `peak`: the highest score so far.
    """

    def __init__(self, example: Example, policy: Policy) -> None:
        self._item = example.item
        self._headers = example.headers
        self._siblings = example.siblings
        self._policy = policy
        self._known = 0
        self._registry = BatchRegistry()
        self.history = EMPTY
        self.findings: tuple[Finding, ...] = ()
        self.signals: tuple[Signal, ...] = ()
        self.is_bad = False
        self.probability: float | None = None
        self.peak = NO_COMPARISON
        self._kinds: Collection[str] = NO_KINDS

    def see(self, arrival: Arrival) -> Collection[str]:
        """See `CodeMonitor.see`."""
        learned = self._learn(arrival.received_ms)
        history = merge(self.history, history_of([arrival.observation]))
        if learned or history != self.history:
            self.history = history
            self._assess()
        return self._kinds

    def finish(self) -> tuple[int | None, Collection[str]]:
        """When the last header arrived, if it changed what was known; and what stands then."""
        if not self._learn(self._headers[-1].arrived_ms):
            return None, self._kinds
        self._assess()
        return self._headers[-1].arrived_ms, self._kinds

    def answer_to(self, arrival: Arrival) -> CallerAssessment | None:
        """The assessment that answers this scan, before it is folded; None if it is refused."""
        self._learn(arrival.received_ms)
        known = self.history
        arrived = (h for h in self._siblings if h.arrived_ms <= arrival.received_ms)
        batch_registry = registry_of((*self._headers[: self._known], *arrived))
        return assess_for_caller(
            self._item, arrival.observation, known, batch_registry, self._policy
        )

    @property
    def score(self) -> float:
        """Log-odds of the probability; `PROOF` for a proven copy, `NO_COMPARISON` without one."""
        if any(finding.kind is FindingKind.CLONE_CONFIRMED for finding in self.findings):
            return PROOF
        if self.probability is None:
            return NO_COMPARISON
        within = min(max(self.probability, 1e-15), 1 - 1e-15)
        return log(within / (1 - within))

    def _learn(self, until_ms: int) -> bool:
        """Take in the headers that had arrived by then."""
        known = self._known
        while known < len(self._headers) and self._headers[known].arrived_ms <= until_ms:
            known += 1
        if known == self._known:
            return False
        self._known, self._registry = known, registry_of(self._headers[:known])
        return True

    def _assess(self) -> None:
        update = assess_item_update(self._item, self.history, {}, self._registry, self._policy)
        evidence, self.findings = update.assessment
        self.signals = update.signals
        self.probability = evidence.clone_score.probability if evidence.clone_score else None
        least = Severity.MEDIUM.rank
        kinds = [finding.kind for finding in self.findings if finding.severity.rank >= least]
        self._kinds = frozenset(map(str, kinds)) if kinds else NO_KINDS
        self.peak = max(self.peak, self.score)
        self.is_bad = standing_of(update.assessment) in BAD


@lru_cache(maxsize=16)
def registry_of(headers: tuple[Header, ...]) -> BatchRegistry:
    """What these headers register."""
    return BatchRegistry(header.batch for header in headers)
