"""What every detector is here: it sees the scans of one code as they arrive, and says what stands.

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
NOTHING: Final[frozenset[str]] = frozenset()
_COPIED: Final = frozenset({COPIED})


class Watch(Protocol):
    """One code before the eyes of one detector."""

    def see(self, arrival: Arrival) -> Collection[str]:
        """The kinds of alert that stand after this arrival."""

    @property
    def score(self) -> float | None:
        """How suspicious the code looks now, larger is more; None if there are no degrees."""


class Contender(Protocol):
    """One detector."""

    @property
    def name(self) -> str:
        """As in tables and file names."""

    @property
    def says(self) -> str:
        """What it does, in one line."""

    def watch(self, example: Example) -> Watch:
        """A fresh look at one code. Only the oracle may read the example's truth."""


class RuleState(Protocol):
    """What a rule remembers of one code."""

    def add(self, observation: Observation) -> bool:
        """Whether the rule speaks after this scan."""

    @property
    def score(self) -> float | None:
        """See `Watch.score`."""


class Rule:
    """A contender made of a rule. Once it has spoken its alert stands: rules know no retraction."""

    def __init__(
        self, name: str, says: str, start: Callable[[], RuleState], *, sees_cases: bool = False
    ) -> None:
        self.name = name
        self.says = says
        self._start = start
        self._sees_cases = sees_cases

    def watch(self, example: Example) -> Watch:  # noqa: ARG002 - a rule knows nothing beforehand
        """See `Contender.watch`."""
        return _RuleWatch(self._start(), self._sees_cases)


class _RuleWatch:
    def __init__(self, state: RuleState, sees_cases: bool) -> None:
        self._state = state
        self._sees_cases = sees_cases
        self._seen: set[int] = set()
        self._spoken = NOTHING

    def see(self, arrival: Arrival) -> Collection[str]:
        observation = arrival.observation
        is_shown = self._sees_cases or arrival.is_look
        if is_shown and not observation.doubt and observation.id not in self._seen:
            self._seen.add(observation.id)
            if self._state.add(observation):
                self._spoken = _COPIED
        return self._spoken

    @property
    def score(self) -> float | None:
        return self._state.score


class Oracle:
    """Knows which physical items were scanned: nobody can alert earlier, or more often rightly."""

    name = "ceiling oracle"
    says = "knows physical items: alerts with the first scan that could tell anybody"

    def watch(self, example: Example) -> Watch:
        """See `Contender.watch`."""
        return _OracleWatch(example.detectable_ms)


class _OracleWatch:
    def __init__(self, detectable_ms: int | None) -> None:
        self._detectable_ms = detectable_ms
        self.score: float | None = 0.0

    def see(self, arrival: Arrival) -> Collection[str]:
        if self._detectable_ms is None or arrival.received_ms < self._detectable_ms:
            return NOTHING
        self.score = 1.0
        return _COPIED
