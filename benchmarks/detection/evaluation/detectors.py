"""The interface of every detector: it sees the scans of one code as they arrive.

Rules see what a sensible user of them would show them: each scan once, only codes whose
signature verified, and no readings of cases by the maker's own chain. That is generous: all
of these would only cost them precision.
"""

from collections.abc import Callable, Collection
from typing import Final, Protocol

from authenticity.history.observation import Observation
from benchmarks.detection.dataset import Arrival, Example

COPIED: Final = "copied"
"""The only kind of alert that a rule knows."""
NO_KINDS: Final[frozenset[str]] = frozenset()
_COPIED: Final = frozenset({COPIED})


class CodeMonitor(Protocol):
    """One code as one detector follows it."""

    def see(self, arrival: Arrival) -> Collection[str]:
        """The kinds of alert that stand after this arrival."""

    @property
    def score(self) -> float | None:
        """How suspicious the code is by now, larger is more; None if the rule has no score."""


class Detector(Protocol):
    """A program that alerts on codes."""

    @property
    def name(self) -> str:
        """As in tables and file names."""

    @property
    def says(self) -> str:
        """What it does, in one line."""

    def watch(self, example: Example) -> CodeMonitor:
        """A new monitor for one code. Only the oracle may read the example's truth."""


class RuleState(Protocol):
    """The state of a rule for one code."""

    def add(self, observation: Observation) -> bool:
        """Whether the rule alerts after this scan."""

    @property
    def score(self) -> float | None:
        """See `CodeMonitor.score`."""


class Rule:
    """A detector made of a rule. Its alert stands from the first on: rules never retract."""

    def __init__(
        self, name: str, says: str, start: Callable[[], RuleState], *, sees_cases: bool = False
    ) -> None:
        self.name = name
        self.says = says
        self._start = start
        self._sees_cases = sees_cases

    def watch(self, example: Example) -> CodeMonitor:  # noqa: ARG002 - a rule knows nothing beforehand
        """See `Detector.watch`."""
        return _RuleMonitor(self._start(), self._sees_cases)


class _RuleMonitor:
    def __init__(self, state: RuleState, sees_cases: bool) -> None:
        self._state = state
        self._sees_cases = sees_cases
        self._seen: set[int] = set()
        self._outcome = NO_KINDS

    def see(self, arrival: Arrival) -> Collection[str]:
        observation = arrival.observation
        is_shown = self._sees_cases or arrival.is_item_scan
        if is_shown and not observation.doubt and observation.id not in self._seen:
            self._seen.add(observation.id)
            if self._state.add(observation):
                self._outcome = _COPIED
        return self._outcome

    @property
    def score(self) -> float | None:
        return self._state.score


class Oracle:
    """Knows which physical items were scanned: no detector can alert earlier or miss less."""

    name = "ceiling oracle"
    says = "knows physical items: alerts with the first scan that could tell anybody"

    def watch(self, example: Example) -> CodeMonitor:
        """See `Detector.watch`."""
        return _OracleMonitor(example.detectable_ms)


class _OracleMonitor:
    def __init__(self, detectable_ms: int | None) -> None:
        self._detectable_ms = detectable_ms
        self.score: float | None = 0.0

    def see(self, arrival: Arrival) -> Collection[str]:
        if self._detectable_ms is None or arrival.received_ms < self._detectable_ms:
            return NO_KINDS
        self.score = 1.0
        return _COPIED
