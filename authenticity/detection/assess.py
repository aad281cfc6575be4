"""`assess`: what an item's history gives reason to say.

A pure function of (history, batch, policy). It asks no clock: findings rest on capture
times, and on arrival for lateness alone. Evidence such as a speed or a number of
sessions is never a finding by itself.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from authenticity.detection.findings import (
    FINDING_OF_DOUBT,
    SEVERITY,
    Finding,
    FindingKind,
    because,
    coarse,
    found,
)
from authenticity.detection.issued import never_issued
from authenticity.detection.policy import Policy
from authenticity.detection.reuse import reused_after_end
from authenticity.detection.score import CloneScore, clone_confirmed, clone_suspected, score_clones
from authenticity.detection.sessions import own_numbers
from authenticity.gs1.item import ItemId, gtin_of, serial_of
from authenticity.history.history import History, by_capture
from authenticity.history.observation import DOUBTS, Observation
from authenticity.records.batch import Batch, BatchRegistry, BatchStatus, PrintOnly
from authenticity.trust.verdict import Doubt


class Appraisal(NamedTuple):
    """A history taken apart: observations of codes to be believed, the others, what the former
    weigh, where there is something to compare, and whether known scanners prove copies."""

    genuine: list[Observation]
    doubtful: list[Observation]
    clone_score: CloneScore | None
    confirmed: Finding | None


def appraise(history: History, batch: Batch | None, policy: Policy) -> Appraisal:
    """What `assess` and `signals_of` both rest on, made once."""
    genuine, doubtful = split(history, batch)
    policy = policy.of(batch)
    clone_score = score_clones(genuine, batch, policy) if len(genuine) > 1 else None
    acted = any(observation.act for observation in genuine)
    confirmed = clone_confirmed(genuine, policy.elsewhere_km) if acted else None
    return Appraisal(genuine, doubtful, clone_score, confirmed)


def assess(
    history: History,
    batch: Batch | None,
    policy: Policy,
    appraisal: Appraisal | None = None,
) -> tuple[Finding, ...]:
    """Every finding, most severe first, then by kind: the same history, the same answer.

    `batch` is the one the printed lot belongs to (`batch_of`), None if unregistered.
    """
    policy = policy.of(batch)
    observations = history.observations
    if len(observations) == 1 and batch is None and not observations[0].doubt:
        return tuple(_of_scanning(observations, policy))  # the usual case: seen once, nothing known
    genuine, doubtful, clone_score, confirmed = appraisal or appraise(history, batch, policy)
    findings: list[Finding] = [*_of_scanning(observations, policy), *_of_doubts(doubtful)]
    findings += never_issued(batch)
    if genuine:
        findings += _of_print(genuine, observations, batch)
        findings += _of_batch(genuine, batch, policy)
        findings += _of_use(genuine, clone_score, policy)
    if confirmed is not None:
        findings.append(confirmed)
    return tuple(sorted(findings, key=lambda finding: (-finding.severity.rank, finding.kind)))


def batch_of(item: ItemId, history: History, batch_registry: BatchRegistry) -> Batch | None:
    """The registered batch of an item, by what its earliest issued observation prints."""
    gtin, serial = gtin_of(item), serial_of(item)
    issued = (observation for observation in history.observations if observation.issued)
    first = min(issued, key=by_capture, default=None)
    if gtin is None or serial is None or first is None:
        return None
    expiry = f"{first.expiry:06d}" if first.expiry else None
    return batch_registry.find(gtin, first.lot or None, expiry, serial)


def split(history: History, batch: Batch | None) -> tuple[list[Observation], list[Observation]]:
    """Observations of a code to be believed, and the others.

    Where two trust lists disagreed on one scan, the newer one counts. A code under a
    revoked key is believed if its batch was registered, with that key and this serial, before.
    """
    genuine: list[Observation] = []
    doubtful: list[Observation] = []
    for observation in _newest_judgements(history.observations):
        (genuine if _believed(observation, batch) else doubtful).append(observation)
    genuine.sort(key=by_capture)
    return genuine, doubtful


def _newest_judgements(observations: Sequence[Observation]) -> Iterator[Observation]:
    """Each content once; equal contents are neighbours in a history."""
    previous: Observation | None = None
    for observation in observations:
        if previous is not None:
            if previous.id != observation.id or previous.content != observation.content:
                yield previous
            elif previous.trust_version > observation.trust_version:
                continue
        previous = observation
    if previous is not None:
        yield previous


def _believed(observation: Observation, batch: Batch | None) -> bool:
    if not observation.doubt:
        return True
    if DOUBTS[observation.doubt] is not Doubt.KEY_REVOKED:
        return False
    if batch is None or isinstance(batch, PrintOnly):
        return False
    return batch.registered_at.timestamp() * 1000 < observation.revoked_ms


def _of_scanning(observations: Sequence[Observation], policy: Policy) -> Iterator[Finding]:
    delays_s = [observation.delay_s for observation in observations] or [0]
    latest_s, ahead_s = max(delays_s), -min(delays_s)
    if latest_s > policy.late_after_hours * 3600:
        yield found(FindingKind.LATE, because("arrived-late", hours=coarse(latest_s // 3600)))
    if ahead_s > policy.clock_skew_minutes * 60:
        reason = because("captured-in-the-future", minutes=coarse(ahead_s // 60))
        yield found(FindingKind.CLOCK_SKEW, reason)
    for one, other in pairwise(observations):
        if one.id == other.id and one.content != other.content:
            yield found(FindingKind.SCAN_ID_REUSED, because("different-scans-under-one-id"))
            return


def _of_doubts(doubtful: Sequence[Observation]) -> Iterator[Finding]:
    by_doubt: dict[int, list[Observation]] = {}
    for observation in doubtful:
        by_doubt.setdefault(observation.doubt, []).append(observation)
    for number, observations in sorted(by_doubt.items()):
        doubt = DOUBTS[number]
        assert doubt is not None
        kind = FINDING_OF_DOUBT[doubt]
        scanners = "trusted" if any(s.authorised for s in observations) else "anonymous"
        yield Finding(kind, SEVERITY[kind], None, (because("code-refused", scanners=scanners),))


def _of_print(
    genuine: Sequence[Observation], observations: Sequence[Observation], batch: Batch | None
) -> Iterator[Finding]:
    """Lots and dates read from the pack, signed or by a trusted scanner, against one another
    and the batch. A field that is missing, or cut off by the scanner, is no difference."""
    signed_lot, signed_expiry = genuine[0].lot, genuine[0].expiry
    registered = int(batch.expiry) if batch and batch.expiry else signed_expiry
    if all(s.lot == signed_lot and s.expiry == registered for s in observations):
        return  # the usual case
    read_by_others = [s for s in observations if s.authorised and _is_unsigned(s)]
    lots = {s.lot for s in genuine} | {s.lot for s in read_by_others}
    expiries = {s.expiry for s in genuine} | {s.expiry for s in read_by_others}
    for lot in sorted(lots - {"", signed_lot}):
        if signed_lot and not signed_lot.startswith(lot) and not lot.startswith(signed_lot):
            reason = because("lot-differs", printed=lot, registered=signed_lot)
            yield found(FindingKind.WRONG_BATCH, reason)
            break
    for expiry in sorted(expiries - {0, registered}):
        if registered:
            reason = because(
                "expiry-differs", printed=f"{expiry:06d}", registered=f"{registered:06d}"
            )
            yield found(FindingKind.WRONG_EXPIRY, reason)
            break


def _is_unsigned(observation: Observation) -> bool:
    return DOUBTS[observation.doubt] is Doubt.UNSIGNED


def _of_batch(
    genuine: Sequence[Observation], batch: Batch | None, policy: Policy
) -> Iterator[Finding]:
    if batch is None:
        return
    if batch.status is BatchStatus.RECALLED:
        yield found(FindingKind.RECALLED, because("declared-by-issuer", batch=batch.batch_id))
    if batch.status is BatchStatus.STOLEN:
        yield found(FindingKind.STOLEN, because("declared-by-issuer", batch=batch.batch_id))
    if batch.released_at is None:
        yield found(FindingKind.NOT_RELEASED, because("batch-not-released", batch=batch.batch_id))
    if markets := policy.markets_of(batch):
        yield from _diverted(genuine, markets, policy)


def _diverted(
    genuine: Sequence[Observation], markets: Collection[str], policy: Policy
) -> Iterator[Finding]:
    """One trusted scan outside the markets, or several sessions there: one is a tourist.
    The maker's own chain goes through any country."""
    ours = own_numbers(policy.own_supply_chain)
    outside = [
        observation
        for observation in genuine
        if observation.country
        and observation.country not in markets
        and observation.channel not in ours
    ]
    trusted = any(observation.authorised for observation in outside)
    if trusted or len({observation.session for observation in outside}) >= policy.diverted_sessions:
        countries = ",".join(sorted({observation.country for observation in outside}))
        reason = because(
            "scanned-outside-its-markets",
            countries=countries,
            scanners="trusted" if trusted else "anonymous",
        )
        yield found(FindingKind.DIVERTED, reason)


def _of_use(
    genuine: Sequence[Observation], clone_score: CloneScore | None, policy: Policy
) -> Iterator[Finding]:
    ours = own_numbers(policy.own_supply_chain)
    sessions = {s.session for s in genuine if s.channel not in ours}
    if len(sessions) > 1:
        reason = because("scanned-in-other-sessions", at_least=coarse(len(sessions) - 1))
        yield found(FindingKind.SEEN_BEFORE, reason)
    if clone_score is not None:
        yield from clone_suspected(clone_score, policy.clone)
    if any(observation.act for observation in genuine):
        yield from reused_after_end(genuine, policy)
