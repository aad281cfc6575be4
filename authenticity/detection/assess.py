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
from authenticity.detection.score import Weighed, clone_confirmed, clone_suspected, weigh
from authenticity.detection.sessions import own_numbers
from authenticity.gs1.item import ItemId, gtin_of, serial_of
from authenticity.history.history import History, by_capture
from authenticity.history.observation import DOUBTS, Sighting
from authenticity.records.batch import Batch, BatchStatus, Catalogue, PrintOnly
from authenticity.trust.verdict import Doubt


class Appraisal(NamedTuple):
    """A history taken apart: sightings of codes to be believed, the others, what the former
    weigh, where there is something to compare, and whether known scanners prove copies."""

    genuine: list[Sighting]
    doubtful: list[Sighting]
    weighed: Weighed | None
    confirmed: Finding | None


def appraise(history: History, batch: Batch | None, policy: Policy) -> Appraisal:
    """What `assess` and `authenticity.detection.signals.clues_of` both rest on, to be made once."""
    genuine, doubtful = split(history, batch)
    policy = policy.of(batch)
    weighed = weigh(genuine, batch, policy) if len(genuine) > 1 else None
    acted = any(sighting.act for sighting in genuine)
    confirmed = clone_confirmed(genuine, policy.elsewhere_km) if acted else None
    return Appraisal(genuine, doubtful, weighed, confirmed)


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
    sightings = history.sightings
    if len(sightings) == 1 and batch is None and not sightings[0].doubt:
        return tuple(_of_scanning(sightings, policy))  # the usual case: seen once, nothing known
    genuine, doubtful, weighed, confirmed = appraisal or appraise(history, batch, policy)
    findings: list[Finding] = [*_of_scanning(sightings, policy), *_of_doubts(doubtful)]
    findings += never_issued(batch)
    if genuine:
        findings += _of_print(genuine, sightings, batch)
        findings += _of_batch(genuine, batch, policy)
        findings += _of_use(genuine, weighed, policy)
    if confirmed is not None:
        findings.append(confirmed)
    return tuple(sorted(findings, key=lambda finding: (-finding.severity.rank, finding.kind)))


def batch_of(item: ItemId, history: History, catalogue: Catalogue) -> Batch | None:
    """The registered batch of an item, by what its earliest issued sighting prints."""
    gtin, serial = gtin_of(item), serial_of(item)
    issued = (sighting for sighting in history.sightings if sighting.issued)
    first = min(issued, key=by_capture, default=None)
    if gtin is None or serial is None or first is None:
        return None
    expiry = f"{first.expiry:06d}" if first.expiry else None
    return catalogue.find(gtin, first.lot or None, expiry, serial)


def split(history: History, batch: Batch | None) -> tuple[list[Sighting], list[Sighting]]:
    """Sightings of a code to be believed, and the others.

    Where two trust lists disagreed on one scan, the newer one counts. A code under a
    revoked key is believed if its batch was registered, with that key and this serial, before.
    """
    genuine: list[Sighting] = []
    doubtful: list[Sighting] = []
    for sighting in _newest_judgements(history.sightings):
        (genuine if _believed(sighting, batch) else doubtful).append(sighting)
    genuine.sort(key=by_capture)
    return genuine, doubtful


def _newest_judgements(sightings: Sequence[Sighting]) -> Iterator[Sighting]:
    """Each content once; equal contents are neighbours in a history."""
    previous: Sighting | None = None
    for sighting in sightings:
        if previous is not None:
            if previous.id != sighting.id or previous.content != sighting.content:
                yield previous
            elif previous.trust_version > sighting.trust_version:
                continue
        previous = sighting
    if previous is not None:
        yield previous


def _believed(sighting: Sighting, batch: Batch | None) -> bool:
    if not sighting.doubt:
        return True
    if DOUBTS[sighting.doubt] is not Doubt.KEY_REVOKED:
        return False
    if batch is None or isinstance(batch, PrintOnly):
        return False
    return batch.registered_at.timestamp() * 1000 < sighting.revoked_ms


def _of_scanning(sightings: Sequence[Sighting], policy: Policy) -> Iterator[Finding]:
    delays_s = [sighting.delay_s for sighting in sightings] or [0]
    latest_s, ahead_s = max(delays_s), -min(delays_s)
    if latest_s > policy.late_after_hours * 3600:
        yield found(FindingKind.LATE, because("arrived-late", hours=coarse(latest_s // 3600)))
    if ahead_s > policy.clock_skew_minutes * 60:
        reason = because("captured-in-the-future", minutes=coarse(ahead_s // 60))
        yield found(FindingKind.CLOCK_SKEW, reason)
    for one, other in pairwise(sightings):
        if one.id == other.id and one.content != other.content:
            yield found(FindingKind.SCAN_ID_REUSED, because("different-scans-under-one-id"))
            return


def _of_doubts(doubtful: Sequence[Sighting]) -> Iterator[Finding]:
    by_doubt: dict[int, list[Sighting]] = {}
    for sighting in doubtful:
        by_doubt.setdefault(sighting.doubt, []).append(sighting)
    for number, sightings in sorted(by_doubt.items()):
        doubt = DOUBTS[number]
        assert doubt is not None
        kind = FINDING_OF_DOUBT[doubt]
        scanners = "trusted" if any(s.authorised for s in sightings) else "anonymous"
        yield Finding(kind, SEVERITY[kind], None, (because("code-refused", scanners=scanners),))


def _of_print(
    genuine: Sequence[Sighting], sightings: Sequence[Sighting], batch: Batch | None
) -> Iterator[Finding]:
    """Lots and dates read from the pack, signed or by a trusted scanner, against one another
    and the batch. A field that is missing, or cut off by the scanner, is no difference."""
    signed_lot, signed_expiry = genuine[0].lot, genuine[0].expiry
    registered = int(batch.expiry) if batch and batch.expiry else signed_expiry
    if all(s.lot == signed_lot and s.expiry == registered for s in sightings):
        return  # the usual case
    read_by_others = [s for s in sightings if s.authorised and _is_unsigned(s)]
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


def _is_unsigned(sighting: Sighting) -> bool:
    return DOUBTS[sighting.doubt] is Doubt.UNSIGNED


def _of_batch(
    genuine: Sequence[Sighting], batch: Batch | None, policy: Policy
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
    genuine: Sequence[Sighting], markets: Collection[str], policy: Policy
) -> Iterator[Finding]:
    """One trusted scan outside the markets, or several sessions there: one is a tourist.
    The maker's own chain goes through any country."""
    ours = own_numbers(policy.own_supply_chain)
    outside = [
        sighting
        for sighting in genuine
        if sighting.country and sighting.country not in markets and sighting.channel not in ours
    ]
    trusted = any(sighting.authorised for sighting in outside)
    if trusted or len({sighting.session for sighting in outside}) >= policy.diverted_sessions:
        countries = ",".join(sorted({sighting.country for sighting in outside}))
        reason = because(
            "scanned-outside-its-markets",
            countries=countries,
            scanners="trusted" if trusted else "anonymous",
        )
        yield found(FindingKind.DIVERTED, reason)


def _of_use(
    genuine: Sequence[Sighting], weighed: Weighed | None, policy: Policy
) -> Iterator[Finding]:
    ours = own_numbers(policy.own_supply_chain)
    sessions = {s.session for s in genuine if s.channel not in ours}
    if len(sessions) > 1:
        reason = because("scanned-in-other-sessions", at_least=coarse(len(sessions) - 1))
        yield found(FindingKind.SEEN_BEFORE, reason)
    if weighed is not None:
        yield from clone_suspected(weighed, policy.clone)
    if any(sighting.act for sighting in genuine):
        yield from reused_after_end(genuine, policy)
