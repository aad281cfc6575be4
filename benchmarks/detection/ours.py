"""Our own detector under the same eyes as the others: the product's pure functions, as they are.

History after history, arrival by arrival, as the engines fold them; headers of batches
become known when they arrive. Nothing here decides anything.
"""

from collections.abc import Collection
from functools import lru_cache
from math import log
from typing import Final

from authenticity.batch import Batch, Catalogue
from authenticity.clones import weigh
from authenticity.clues import Clue, clues_of
from authenticity.finding import SEVERITY, Finding, FindingKind
from authenticity.findings import batch_of, split
from authenticity.history import EMPTY, history_of, merge
from authenticity.look import look_at
from authenticity.policy import Policy, Severity
from authenticity.standing import Standing, assess_item
from benchmarks.detection.contenders import NOTHING
from benchmarks.detection.dataset import Arrival, Example, Header

BAD: Final = frozenset({Standing.CAUTION, Standing.SUSPECT, Standing.NOT_ISSUED})
ACCUSING: Final = frozenset(
    str(kind)
    for kind, severity in SEVERITY.items()
    if severity.rank >= Severity.HIGH.rank
    and kind not in (FindingKind.RECALLED, FindingKind.STOLEN)  # the issuer's word, not ours
)
"""Kinds that call an item false, or one of several."""

PROOF: Final = 99.0
NO_COMPARISON: Final = -99.0


class Ours:
    """What the product alerts on by an item's own history."""

    name = "touchstone"
    says = "fused evidence of each code's own history, calibrated"

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def watch(self, example: Example) -> "OurWatch":
        """See `Contender.watch`."""
        return OurWatch(example, self._policy)


class OurWatch:
    """One item's history as it grows, and what follows from it."""

    def __init__(self, example: Example, policy: Policy) -> None:
        self._item = example.item
        self._headers = example.headers
        self._policy = policy
        self._known = 0
        self._catalogue = Catalogue()
        self.history = EMPTY
        self.findings: tuple[Finding, ...] = ()
        self.standing: Standing | None = None
        self._kinds: Collection[str] = NOTHING

    def see(self, arrival: Arrival) -> Collection[str]:
        """See `Watch.see`."""
        learned = self._learn(arrival.received_ms)
        history = merge(self.history, history_of([arrival.sighting]))
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

    def told(self, arrival: Arrival) -> Standing | None:
        """What whoever made this scan is told, before it is folded; None if it is refused."""
        self._learn(arrival.received_ms)
        look, known = arrival.sighting, self.history
        looked = look_at(self._item, look, known, self._catalogue, self._policy)
        return looked.standing if looked else None

    @property
    def batch(self) -> Batch | None:
        """The batch as it is known now."""
        return batch_of(self._item, self.history, self._catalogue)

    @property
    def probability(self) -> float | None:
        """That this is one of several items; None where nothing can be compared."""
        batch = self.batch
        weighed = weigh(split(self.history, batch)[0], batch, self._policy.clone)
        return None if weighed is None else weighed.probability

    @property
    def score(self) -> float | None:
        """See `Watch.score`."""
        return self.score_from(self.probability)

    def score_from(self, probability: float | None) -> float:
        """Log-odds of the probability; proof lies above all of them, no comparison below."""
        if any(finding.kind is FindingKind.CLONE_CONFIRMED for finding in self.findings):
            return PROOF
        if probability is None:
            return NO_COMPARISON
        within = min(max(probability, 1e-15), 1 - 1e-15)
        return log(within / (1 - within))

    def clues(self) -> tuple[Clue, ...]:
        """What this item says about its batch and about scanners."""
        return clues_of(self._item, self.history, self.batch, self._policy)

    def _learn(self, until_ms: int) -> bool:
        """Take in the headers that had arrived by then."""
        known = self._known
        while known < len(self._headers) and self._headers[known].arrived_ms <= until_ms:
            known += 1
        if known == self._known:
            return False
        self._known, self._catalogue = known, catalogue_of(self._headers[:known])
        return True

    def _assess(self) -> None:
        assessment = assess_item(self._item, self.history, self._catalogue, self._policy)
        self.findings, self.standing = assessment.findings, assessment.standing
        least = Severity.MEDIUM.rank
        kinds = [finding.kind for finding in self.findings if finding.severity.rank >= least]
        self._kinds = frozenset(map(str, kinds)) if kinds else NOTHING


@lru_cache(maxsize=16)
def catalogue_of(headers: tuple[Header, ...]) -> Catalogue:
    """Of these statements."""
    return Catalogue(header.batch for header in headers)
