"""The second stage: what an item's history says about something larger than the item.

A batch whose serials were copied a few times each shows nothing item by item, nor does the
warehouse where they were read off, and a scanner that lies does so on many items. So every
history gives *signals* about entities: a batch, a custody leg (the part of a batch that one
known scanner had in custody), a batch in one country, or a scanner. An entity is assessed by all
signals about it. What thousands of packs of a batch have in common, as that it is not released,
is alerted in this way too: once about the batch.

Signals are a pure function of an item's history, and an entity's findings of its signals:
whatever order scans arrive in, the final histories are the same, hence the signals, hence
the findings. A signal that late data explains away is gone, and with it what rested on it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import exp, log, log1p
from typing import Final

from msgspec import Struct

from authenticity.detection.common_country import (
    CommonCountry,
    common_country,
    of_different_networks,
    read_seen_from,
    write_seen_from,
)
from authenticity.detection.comparison import early_sessions
from authenticity.detection.evidence import Evidence
from authenticity.detection.findings import (
    ABROAD,
    COPIES,
    MISPLACED,
    PER_BATCH,
    REFUSED,
    SEEN_ABROAD,
    UNRELEASED,
    VOUCHED,
    Finding,
    FindingKind,
    found,
)
from authenticity.detection.odds import chance, log_odds, published_probability
from authenticity.detection.policy import EntityPolicy, Policy
from authenticity.detection.reasons import ReasonCode, because, coarse
from authenticity.detection.rules import LEAST_NETWORKS, scans_outside
from authenticity.detection.score import CloneScore
from authenticity.detection.sessions import (
    ScanSession,
    is_of_own_chain,
    scan_sessions,
    session_key,
)
from authenticity.gs1.item import (
    EntityId,
    ItemId,
    batch_entity,
    batch_in_country_entity,
    country_of,
    custody_leg_entity,
    gtin_of,
    is_about_custodian,
    network_entity,
    scanner_entity,
)
from authenticity.history.history import by_capture
from authenticity.history.observation import ACTS, CHANNELS, DOUBTS, Observation
from authenticity.records.scan import Act, Channel
from authenticity.trust.verdict import Doubt

_MOST_OF_EVIDENCE: Final = 16
_MOST_COUNTRIES: Final = 8
MAX_SIGNALS: Final = _MOST_OF_EVIDENCE + 2 * _MOST_COUNTRIES + 1
"""Of one item."""
MAX_SIGNALS_ASSESSED: Final = 2_000
"""About one entity, of one kind: the first in their order."""

_MOST_NATS: Final = 5.0
_SHARES: Final = (0.01, 0.03, 0.1, 0.3)
_INVENTED: Final = frozenset({Doubt.FORGED, Doubt.NOT_ENTITLED})
_VOUCHING: Final = frozenset({Act.SELL, Act.INSPECT_CONFORMANT})
_RETAIL: Final = CHANNELS.index(Channel.RETAIL)
_MOST_CUSTODIANS: Final = 2
_MOST_BATCHES_NAMED: Final = 3


class Signal(Struct, frozen=True, order=True):
    """What one item says about one entity; one for each `kind`.

    `copies`: `weight` is the log-likelihood ratio that the item has some, in hundredths of
    a nat, with any one network left out; about its batch, and about where it was last. `detail`
    names all networks that it was seen from and that its history has places for, with their
    countries, and countries where chain or shops had it (`write_seen_from`).
    `refused`: the scanner read an invented code under this item's name. `misplaced`: an
    anonymous scanner claimed to hold it, at `detail`, where it was not. `vouched`: a known
    scanner sold or passed it, and it was proven to be several. `unreleased`: it was scanned, and
    its batch, whose id is `detail`, is not released. `abroad`: a known scanner read it in the
    country that the entity is of, outside its markets. `seen-abroad`: networks saw it there, each
    in 8 hexadecimal digits in `detail`, with spaces between them; the policy of the batch's issuer
    asks for `weight` of them.
    """

    entity: EntityId
    item: ItemId
    kind: str
    weight: int
    detail: str


def signals_of(item: ItemId, evidence: Evidence, findings: Iterable[Finding]) -> tuple[Signal, ...]:
    """Sorted, at most `MAX_SIGNALS`. `findings`: all that were made from this evidence."""
    signals = _signals_of_evidence(item, evidence)
    if per_batch := [finding for finding in findings if finding.kind in PER_BATCH]:
        signals += _signals_for_batch(evidence, item, per_batch)
        signals.sort()
    return tuple(signals)


def _signals_of_evidence(item: ItemId, evidence: Evidence) -> list[Signal]:
    """What it says of copies and of scanners: sorted, the first of each entity and kind."""
    genuine, doubtful, clone_score = evidence.genuine, evidence.doubtful, evidence.clone_score
    if clone_score is None and evidence.proof is None and not doubtful and len(genuine) < 2:
        return []  # the usual case
    signals = [*_refused_signals(item, doubtful), *_misplaced_signals(item, evidence)]
    if clone_score is not None:
        signals += _copies_signals(item, evidence, clone_score)
    if evidence.proof is not None:
        signals += _vouched_signals(item, genuine)
    one_each = {(signal.entity, signal.kind): signal for signal in signals}
    return sorted(one_each.values())[:_MOST_OF_EVIDENCE]


def assess_entity(signals: Sequence[Signal], policy: Policy) -> tuple[Finding, ...]:
    """Findings about the entity that all these signals are about.

    The caller owes them sorted, and no more than the first `MAX_SIGNALS_ASSESSED` of each kind.
    """
    rules = policy.subject
    findings = [
        *_campaign([signal for signal in signals if signal.kind == COPIES], rules),
        *_probing(sum(signal.kind == REFUSED for signal in signals), rules),
        *_poisoning([signal for signal in signals if signal.kind == MISPLACED], rules),
        *_colluding(sum(signal.kind == VOUCHED for signal in signals), rules),
        *_not_released([signal.detail for signal in signals if signal.kind == UNRELEASED]),
        *_diverted([signal for signal in signals if signal.kind in (ABROAD, SEEN_ABROAD)]),
    ]
    return tuple(sorted(findings, key=lambda finding: finding.kind))


def by_entity(signals: Iterable[Signal]) -> dict[EntityId, list[Signal]]:
    """Grouped, each group sorted and cut as `assess_entity` takes it."""
    grouped: dict[EntityId, list[Signal]] = {}
    counted: Counter[tuple[EntityId, str]] = Counter()
    for signal in sorted(signals):
        group = grouped.setdefault(signal.entity, [])
        counted[signal.entity, signal.kind] += 1
        if counted[signal.entity, signal.kind] <= MAX_SIGNALS_ASSESSED:
            group.append(signal)
    return grouped


def _signals_for_batch(
    evidence: Evidence, item: ItemId, findings: Sequence[Finding]
) -> Iterator[Signal]:
    """One about the batch where it is not released, and for each country where the item was seen
    outside its markets, those of known scanners first, one of these and one of networks. None of
    what the policy of the batch's issuer alerts nobody about: what is found of entities knows of
    no issuer."""
    batch, policy = evidence.batch, evidence.policy
    assert batch is not None, "these findings are about a batch"
    told = {each.kind for each in findings if each.severity.rank >= policy.alert_from.rank}
    gtin, lot = batch.gtin, batch.lot or ""
    if FindingKind.NOT_RELEASED in told:
        yield Signal(batch_entity(gtin, lot), item, UNRELEASED, 1, batch.batch_id)
    if FindingKind.DIVERTED in told:
        outside = scans_outside(evidence.admitted, policy.markets_of(batch), policy)
        known = {scan.country for scan in outside if scan.authorised}
        countries = sorted({scan.country for scan in outside}, key=lambda c: (c not in known, c))
        asked = max(LEAST_NETWORKS, policy.diverted_sessions)
        for country in countries[:_MOST_COUNTRIES]:
            entity = batch_in_country_entity(gtin, lot, country)
            if country in known:
                yield Signal(entity, item, ABROAD, 1, "")
            if networks := _networks(scan for scan in outside if scan.country == country):
                yield Signal(entity, item, SEEN_ABROAD, asked, networks)


def _refused_signals(item: ItemId, doubtful: Sequence[Observation]) -> Iterator[Signal]:
    """Officers read forged codes because it is their work: only strangers are counted."""
    for observation in doubtful:
        if not observation.authorised and DOUBTS[observation.doubt] in _INVENTED:
            yield Signal(_stranger(observation), item, REFUSED, 1, "")


def _stranger(scan: Observation | ScanSession) -> EntityId:
    """The network that an anonymous scan came from, or its session where no network is known."""
    if scan.network:
        return network_entity(scan.network)
    return scanner_entity(scan.session, known=False)


def _misplaced_signals(item: ItemId, evidence: Evidence) -> Iterator[Signal]:
    """From every believed scan: a claim that moves no score tells of whoever makes it."""
    genuine, policy = evidence.genuine, evidence.policy
    held = any(observation.actor and observation.source for observation in genuine)
    if not held and len({session_key(each) for each in genuine}) == len(genuine):
        return  # there is nothing that the places of strangers could contradict
    sessions = scan_sessions(genuine, policy)
    inconsistent = (session for session in sessions if session.inconsistent_location)
    for session in (*early_sessions(sessions, policy.clone), *inconsistent):
        yield Signal(_stranger(session), item, MISPLACED, 1, _region(session))


def _copies_signals(item: ItemId, evidence: Evidence, clone_score: CloneScore) -> Iterator[Signal]:
    genuine, policy = evidence.genuine, evidence.policy
    gtin, lot = gtin_of(item), evidence.lot
    weight = round(100 * min(_MOST_NATS, max(-_MOST_NATS, clone_score.log_likelihood_ratio)))
    detail = write_seen_from(evidence.admitted)
    if gtin and lot:
        yield Signal(batch_entity(gtin, lot), item, COPIES, weight, detail)
    for last in _last_custodians(genuine, policy):
        if last.channel == _RETAIL:
            yield Signal(scanner_entity(last.actor, known=True), item, COPIES, weight, detail)
        elif gtin and lot:
            yield Signal(custody_leg_entity(gtin, lot, last.actor), item, COPIES, weight, detail)


def _networks(admitted: Iterable[Observation]) -> str:
    """Of the anonymous ones, as `seen-abroad` names them; a history has few places for them."""
    networks = {observation.network for observation in admitted if not observation.actor}
    return " ".join(f"{each:08x}" for each in sorted(networks))


def _vouched_signals(item: ItemId, genuine: Sequence[Observation]) -> Iterator[Signal]:
    for observation in genuine:
        if ACTS[observation.act] in _VOUCHING:
            yield Signal(scanner_entity(observation.actor, known=True), item, VOUCHED, 1, "")


def _last_custodians(genuine: Sequence[Observation], policy: Policy) -> list[Observation]:
    """The shops, and scanners of the maker's chain, that had it last, by what they saw last:
    codes are read off where packs lie, and shops far apart may be served from one warehouse. Of a
    warehouse, which has packs of many makers, each batch is assessed by itself."""
    last = {
        observation.actor: observation
        for observation in genuine
        if is_of_own_chain(observation, policy)
        or (observation.authorised and observation.channel == _RETAIL)
    }
    return sorted(last.values(), key=by_capture)[-_MOST_CUSTODIANS:]


def _region(session: ScanSession) -> str:
    """A cell of the earth some thousand kilometres wide."""
    return f"{round(6 * session.x)},{round(6 * session.y)},{round(6 * session.z)}"


def _campaign(copies: Sequence[Signal], rules: EntityPolicy) -> Iterator[Finding]:
    """Is a share of these items copied? See `campaign_probability`.

    More items than `campaign_networks` must be suspicious of which no two were seen from one
    network: so many networks touch no more of them, and cannot have brought all about. And they
    must have a country in common, see `common_country`.
    """
    suspicious = suspicious_of(copies, rules)
    if len(suspicious) < rules.campaign_items:
        return
    seen_from = [read_seen_from(signal.detail) for signal in suspicious if signal.detail]
    if of_different_networks(each.networks for each in seen_from) <= rules.campaign_networks:
        return
    probability = campaign_probability(copies, rules)
    if probability < rules.campaign_threshold:
        return
    in_common = country_in_common(copies, rules)
    if in_common is None:
        return
    least = coarse(len(suspicious))
    networks = coarse(len({each for some in seen_from for each in some.networks}))
    reason = because(
        ReasonCode.MANY_ITEMS_LOOK_COPIED, items_at_least=least, networks_at_least=networks
    )
    if is_about_custodian(copies[0].entity):
        reason = because(
            ReasonCode.MANY_ITEMS_FROM_HERE_LOOK_COPIED,
            items_at_least=least,
            networks_at_least=networks,
        )
    there = because(
        ReasonCode.SEEN_IN_ONE_COUNTRY, items_at_least=coarse(in_common.items),
        countries=in_common.country,
    )  # fmt: skip
    yield found(FindingKind.CAMPAIGN, reason, there, probability=published_probability(probability))


def suspicious_of(copies: Iterable[Signal], rules: EntityPolicy) -> list[Signal]:
    """Those that count as items of a campaign."""
    return [signal for signal in copies if signal.weight / 100 >= rules.campaign_item_nats]


def country_in_common(copies: Sequence[Signal], rules: EntityPolicy) -> CommonCountry | None:
    """Where the suspicious ones of these items were seen, and the others hardly."""
    suspicious = {signal.item for signal in suspicious_of(copies, rules)}
    seen_from = [(each.item in suspicious, read_seen_from(each.detail)) for each in copies]
    return common_country(
        [seen for is_suspicious, seen in seen_from if is_suspicious],
        [seen for is_suspicious, seen in seen_from if not is_suspicious],
        rules,
    )


def campaign_probability(copies: Sequence[Signal], rules: EntityPolicy) -> float:
    """That a share of these items is copied: by the likelihood ratio of the mixture, averaged
    over a few shares. One item says little, and honest items, of which most speak against it,
    count."""
    ratios = [signal.weight / 100 for signal in copies]
    by_share = [sum(log1p(share * (exp(ratio) - 1)) for ratio in ratios) for share in _SHARES]
    highest = max(by_share)
    mean = highest + log(sum(exp(ratio - highest) for ratio in by_share) / len(by_share))
    return chance(mean + log_odds(rules.campaign_prior))


def _probing(items: int, rules: EntityPolicy) -> Iterator[Finding]:
    if items >= rules.probing_items:
        least = coarse(items)
        reason = because(ReasonCode.INVENTED_CODES_FROM_ONE_SCANNER, items_at_least=least)
        yield found(FindingKind.PROBING, reason)


def _poisoning(misplaced: Sequence[Signal], rules: EntityPolicy) -> Iterator[Finding]:
    """Somebody behind a VPN is misplaced too, but in one place: invented places differ."""
    places = {signal.detail for signal in misplaced}
    if len(misplaced) >= rules.poisoning_items and len(places) >= rules.poisoning_places:
        reason = because(
            ReasonCode.PLACES_THAT_CANNOT_BE, items_at_least=coarse(len(misplaced)),
            places_at_least=coarse(len(places)),
        )  # fmt: skip
        yield found(FindingKind.POISONING, reason)


def _colluding(items: int, rules: EntityPolicy) -> Iterator[Finding]:
    if items >= rules.colluding_items:
        reason = because(ReasonCode.VOUCHED_FOR_PROVEN_COPIES, items_at_least=coarse(items))
        yield found(FindingKind.COLLUDING, reason)


def _not_released(batch_ids: Sequence[str]) -> Iterator[Finding]:
    """Of each item that was scanned, the id of its batch: several may share lot and product."""
    items = Counter(batch_ids)
    reasons = [
        because(
            ReasonCode.PACKS_NOT_RELEASED, batch=batch_id, items_at_least=coarse(items[batch_id])
        )
        for batch_id in sorted(items)[:_MOST_BATCHES_NAMED]
    ]
    if reasons:
        yield found(FindingKind.NOT_RELEASED, *reasons)


def _diverted(abroad: Sequence[Signal]) -> Iterator[Finding]:
    """All in one country, which the entity is of: what known scanners read there, and what enough
    networks saw there, of all these items together. What fewer networks saw is not told."""
    if not abroad or (country := country_of(abroad[0].entity)) is None:
        return
    seen = [signal for signal in abroad if signal.kind == SEEN_ABROAD]
    read = len(abroad) - len(seen)
    networks = {each for signal in seen for each in signal.detail.split()}
    reasons = []
    if read:
        reasons.append(
            because(
                ReasonCode.PACKS_OUTSIDE_THEIR_MARKETS, items_at_least=coarse(read),
                countries=country, scanners="trusted",
            )
        )  # fmt: skip
    if seen and len(networks) >= max(signal.weight for signal in seen):
        reasons.append(
            because(
                ReasonCode.PACKS_SEEN_OUTSIDE_THEIR_MARKETS, items_at_least=coarse(len(seen)),
                countries=country, networks_at_least=coarse(len(networks)),
            )
        )  # fmt: skip
    if reasons:
        yield found(FindingKind.DIVERTED, *reasons)
