"""Is one code on several items? Fused evidence, and proof.

`weigh` fuses what an item's looks say into one log-odds score: the features of
`authenticity.detection.features`, each with the weight of its value, fitted on simulated worlds and
calibrated on others (`authenticity.detection.weights`, `docs/benchmark.md`). The weights are
log-likelihood ratios, in nats: they say how much likelier the looks are if there are
copies, whatever the share of copies is where one looks. That share, the prior, is the
policy's, by who looks.

Anonymous looks alone never prove anything: they raise a suspicion, and its wording. And
what anonymous devices only claim raises none: some of it must be attested.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from authenticity.detection.features import FEATURES, NETWORK_DERIVED, channel_of, features_of
from authenticity.detection.findings import Finding, FindingKind, found
from authenticity.detection.odds import as_told, chance, log_odds
from authenticity.detection.policy import ClonePolicy, Policy
from authenticity.detection.reasons import Reason, ReasonCode, because, coarse
from authenticity.detection.sessions import (
    LocationConfidence,
    ScanSession,
    apart_km,
    is_reachable,
    own_numbers,
    scan_sessions,
)
from authenticity.detection.weights import BIAS, CALIBRATION, WEIGHTS
from authenticity.history.observation import ACTS, Observation, distance_km
from authenticity.records.batch import Batch
from authenticity.records.scan import Act, Channel

_MOST_REASONS: Final = 5
_LEAST_TOLD_NATS: Final = 0.5


class CloneScore(NamedTuple):
    """`nats`: the log-likelihood ratio of "several items" to "one", calibrated.
    `parts`: feature, its value, and the nats it added, largest first. `channel`: whose
    prior and threshold hold."""

    nats: float
    probability: float
    parts: tuple[tuple[str, int, float], ...]
    looks: tuple[ScanSession, ...]
    channel: Channel


def score_clones(
    genuine: Sequence[Observation], batch: Batch | None, policy: Policy
) -> CloneScore | None:
    """None where there is nothing to compare. Takes issued observations sorted by capture."""
    own = own_numbers(policy.own_supply_chain)
    if all(observation.channel in own for observation in genuine):
        return None
    looks = scan_sessions(genuine, policy)
    if not comparable(looks, policy.clone):
        return None
    values = features_of(genuine, looks, batch, policy)
    parts = [
        (name, value, weights[value - 1])
        for name, value, weights in zip(FEATURES, values, WEIGHTS, strict=True)
        if value
    ]
    nats = _calibrated(BIAS + sum(part[2] for part in parts))
    if not any(name in NETWORK_DERIVED for name, _, _ in parts):
        nats = min(nats, 0.0)  # whatever is only claimed: poisoning must fail
    channel = channel_of(genuine)
    probability = chance(nats + log_odds(policy.clone.prior[channel]))
    parts.sort(key=lambda part: (-part[2], part[0]))
    return CloneScore(nats, probability, tuple(parts), tuple(looks), channel)


def comparable(looks: Sequence[ScanSession], policy: ClonePolicy) -> bool:
    """Two looks of others, or one that does not simply follow the maker's own chain."""
    outside = [look for look in looks if not look.is_own]
    if len(outside) != 1 or len(looks) == 1:
        return len(outside) > 1
    [look] = outside
    if look.confidence is LocationConfidence.NOWHERE:
        return False
    placed = [other for other in looks if other.confidence is not LocationConfidence.NOWHERE]
    if placed[-1] is not look:
        return True
    return len(placed) > 1 and not is_reachable(placed[-2], look, policy)


def clone_findings(clone_score: CloneScore, policy: ClonePolicy) -> Iterator[Finding]:
    """At most one finding, with its probability and what moved it, by how many nats."""
    if clone_score.probability < policy.threshold[clone_score.channel]:
        return
    reasons = _reasons(clone_score, policy)
    probability = as_told(clone_score.probability)
    yield found(FindingKind.CLONE_SUSPECTED, *reasons, probability=probability)


def proof_of_copies(genuine: Sequence[Observation], elsewhere_km: float) -> Reason | None:
    """What known scanners recorded that one item cannot undergo: two sales by different
    shops, two seizures, or inspections with opposite results in different places."""
    return _twice(genuine) or _contradiction(genuine, elsewhere_km)


def _twice(genuine: Sequence[Observation]) -> Reason | None:
    first: dict[Act, Observation] = {}
    for observation in genuine:
        act = ACTS[observation.act]
        if act is Act.REACTIVATE:
            first.pop(Act.SELL, None)
        elif act is Act.RELEASE:
            first.pop(Act.SEIZE, None)
        elif act is Act.SELL or act is Act.SEIZE:
            known = first.setdefault(act, observation)
            if known.actor != observation.actor:
                hours = (observation.captured_ms - known.captured_ms) // 3_600_000
                if act is Act.SELL:
                    return because(ReasonCode.SOLD_TWICE, hours_between=hours)
                return because(ReasonCode.SEIZED_TWICE, hours_between=hours)
    return None


def _contradiction(genuine: Sequence[Observation], elsewhere_km: float) -> Reason | None:
    good = [s for s in genuine if ACTS[s.act] is Act.INSPECT_CONFORMANT]
    bad = [s for s in genuine if ACTS[s.act] is Act.INSPECT_NONCONFORMANT]
    for one in good:
        for other in bad:
            apart = one.source and other.source and distance_km(one, other) > elsewhere_km
            if one.actor != other.actor and apart:
                km = coarse(round(distance_km(one, other)))
                return because(ReasonCode.INSPECTIONS_CONTRADICT, km=km)
    return None


def _reasons(clone_score: CloneScore, policy: ClonePolicy) -> Iterator[Reason]:
    """The fastest journey that would be needed, if there is one too fast; then the features
    that moved the score most, either way."""
    example = _too_fast(clone_score.looks, policy)
    if example:
        yield example
    by_weight = sorted(clone_score.parts, key=lambda part: (-abs(part[2]), part[0]))
    for name, value, nats in by_weight[:_MOST_REASONS]:
        if abs(nats) >= _LEAST_TOLD_NATS:
            # In half nats, so that an alert is not published anew with every scan.
            yield Reason(name, {"at_least": value, "half_nats": round(2 * nats)})


def _too_fast(looks: Sequence[ScanSession], policy: ClonePolicy) -> Reason | None:
    placed = [
        look
        for look in looks
        if look.confidence <= LocationConfidence.FIXED_LINE and not look.inconsistent_location
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
    before = CALIBRATION[0]
    if nats <= before[0]:
        return nats + before[1] - before[0]
    for knot in CALIBRATION[1:]:
        if nats <= knot[0]:
            share = (nats - before[0]) / (knot[0] - before[0])
            return before[1] + share * (knot[1] - before[1])
        before = knot
    return nats + before[1] - before[0]
