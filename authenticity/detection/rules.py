"""The rules: from the evidence in an item's history to findings.

Each function yields the findings it is named for, from one kind of evidence. `item_findings`
applies all of them.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from authenticity.detection.evidence import Evidence, vouched_doubts
from authenticity.detection.findings import Finding, FindingKind, found
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.reasons import Reason, ReasonCode, because, coarse
from authenticity.detection.score import clone_findings
from authenticity.detection.sessions import is_of_own_chain
from authenticity.history.history import distinct_sources
from authenticity.history.observation import ACTS, DOUBTS, Observation, distance_km, is_retry
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import NotInBatch
from authenticity.records.countries import COUNTRY_AREAS
from authenticity.records.scan import Act
from authenticity.trust.verdict import Doubt

_HOUR_MS = 3_600_000
LEAST_NETWORKS: Final = 2
"""However low a policy sets a number: no one network raises an alert."""
_MOST_NETWORKS_NAMED = 3
_KIND_OF_STATUS = {
    BatchStatus.RECALLED: FindingKind.RECALLED,
    BatchStatus.STOLEN: FindingKind.STOLEN,
}


def item_findings(evidence: Evidence) -> tuple[Finding, ...]:
    """Every finding, most severe first, then by kind."""
    observations, genuine, batch, policy = (
        evidence.observations, evidence.genuine, evidence.batch, evidence.policy,
    )  # fmt: skip
    findings = [*scanning_findings(observations, policy)]
    admitted = evidence.admitted
    if evidence.doubtful:
        findings += refused_code_findings(evidence.doubtful)
    if evidence.never_issued is not None:
        findings += never_issued_findings(
            evidence.never_issued, is_vouched=evidence.is_denial_vouched
        )
    if genuine:
        findings += declaration_findings(evidence.declared)
        if batch is not None:
            findings += batch_findings(admitted, batch, policy)
        if batch is not None or len(observations) > 1:
            findings += print_findings(genuine, observations, batch)
        if len(genuine) > 1:
            findings += use_findings(genuine, policy)
        if any(observation.act for observation in admitted):
            findings += reuse_findings(admitted, policy)
    simultaneous = evidence.simultaneous
    if evidence.clone_score is not None or simultaneous is not None:
        held_at_once = simultaneous.reason if simultaneous else None
        findings += clone_findings(evidence.clone_score, held_at_once, policy.clone)
    proof = evidence.proof
    if proof is None and simultaneous is not None and simultaneous.is_proof:
        proof = simultaneous.reason
    if proof is not None:
        findings.append(found(FindingKind.CLONE_CONFIRMED, proof))
    if len(findings) > 1:
        findings.sort(key=lambda finding: (-finding.severity.rank, finding.kind))
    return tuple(findings)


def scanning_findings(observations: Sequence[Observation], policy: Policy) -> Iterator[Finding]:
    """What is wrong with the scans themselves: late, a wrong clock, an id used twice."""
    delays_s = [observation.delay_s for observation in observations] or (0,)
    latest_s, ahead_s = max(delays_s), -min(delays_s)
    if latest_s > policy.late_after_hours * 3600:
        reason = because(ReasonCode.ARRIVED_LATE, hours=coarse(latest_s // 3600))
        yield found(FindingKind.LATE, reason)
    if ahead_s > policy.clock_skew_minutes * 60:
        reason = because(ReasonCode.CAPTURED_IN_THE_FUTURE, minutes=coarse(ahead_s // 60))
        yield found(FindingKind.CLOCK_SKEW, reason)
    for one, other in pairwise(observations):
        if one.id == other.id and not is_retry(one, other):
            reason = because(ReasonCode.DIFFERENT_SCANS_UNDER_ONE_ID)
            yield found(FindingKind.SCAN_ID_REUSED, reason)
            return


def refused_code_findings(doubtful: Sequence[Observation]) -> Iterator[Finding]:
    """One finding for each doubt about codes that were scanned under this item's name; mere
    information where one stranger alone sent them."""
    by_doubt: dict[int, list[Observation]] = {}
    vouched = vouched_doubts(doubtful)
    for observation in doubtful:
        by_doubt.setdefault(observation.doubt, []).append(observation)
    for number, observations in sorted(by_doubt.items()):
        doubt = DOUBTS[number]
        assert doubt is not None
        reason = because(ReasonCode.CODE_REFUSED, scanners=_scanners(observations))
        finding = found(FindingKind(doubt), reason)
        if number not in vouched:
            finding = msgspec.structs.replace(finding, severity=Severity.INFO)
        yield finding


def never_issued_findings(match: NotInBatch, *, is_vouched: bool) -> Iterator[Finding]:
    """A valid signature on a print of which no batch holds the serial; mere information where
    it is not vouched for.

    A stolen key, or a factory that prints more than was ordered, makes such codes; so does
    whoever prints the lot of a batch that is withdrawn. An unregistered batch accuses nobody:
    a late manifest is no crime. One such serial in 2^32 passes the filter of a batch
    unnoticed, one in 1,024 a filter of version 0.1.0. A batch without a filter lets every
    serial pass (`authenticity.records.serial_filter`).
    """
    reason = because(ReasonCode.SERIAL_IN_NO_BATCH, batch=match.batch.batch_id)
    finding = found(FindingKind.NEVER_ISSUED, reason)
    yield finding if is_vouched else msgspec.structs.replace(finding, severity=Severity.INFO)


def declaration_findings(declared: Sequence[Batch]) -> Iterator[Finding]:
    """What the issuer declared of a batch of any print that is believed: of several recalled or
    stolen batches the first is named."""
    for status, kind in _KIND_OF_STATUS.items():
        batch = next((each for each in declared if each.status is status), None)
        if batch is not None:
            yield found(kind, because(ReasonCode.DECLARED_BY_ISSUER, batch=batch.batch_id))


def print_findings(
    genuine: Sequence[Observation], observations: Sequence[Observation], batch: Batch | None
) -> Iterator[Finding]:
    """Lots and dates read from the pack, signed or by a known scanner, that differ from one
    another or from the batch. A field that is missing from an unsigned reading, or cut off by
    the scanner, is no difference; of a signed code no scanner takes anything away."""
    signed_lot, signed_expiry = genuine[0].lot, genuine[0].expiry
    registered = int(batch.expiry) if batch and batch.expiry else signed_expiry
    if all(s.lot == signed_lot and s.expiry == registered for s in observations):
        return  # the usual case
    if batch is not None:
        signed_lot = batch.lot or ""
    read_by_others = [s for s in observations if s.authorised and _is_unsigned(s)]
    lots = {s.lot for s in genuine} | {
        s.lot for s in read_by_others if not _is_cut(s.lot, signed_lot)
    }
    for lot in sorted(lots - {signed_lot}):
        reason = because(ReasonCode.LOT_DIFFERS, printed=lot, registered=signed_lot)
        yield found(FindingKind.WRONG_BATCH, reason)
        break
    signed = {s.expiry for s in genuine}
    registered = registered or max(signed)
    expiries = signed | {s.expiry for s in read_by_others if s.expiry}
    if len(signed) == 1:
        expiries.discard(0)  # the maker prints none
    for expiry in sorted(expiries - {registered}):
        if registered:
            printed = f"{expiry:06d}" if expiry else ""
            reason = because(
                ReasonCode.EXPIRY_DIFFERS, printed=printed, registered=f"{registered:06d}"
            )
            yield found(FindingKind.WRONG_EXPIRY, reason)
            break


def _is_cut(lot: str, signed: str) -> bool:
    """Whether an unsigned reading of this lot may be of a pack with the signed one."""
    return not lot or not signed or signed.startswith(lot) or lot.startswith(signed)


def _is_unsigned(observation: Observation) -> bool:
    return DOUBTS[observation.doubt] is Doubt.UNSIGNED


def batch_findings(
    admitted: Sequence[Observation], batch: Batch, policy: Policy
) -> Iterator[Finding]:
    """Whether the batch may be sold, and whether the item left its markets."""
    if batch.released_at is None:
        reason = because(ReasonCode.BATCH_NOT_RELEASED, batch=batch.batch_id)
        yield found(FindingKind.NOT_RELEASED, reason)
    if markets := policy.markets_of(batch):
        yield from diversion_findings(admitted, markets, policy)


def diversion_findings(
    admitted: Sequence[Observation], markets: Collection[str], policy: Policy
) -> Iterator[Finding]:
    """One trusted scan outside the markets, or several networks there, two at least: one is
    a tourist."""
    outside = scans_outside(admitted, markets, policy)
    if not outside:
        return
    trusted = any(observation.authorised for observation in outside)
    if trusted or len(outside) >= max(LEAST_NETWORKS, policy.diverted_sessions):
        reason = because(
            ReasonCode.SCANNED_OUTSIDE_ITS_MARKETS,
            countries=",".join(sorted({observation.country for observation in outside})),
            scanners=_scanners(outside),
        )
        yield found(FindingKind.DIVERTED, reason)


def scans_outside(
    admitted: Sequence[Observation], markets: Collection[str], policy: Policy
) -> list[Observation]:
    """Those in a country that is none of the markets. The maker's own chain goes through any."""
    return [
        observation
        for observation in admitted
        if observation.country in COUNTRY_AREAS
        and observation.country not in markets
        and not is_of_own_chain(observation, policy)
    ]


def use_findings(genuine: Sequence[Observation], policy: Policy) -> Iterator[Finding]:
    """Whether others scanned the item."""
    among = [s for s in genuine if not is_of_own_chain(s, policy)]
    if len({s.session for s in among}) > 1:
        yield seen_before(max(1, distinct_sources(among) - 1))


def seen_before(others: int) -> Finding:
    """The finding that so many others scanned the item, as `distinct_sources` counts them."""
    reason = because(ReasonCode.SCANNED_IN_OTHER_SESSIONS, at_least=coarse(others))
    return found(FindingKind.SEEN_BEFORE, reason)


def reuse_findings(admitted: Sequence[Observation], policy: Policy) -> Iterator[Finding]:
    """Whether the item was seen again after it was destroyed, or sold again by the same shop.

    Rules of the European medicines system (EMVS): a plain check raises no alarm, only a
    second change of state does; the same actor repeating a sale within the undo window is
    information. After it, a return that nobody booked is likelier than a copy: the shop is
    asked, and nobody is told that the pack is false. Only known scanners record acts. Takes
    observations by capture time.
    """
    if reason := _seen_after_destruction(admitted, policy):
        yield found(FindingKind.REUSED_AFTER_END, reason)
    if hours := _hours_between_sales(admitted):
        reason = because(ReasonCode.SOLD_TWICE, hours_between=coarse(hours))
        finding = found(FindingKind.SOLD_AGAIN, reason)
        if hours <= policy.undo_window_days * 24:
            finding = msgspec.structs.replace(finding, severity=Severity.INFO)
        yield finding


def _hours_between_sales(admitted: Sequence[Observation]) -> int:
    """Between the first sale and the last one by the same actor, without an undo between; 0
    for one sale. By another actor it proves two items: see `authenticity.detection.score`."""
    sold: Observation | None = None
    hours = 0
    for observation in admitted:
        act = ACTS[observation.act]
        if act is Act.REACTIVATE:
            sold = None
        elif act is Act.SELL and sold is None:
            sold = observation
        elif act is Act.SELL and sold is not None and observation.actor == sold.actor:
            hours = max(hours, (observation.captured_ms - sold.captured_ms) // _HOUR_MS)
    return hours


def _seen_after_destruction(admitted: Sequence[Observation], policy: Policy) -> Reason | None:
    """Captured elsewhere after it was destroyed: by a known scanner, or from several networks,
    two at least, that had not scanned it before."""
    end = next((s for s in admitted if ACTS[s.act] is Act.DESTROY), None)
    if end is None:
        return None
    after = [
        observation
        for observation in admitted
        if observation.captured_ms > end.captured_ms + policy.end_grace_hours * _HOUR_MS
        and observation.session != end.session
        and not _same_place(observation, end, policy)
    ]
    others = [observation for observation in after if observation.actor != end.actor]
    trusted = any(observation.authorised for observation in others)
    if trusted or len(others) >= max(LEAST_NETWORKS, policy.end_anonymous_sessions):
        return because(ReasonCode.SEEN_AFTER_DESTRUCTION, scanners=_scanners(others))
    return None


def _same_place(one: Observation, other: Observation, policy: Policy) -> bool:
    """Whether both are known to be in one place; an unknown place is not."""
    return bool(one.source and other.source) and distance_km(one, other) <= policy.elsewhere_km


def _scanners(observations: Sequence[Observation]) -> str:
    """Who read it: "trusted", or "anonymous" and a few of their networks, as in the ids of
    the entities that these are."""
    if any(observation.authorised for observation in observations):
        return "trusted"
    networks = sorted({observation.network for observation in observations} - {0})
    return " ".join(["anonymous", *(f"n{each:08x}" for each in networks[:_MOST_NETWORKS_NAMED])])
