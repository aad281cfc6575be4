"""Why an alert is taken back: what is known of it at that moment.

An alert goes when nothing is found any more that it says. What changed is seldom recorded: an
assessment knows the history, the registered batches and the policy as they are, and of the past
the alert alone. So a reason is given only where these tell it, and else `no-longer-found`.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor

from authenticity.detection.alerts import Alert
from authenticity.detection.evidence import Evidence
from authenticity.detection.findings import (
    COPIES,
    MISPLACED,
    PER_BATCH,
    REFUSED,
    STANDING_OF_DOUBT,
    VOUCHED,
    Finding,
    FindingKind,
)
from authenticity.detection.odds import published_probability
from authenticity.detection.policy import EntityPolicy, Policy
from authenticity.detection.reasons import Reason, ReasonCode, because
from authenticity.detection.signals import (
    Signal,
    assess_entity,
    by_entity,
    campaign_probability,
    country_in_common,
    signals_of,
    suspicious_of,
)
from authenticity.gs1.item import EntityId, country_of, gtin_and_lot, gtin_of
from authenticity.history.observation import DOUBTS
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import BatchRegistry, batch_holding, batch_printed
from authenticity.trust.verdict import Doubt

_KIND = FindingKind
_MOST_REASONS = 3
_OF_DOUBTS = frozenset(FindingKind(doubt) for doubt in STANDING_OF_DOUBT)
_NEEDS_NO_BELIEF = _OF_DOUBTS | {_KIND.NEVER_ISSUED}


def why_of_item(
    alert: Alert, evidence: Evidence, findings: Iterable[Finding], batch_registry: BatchRegistry
) -> tuple[Reason, ...]:
    """Why this alert about an item stands no longer, given all that is found of it now."""
    finding = next((each for each in findings if each.kind is alert.kind), None)
    if finding is not None:
        return (_why_not_told(alert, finding, evidence),)
    if not evidence.genuine and alert.kind not in _NEEDS_NO_BELIEF:
        return (because(ReasonCode.NO_CODE_IS_BELIEVED),)
    reasons = _of_kind(alert, evidence, batch_registry)
    return tuple(reasons)[:_MOST_REASONS] or (because(ReasonCode.NO_LONGER_FOUND),)


def why_of_entity(
    alert: Alert,
    signals: Sequence[Signal],
    findings: Iterable[Finding],
    batch_registry: BatchRegistry,
    policy: Policy,
) -> tuple[Reason, ...]:
    """Likewise about an entity, given all signals about it, and what is found from them."""
    if any(finding.kind is alert.kind for finding in findings):
        return (because(ReasonCode.POLICY_CHANGED),)
    reasons = (
        _of_batch(alert, batch_registry, policy)
        if alert.kind in PER_BATCH
        else _of_signals(alert, signals, policy.subject)
    )
    return tuple(reasons)[:_MOST_REASONS] or (because(ReasonCode.NO_LONGER_FOUND),)


def _why_not_told(alert: Alert, finding: Finding, evidence: Evidence) -> Reason:
    """What is found is not alerted: about its batch instead, if this pack alone is enough for
    that, or no longer by this policy, which alerted about that severity before, or it is less
    severe."""
    if alert.kind in PER_BATCH and finding.severity.rank >= evidence.policy.alert_from.rank:
        about = by_entity(signals_of(alert.item, evidence, [finding]))
        alone = [each for some in about.values() for each in assess_entity(some, evidence.policy)]
        if any(each.kind is alert.kind for each in alone):
            return because(ReasonCode.ALERTED_ABOUT_ITS_BATCH)
        return because(ReasonCode.COUNTED_FOR_ITS_BATCH)
    if finding.severity.rank >= alert.severity.rank:
        return because(ReasonCode.POLICY_CHANGED)
    return because(ReasonCode.LESS_SEVERE_NOW)


def _of_kind(alert: Alert, evidence: Evidence, batch_registry: BatchRegistry) -> Iterator[Reason]:
    match alert.kind:
        case _KIND.CLONE_SUSPECTED:
            yield from _score_fell(alert, evidence)
        case _KIND.NEVER_ISSUED:
            if (batch := batch_holding(evidence.batch_match)) is not None:
                yield because(ReasonCode.BATCH_HOLDS_SERIAL, batch=batch.batch_id)
        case _KIND.RECALLED | _KIND.STOLEN:
            yield from _declared_otherwise(alert, evidence, batch_registry)
        case _KIND.WRONG_BATCH | _KIND.WRONG_EXPIRY:
            yield from _registered_as_read(alert, evidence.batch)
        case _KIND.KEY_REVOKED:
            holding = batch_holding(evidence.batch_match)
            excused = any(DOUBTS[each.doubt] is Doubt.KEY_REVOKED for each in evidence.genuine)
            if excused and holding is not None:
                yield because(ReasonCode.KEY_IS_EXCUSED, batch=holding.batch_id)
        case _KIND.NOT_RELEASED:
            printed = batch_printed(evidence.batch_match)
            yield from _released_or_withdrawn([printed] if printed else [])
        case _KIND.DIVERTED:
            countries = str(_fact(alert, "countries")).split(",")
            markets = evidence.policy.markets_of(evidence.batch)
            if evidence.batch is not None and set(countries) <= set(markets or countries):
                yield _markets_widened(countries, [evidence.batch])
        case _:
            return


def _score_fell(alert: Alert, evidence: Evidence) -> Iterator[Reason]:
    """The probability now, under the threshold. The same one as was alerted: then the threshold
    has moved."""
    score = evidence.clone_score
    if score is None or alert.probability is None:
        return
    threshold = evidence.policy.clone.threshold[score.channel]
    if score.probability < threshold:
        yield _below(alert, score.probability, threshold)


def _below(alert: Alert, probability: float, threshold: float) -> Reason:
    if alert.probability is not None and published_probability(probability) == alert.probability:
        return because(ReasonCode.POLICY_CHANGED)
    return because(
        ReasonCode.BELOW_THRESHOLD,
        percent=floor(round(100 * probability, 6)),
        threshold_percent=ceil(round(100 * threshold, 6)),
    )


def _declared_otherwise(
    alert: Alert, evidence: Evidence, batch_registry: BatchRegistry
) -> Iterator[Reason]:
    """Whether the batch that the alert names stands otherwise now."""
    gtin, named = gtin_of(alert.item), _fact(alert, "batch")
    for lot in sorted({each.lot for each in evidence.observations}):
        for batch in batch_registry.with_print(gtin or "", lot or None):
            if batch.batch_id == named and batch.status.value != alert.kind.value:
                yield because(ReasonCode.NO_LONGER_DECLARED, batch=batch.batch_id)
                return


def _registered_as_read(alert: Alert, batch: Batch | None) -> Iterator[Reason]:
    if batch is not None:
        registered = batch.lot if alert.kind is _KIND.WRONG_BATCH else batch.expiry
        if (registered or "") == _fact(alert, "printed"):
            yield because(ReasonCode.REGISTERED_AS_READ, batch=batch.batch_id)


def _released_or_withdrawn(batches: Iterable[Batch]) -> Iterator[Reason]:
    for batch in batches:
        if batch.status is BatchStatus.WITHDRAWN:
            yield because(ReasonCode.BATCH_WITHDRAWN, batch=batch.batch_id)
        elif batch.released_at is not None:
            yield because(ReasonCode.BATCH_RELEASED, batch=batch.batch_id)


def _markets_widened(countries: Sequence[str], batches: Iterable[Batch]) -> Reason:
    """By the maker, if the batches themselves name these markets or none; else by the policy."""
    if all(not batch.markets or set(countries) <= set(batch.markets) for batch in batches):
        return because(ReasonCode.MARKETS_INCLUDE, countries=",".join(countries))
    return because(ReasonCode.POLICY_CHANGED)


def _of_batch(alert: Alert, batch_registry: BatchRegistry, policy: Policy) -> list[Reason]:
    """What the batches with this product and lot, or else the policies of their issuers, tell."""
    entity = EntityId(alert.item)
    stated = [*batch_registry.with_print(*gtin_and_lot(entity))]
    standing = [batch for batch in stated if batch.status is not BatchStatus.WITHDRAWN]
    reasons: list[Reason] = []
    if alert.kind is _KIND.NOT_RELEASED:
        named = {reason.facts.get("batch") for reason in alert.reasons}
        reasons += _released_or_withdrawn(batch for batch in stated if batch.batch_id in named)
    elif not standing:
        reasons += _released_or_withdrawn(stated)
    elif country := country_of(entity):
        markets = [policy.markets_of(batch) for batch in standing]
        if all(not some or country in some for some in markets):
            reasons.append(_markets_widened([country], standing))
    severity = alert.severity.rank
    if not reasons and any(policy.of(batch).alert_from.rank > severity for batch in standing):
        reasons.append(because(ReasonCode.POLICY_CHANGED))
    return reasons


def _of_signals(alert: Alert, signals: Sequence[Signal], rules: EntityPolicy) -> Iterator[Reason]:
    """Too few items speak for it, or all of them together too weakly, or they have nothing in
    common."""
    copies = [signal for signal in signals if signal.kind == COPIES]
    items, least = {
        _KIND.CAMPAIGN: (len(suspicious_of(copies, rules)), rules.campaign_items),
        _KIND.PROBING: (_items(signals, REFUSED), rules.probing_items),
        _KIND.POISONING: (_items(signals, MISPLACED), rules.poisoning_items),
        _KIND.COLLUDING: (_items(signals, VOUCHED), rules.colluding_items),
    }.get(alert.kind, (0, 0))
    if items < least:
        yield because(ReasonCode.TOO_FEW_ITEMS, items=items, least=least)
    elif alert.kind is _KIND.CAMPAIGN:
        probability = campaign_probability(copies, rules)
        if probability < rules.campaign_threshold:
            yield _below(alert, probability, rules.campaign_threshold)
        elif country_in_common(copies, rules) is None:
            yield because(ReasonCode.NO_COUNTRY_IN_COMMON)


def _items(signals: Sequence[Signal], kind: str) -> int:
    return sum(signal.kind == kind for signal in signals)


def _fact(alert: Alert, name: str) -> object:
    """Of the alert's first reason, None if it has no such fact."""
    return alert.reasons[0].facts.get(name) if alert.reasons else None
