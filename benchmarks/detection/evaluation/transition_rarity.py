"""Rare transitions between locations, learned from traffic.

After M. Lehtonen, F. Michahelles, E. Fleisch, "How to detect cloned tags in a reliable way
from incomplete RFID traces" (IEEE RFID 2009): a location is where in the supply chain and
in the world a scan was made, and a code whose scans make a transition that is seldom seen
is suspected. It was made for traces through a supply chain, so it sees readings of cases
too. Learned on all traffic of the seeds for fitting, attacks and all, for nobody
has labels; the threshold is chosen on the seeds for validation.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import log10
from typing import Final

from authenticity.history.observation import Observation
from benchmarks.detection.evaluation.baseline_rules import Timeline
from benchmarks.detection.evaluation.detectors import Rule, RuleState

Location = tuple[str, int]
"""Country and channel."""
NEVER: Final = 99.0


@dataclass(slots=True)
class Transitions:
    """How often a scan at one location was followed by one at another."""

    counts: Counter[tuple[Location, Location]] = field(default_factory=Counter)
    departures: Counter[Location] = field(default_factory=Counter)

    def learn(self, observations: Iterable[Observation]) -> None:
        """Take in the scans of one code, in any order."""
        believed = {each.id: each for each in observations if not each.doubt}
        in_order = sorted(believed.values(), key=lambda each: each.captured_ms)
        for earlier, later in pairwise(in_order):
            self.counts[location_of(earlier), location_of(later)] += 1
            self.departures[location_of(earlier)] += 1

    def add(self, other: "Transitions") -> None:
        """Take in what was learned elsewhere."""
        self.counts.update(other.counts)
        self.departures.update(other.departures)

    def rarity(self, earlier: Observation, later: Observation) -> float:
        """-log10 of the transition's probability, each transition counted once more than seen."""
        origin = location_of(earlier)
        seen = self.counts[origin, location_of(later)]
        places = max(1, len(self.departures))
        return -log10((seen + 1) / (self.departures[origin] + places))


def location_of(observation: Observation) -> Location:
    """Where in the world and in the supply chain."""
    return observation.country, observation.channel


class RarestTransition:
    """Alerts when the rarest transition of a code is rarer than the threshold."""

    def __init__(self, transitions: Transitions, threshold: float) -> None:
        self._transitions = transitions
        self._threshold = threshold
        self._timeline = Timeline()
        self._rarest = 0.0

    def add(self, observation: Observation) -> bool:
        """See `RuleState.add`."""
        for earlier, later in self._timeline.insert(observation):
            self._rarest = max(self._rarest, self._transitions.rarity(earlier, later))
        return self._rarest > self._threshold

    @property
    def score(self) -> float | None:
        """The rarity of the rarest."""
        return self._rarest


def transition_rarity(transitions: Transitions, threshold: float) -> Rule:
    """The detector with what was learned; `NEVER` as the threshold only gives scores."""

    def start() -> RuleState:
        return RarestTransition(transitions, threshold)

    says = "a transition between locations that is rarely seen"
    return Rule("transition rarity", says, start, sees_cases=True)


def best_threshold(honest: Counter[float], copied: Counter[float]) -> float:
    """The threshold with the best F1 between copied and honest codes; 0 without either."""
    right = wrong = 0
    best = (0.0, 0.0)
    total = copied.total()
    for score in sorted(honest.keys() | copied.keys(), reverse=True):
        right += copied[score]
        wrong += honest[score]
        f1 = 2 * right / (right + wrong + total) if right else 0.0
        best = max(best, (f1, score))
    return best[1] - 1e-9
