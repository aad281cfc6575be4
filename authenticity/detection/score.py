"""Is one code on several items? Fused evidence, and proof.

`score_clones` fuses what an item's scan sessions say into one log-likelihood ratio, in nats:
how much likelier the sessions are if there are copies, whatever the share of copies is among
the items scanned. It adds up a weight for the value of each feature
(`authenticity.detection.features`, `authenticity.detection.weights`); weights were fitted on
simulated worlds and calibrated on others (`docs/reference/detection-benchmark.md`). The
share of copies, the prior, is the policy's, by channel.

Anonymous scans alone never prove anything: they raise a suspicion, and its wording. Only
those take part that were seen in a network (`authenticity.detection.evidence.admitted_of`),
and no single network decides: a score that speaks for copies must do so with any one left out.
Nor does a journey that one item can have made speak for copies.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from authenticity.detection.comparison import compare_sessions
from authenticity.detection.features import Feature, channel_of, features_of, is_one_journey
from authenticity.detection.findings import Finding, FindingKind, found
from authenticity.detection.odds import chance, log_odds, published_probability
from authenticity.detection.policy import ClonePolicy, Policy
from authenticity.detection.reasons import Reason, ReasonCode, because, coarse
from authenticity.detection.refusals import (
    is_release_of,
    refusals_of,
    speaks_of_falsification,
)
from authenticity.detection.sessions import (
    LocationConfidence,
    ScanSession,
    apart_km,
    is_of_own_chain,
    is_reachable,
    scan_sessions,
)
from authenticity.detection.weights import WEIGHTS
from authenticity.history.observation import ACTS, Observation, distance_km
from authenticity.records.batch import Batch
from authenticity.records.scan import Act, Channel

_MOST_REASONS: Final = 5
_LEAST_REASON_NATS: Final = 0.5
_BIAS: Final = WEIGHTS.bias
_WEIGHTS: Final = dict(WEIGHTS.weights)
_PAIRS: Final = {
    (one, other): rows
    for pair, rows in WEIGHTS.pairs.items()
    for one, _, other in [pair.partition("+")]
}
_CALIBRATION: Final = WEIGHTS.calibration


class Contribution(NamedTuple):
    """What one feature added to the score, in nats, by its value."""

    feature: Feature
    value: int
    nats: float


class CloneScore(NamedTuple):
    """`log_likelihood_ratio`: of "several items" to "one", in nats, calibrated. `channel`:
    whose prior and threshold hold. `sessions`: those that were compared, by time."""

    log_likelihood_ratio: float
    probability: float
    contributions: tuple[Contribution, ...]
    sessions: Sequence[ScanSession]
    channel: Channel


def score_clones(
    admitted: Sequence[Observation], batch: Batch | None, policy: Policy
) -> CloneScore | None:
    """None where there is nothing to compare. Takes admitted observations by capture time.

    A score above 0 is the lowest of those with any one network left out, but not below 0:
    what rests on one network says nothing.
    """
    score = score_without_leaving_out(admitted, batch, policy)
    if score is None or score.log_likelihood_ratio <= 0:
        return score
    lowest = score
    for network in sorted({each.network for each in admitted if not each.actor}):
        rest = [each for each in admitted if each.actor or each.network != network]
        without = score_without_leaving_out(rest, batch, policy)
        if without is None or without.log_likelihood_ratio <= 0:
            prior = policy.clone.prior[score.channel]
            return score._replace(log_likelihood_ratio=0.0, probability=prior)
        if without.log_likelihood_ratio < lowest.log_likelihood_ratio:
            lowest = without
    return lowest


def score_without_leaving_out(
    genuine: Sequence[Observation], batch: Batch | None, policy: Policy
) -> CloneScore | None:
    """The score of all these observations together."""
    if all(is_of_own_chain(observation, policy) for observation in genuine):
        return None
    sessions = scan_sessions(genuine, policy)
    if not comparable(sessions, policy.clone):
        return None
    comparison = compare_sessions(genuine, sessions, batch, policy)
    values = list(features_of(comparison))
    contributions = contributions_of(values)
    ratio = WEIGHTS.journey
    if not is_one_journey(values):
        ratio = _calibrated(_BIAS + sum([each.nats for each in contributions]))
    channel = channel_of(genuine)
    probability = chance(ratio + log_odds(policy.clone.prior[channel]))
    return CloneScore(ratio, probability, contributions, sessions, channel)


def contributions_of(values: Sequence[tuple[Feature, int]]) -> tuple[Contribution, ...]:
    """What each of these features adds, in the order of the table: its own weight, and half of
    what each pair adds beside the weights of its two. So none is below 0, and with the bias
    they add up to the score before calibration."""
    nats = [_WEIGHTS[feature.name][value - 1] for feature, value in values]
    for number, (feature, value) in enumerate(values):
        for at in range(number + 1, len(values)):
            other, of_other = values[at]
            rows = _PAIRS.get((feature.name, other.name))
            if rows is not None:
                half = rows[value - 1][of_other - 1] / 2
                nats[number] += half
                nats[at] += half
    return tuple(
        [
            Contribution(feature, value, of)
            for (feature, value), of in zip(values, nats, strict=True)
        ]
    )


def comparable(sessions: Sequence[ScanSession], policy: ClonePolicy) -> bool:
    """Two sessions of others, or one that does not simply follow the maker's own chain."""
    outside = [session for session in sessions if not session.is_own]
    if len(outside) != 1 or len(sessions) == 1:
        return len(outside) > 1
    [session] = outside
    if session.confidence is LocationConfidence.NOWHERE:
        return False
    placed = [each for each in sessions if each.confidence is not LocationConfidence.NOWHERE]
    if placed[-1] is not session:
        return True
    return len(placed) > 1 and not is_reachable(placed[-2], session, policy)


def clone_findings(
    clone_score: CloneScore | None, held_at_once: Reason | None, policy: ClonePolicy
) -> Iterator[Finding]:
    """At most one finding, with its probability and what moved it, by how many nats; without
    a probability where only `held_at_once`, what known scanners saw, speaks for it."""
    reasons = [held_at_once] if held_at_once else []
    probability: float | None = None
    if clone_score and clone_score.probability >= policy.threshold[clone_score.channel]:
        reasons += _reasons(clone_score, policy)
        probability = published_probability(clone_score.probability)
    elif held_at_once is None:
        return
    yield found(FindingKind.CLONE_SUSPECTED, *reasons, probability=probability)


def proof_of_copies(genuine: Sequence[Observation], elsewhere_km: float) -> Reason | None:
    """What known scanners recorded that one item cannot undergo: two sales by different
    shops, two seizures, or inspections with opposite results in different places."""
    return _twice(genuine) or _contradiction(genuine, elsewhere_km)


def _twice(genuine: Sequence[Observation]) -> Reason | None:
    """Two sales, or two seizures, by different known scanners. A seizure for papers or storage
    does not count: one authority hands such goods over to another."""
    sold: Observation | None = None
    seized: Observation | None = None
    for observation in genuine:
        act = ACTS[observation.act]
        if act is Act.REACTIVATE:
            sold = None
        elif act is Act.SELL:
            sold = sold or observation
            if sold.actor != observation.actor:
                return because(ReasonCode.SOLD_TWICE, hours_between=_hours(sold, observation))
        elif seized is not None and is_release_of(observation, seized):
            seized = None
        elif act is Act.SEIZE and speaks_of_falsification(observation):
            seized = seized or observation
            if seized.actor != observation.actor:
                return because(ReasonCode.SEIZED_TWICE, hours_between=_hours(seized, observation))
    return None


def _hours(earlier: Observation, later: Observation) -> int:
    return (later.captured_ms - earlier.captured_ms) // 3_600_000


def _contradiction(genuine: Sequence[Observation], elsewhere_km: float) -> Reason | None:
    """A refusal alone may be about papers or temperature: it counts once the same scanner has
    seized the item, and nobody has released it since. One that states these never counts."""
    refusals = refusals_of(genuine)
    seized = {each.actor for each in refusals if ACTS[each.act] is Act.SEIZE}
    good = [s for s in genuine if ACTS[s.act] is Act.INSPECT_CONFORMANT]
    bad = [
        each
        for each in refusals
        if ACTS[each.act] is Act.INSPECT_NONCONFORMANT and each.actor in seized
    ]
    for one in good:
        for other in bad:
            apart = one.source and other.source and distance_km(one, other) > elsewhere_km
            if one.actor != other.actor and apart:
                km = coarse(round(distance_km(one, other)))
                return because(ReasonCode.INSPECTIONS_CONTRADICT, km=km)
    return None


def _reasons(clone_score: CloneScore, policy: ClonePolicy) -> Iterator[Reason]:
    """The fastest trip that would be needed, if there is one too fast; then the features
    that moved the score most, either way."""
    example = _too_fast(clone_score.sessions, policy)
    if example:
        yield example
    by_weight = sorted(
        clone_score.contributions, key=lambda each: (-abs(each.nats), each.feature.name)
    )
    for feature, value, nats in by_weight[:_MOST_REASONS]:
        if abs(nats) >= _LEAST_REASON_NATS:
            # In half nats, so that an alert is not published anew with every scan.
            at_least = feature.steps[value - 1]
            yield Reason(feature.name, {"at_least": at_least, "half_nats": round(2 * nats)})


def _too_fast(sessions: Sequence[ScanSession], policy: ClonePolicy) -> Reason | None:
    placed = [
        session
        for session in sessions
        if session.confidence <= LocationConfidence.FIXED_LINE and not session.inconsistent_location
    ]
    for earlier, later in pairwise(placed):
        if not is_reachable(earlier, later, policy):
            return because(
                ReasonCode.TOO_FAR_APART_IN_TIME,
                km=round(apart_km(earlier, later)),
                minutes=(later.at_ms - earlier.at_ms) // 60_000,
                countries=f"{earlier.country or '?'},{later.country or '?'}",
            )
    return None


def _calibrated(nats: float) -> float:
    """Piecewise linear between the knots, parallel to the diagonal beyond them."""
    before = _CALIBRATION[0]
    if nats <= before[0]:
        return nats + before[1] - before[0]
    for knot in _CALIBRATION[1:]:
        if nats <= knot[0]:
            share = (nats - before[0]) / (knot[0] - before[0])
            return before[1] + share * (knot[1] - before[1])
        before = knot
    return nats + before[1] - before[0]
