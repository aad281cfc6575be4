"""The answer to "is this genuine?", put together for one caller.

1. The code in hand decides first. Doubtful: its doubt is the standing, and the item's
   history is shown only to a role that is entitled to it (invariant "no oracle").
2. Genuine: the item's history is assessed with this scan in it.
3. No history within the deadline: the answer rests on the code alone, and is provisional.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from authenticity.detection.alerts import Alert, alert_id, told_of_item
from authenticity.detection.assess import assess_history
from authenticity.detection.caller_assessment import CallerAssessment, assess_for_caller
from authenticity.detection.findings import (
    PUBLIC_FINDINGS,
    STANDING_OF_DOUBT,
    Finding,
    FindingKind,
)
from authenticity.detection.policy import Policy, Severity
from authenticity.detection.reasons import Reason
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId, gtin_and_serial
from authenticity.history.history import History
from authenticity.history.observation import Observation
from authenticity.records.batch_registry import BatchRegistry, batch_printed
from authenticity.records.serial import ALPHABET
from authenticity.trust.verdict import Doubt, Doubtful, Genuine, Note, Verdict
from ledger.records import PartsHeld
from verifier_api.auth.principals import Audience, Principal
from verifier_api.i18n.advice import Advice, Cause, Gap, Occasion, advise
from verifier_api.i18n.findings import LocalizedFinding, localize
from verifier_api.i18n.translator import Translator
from verifier_api.services.serial_lists import standing_with_list


class FindingSeen(Struct, frozen=True):
    """A finding as far as the caller may see it: `probability`, `reasons`, `words` and
    `alert_id` by role. `words` are null for consumers, whom `advice` tells what they need."""

    kind: FindingKind
    severity: Severity
    probability: float | None
    reasons: tuple[Reason, ...]
    alert_id: str | None
    words: LocalizedFinding | None


class Answer(Struct, frozen=True):
    """What the service says about one code.

    `verdict` and `doubt` are about the code alone, `standing` is the whole. `issuer`
    holds the company prefix of the GTIN; it made the code only if `verdict` is
    Genuine. `scans`: how many others scanned it, at
    least: networks, and sessions of which no network is known. `first` and `last`: when, by
    arrival where the scanner is anonymous. They leave out the caller's own session. `item`,
    `lot` and `expiry` (YYMMDD) are read from the code, and proven only if Genuine.
    `findings_of_batch` are about the whole batch, for those entitled to the item. So is
    `serial_list`: how much of the list of the batch's serials is here, where the part that
    this serial falls into is missing; null otherwise.
    """

    standing: Standing
    verdict: str
    doubt: Doubt | None
    detail: str
    offset: int | None
    item: ItemId | None
    issuer: str | None
    lot: str | None
    expiry: str | None
    notes: tuple[Note, ...]
    findings: tuple[FindingSeen, ...]
    findings_of_batch: tuple[FindingSeen, ...]
    scans: int
    first: datetime | None
    last: datetime | None
    provisional: bool
    recorded: bool
    scan_id: str | None
    reference: str
    trust_list_version: int
    policy_version: str
    advice: Advice
    serial_list: PartsHeld | None = None


class Checked(NamedTuple):
    """An answer that is not paid for yet, and whether its code names an invented serial (see
    the function `is_invented`)."""

    answer: Answer
    is_invented: bool


class Known(Struct, frozen=True):
    """What the ledger said of an item in time. `of_batch`: the standing alerts about the
    batch that its code names; `serial_list`: how much of the batch's serial list is here,
    where its part is missing. Both are asked for those entitled to them alone."""

    history: History | None
    batch_registry: BatchRegistry
    of_batch: tuple[Alert, ...] = ()
    serial_list: PartsHeld | None = None


class Question(Struct, frozen=True):
    """One scan of one code by one principal. `at` is the service's clock, for dates in the
    answer's text."""

    verdict: Verdict
    observation: Observation
    principal: Principal
    translator: Translator
    at: datetime
    trust_list_version: int


_PAIRS: Final = tuple(one + other for other in ALPHABET for one in ALPHABET)


def item_to_look_up(verdict: Verdict, principal: Principal) -> ItemId | None:
    """The item whose history this principal may have, else None.

    A code under a revoked key was issued all the same; whether its batch was
    registered before the revocation only the ledger can tell.
    """
    if isinstance(verdict, Genuine) or verdict.doubt is Doubt.KEY_REVOKED:
        return verdict.item
    return verdict.item if principal.is_entitled_to(verdict.item) else None


def answer(question: Question, known: Known | None, policy: Policy) -> Answer:
    """The answer, not yet recorded. `known` is None where the ledger was not asked in time."""
    verdict = question.verdict
    asked = item_to_look_up(verdict, question.principal)
    assessment = None
    if known is not None and asked is not None:
        assessment = assess_for_caller(
            asked, question.observation, known.history, known.batch_registry, policy
        )
    if assessment is not None:
        serial_list = known.serial_list if known is not None else None
        answer = _with_history(question, assessment, policy, serial_list)
        return answer if known is None else _with_batch_findings(question, answer, known.of_batch)
    provisional = asked is not None and known is None
    if isinstance(verdict, Genuine):
        return _worded(question, Standing.VERIFIED, None, provisional, policy, ())
    findings: tuple[Finding, ...] = ()
    if asked is not None and known is not None and known.history is not None:
        # A revoked key opened the lookup for everybody, but not what was found by it.
        entitled = question.principal.is_entitled_to(asked)
        if entitled:
            assessed = assess_history(asked, known.history, known.batch_registry, policy)
            findings = assessed.findings
    standing = STANDING_OF_DOUBT[verdict.doubt]
    return _worded(question, standing, verdict.doubt, provisional, policy, findings)


def is_invented(verdict: Verdict, known: Known | None) -> bool:
    """Whether the signature of this code verifies, and its serial is in no list that is here of
    the batches with its print: made with a stolen key, or tried out, as far as can be told.
    Whatever the answer says of it, a refusal or a recall, tells that it is in none."""
    if known is None or verdict.item is None:
        return False
    names = gtin_and_serial(verdict.item)
    if names is None:
        return False
    gtin, serial = names
    return known.batch_registry.is_in_no_list(gtin, verdict.lot, serial)


def _with_batch_findings(question: Question, answer: Answer, alerts: tuple[Alert, ...]) -> Answer:
    """With the alerts that stand about the batch, for an officer or its rights-holder."""
    audience = question.principal.audience_for(answer.item)
    if audience is Audience.CONSUMER or not alerts:
        return answer
    seen = tuple(
        FindingSeen(
            alert.kind,
            alert.severity,
            alert.probability,
            alert.reasons,
            alert.id if audience is Audience.RIGHTS_HOLDER else None,
            localize(alert.kind, alert.probability, alert.reasons, question.translator),
        )
        for alert in alerts
    )
    return msgspec.structs.replace(answer, findings_of_batch=seen)


def _with_history(
    question: Question,
    assessment: CallerAssessment,
    policy: Policy,
    serial_list: PartsHeld | None,
) -> Answer:
    kinds = {finding.kind for finding in assessment.findings}
    cause: Cause = None
    if assessment.standing in (Standing.CAUTION, Standing.SUSPECT):
        cause = next((kind for kind in PUBLIC_FINDINGS if kind in kinds), None)
    standing = standing_with_list(assessment.standing, assessment.batch_match)
    if standing is not assessment.standing:
        cause = Gap.SERIAL_LIST
    return _worded(
        question,
        standing,
        cause,
        cause is Gap.SERIAL_LIST,
        policy,
        assessment.findings,
        assessment=assessment,
        serial_list=serial_list,
    )


def _worded(
    question: Question,
    standing: Standing,
    cause: Cause,
    provisional: bool,
    policy: Policy,
    findings: Sequence[Finding],
    *,
    assessment: CallerAssessment | None = None,
    serial_list: PartsHeld | None = None,
) -> Answer:
    verdict = question.verdict
    audience = question.principal.audience_for(verdict.item)
    if audience is Audience.CONSUMER:
        serial_list = None
    occasion = _occasion(question, standing, cause, provisional, findings, assessment, serial_list)
    doubtful = verdict if isinstance(verdict, Doubtful) else None
    return Answer(
        standing=standing,
        verdict="Doubtful" if doubtful else "Genuine",
        doubt=doubtful.doubt if doubtful else None,
        detail=doubtful.detail if doubtful else "",
        offset=doubtful.offset if doubtful else None,
        item=verdict.item,
        issuer=verdict.issuer_name,
        lot=verdict.lot,
        expiry=verdict.expiry,
        notes=verdict.notes,
        findings=_visible(
            findings,
            verdict.item,
            audience,
            policy.of(batch_printed(assessment.batch_match) if assessment else None),
            question.translator,
        ),
        findings_of_batch=(),
        scans=occasion.others,
        first=occasion.first,
        last=assessment.last if assessment else None,
        provisional=occasion.provisional,
        recorded=False,
        scan_id=None,
        reference=reference_of(question.observation),
        trust_list_version=question.trust_list_version,
        policy_version=policy.version,
        advice=advise(occasion, audience, question.translator),
        serial_list=serial_list,
    )


def _occasion(
    question: Question,
    standing: Standing,
    cause: Cause,
    provisional: bool,
    findings: Sequence[Finding],
    assessment: CallerAssessment | None,
    serial_list: PartsHeld | None,
) -> Occasion:
    verdict = question.verdict
    unregistered = assessment is not None and assessment.unregistered
    return Occasion(
        standing=standing,
        cause=cause,
        issuer=verdict.issuer_name,
        others=assessment.scans if assessment else 0,
        first=assessment.first if assessment else None,
        provisional=provisional
        or (isinstance(verdict, Genuine) and verdict.provisional)
        or (standing.is_good and unregistered),
        unregistered=unregistered,
        at=question.at,
        serial_list=None if serial_list is None else (serial_list.held, serial_list.parts),
        probability=next((f.probability for f in findings if f.kind is cause), None),
    )


def _visible(
    findings: Sequence[Finding],
    item: ItemId | None,
    audience: Audience,
    policy: Policy,
    translator: Translator,
) -> tuple[FindingSeen, ...]:
    if audience is Audience.CONSUMER:
        public = {f.kind: f for f in findings if f.kind in PUBLIC_FINDINGS}
        return tuple(
            FindingSeen(kind, public[kind].severity, None, (), None, None)
            for kind in PUBLIC_FINDINGS
            if kind in public
        )
    with_alerts = audience is Audience.RIGHTS_HOLDER and item is not None
    alerted = {finding.kind for finding in told_of_item(findings, policy)}
    return tuple(
        FindingSeen(
            finding.kind,
            finding.severity,
            finding.probability,
            finding.reasons,
            alert_id(item, finding.kind)
            if with_alerts and item and finding.kind in alerted
            else None,
            localize(finding.kind, finding.probability, finding.reasons, translator),
        )
        for finding in findings
    )


def reference_of(observation: Observation) -> str:
    """Twelve characters for a phone call, `XXXX-XXXX-XXXX`.

    They are of a hash of the scan's id in the item's history, so that a recorded scan can be
    found by them, and tell nobody the id, which decides what a history keeps; their alphabet
    has no 0 O 1 I L.
    """
    number = int.from_bytes(blake2b(observation.id.to_bytes(8), digest_size=8).digest())
    pairs = []
    for _ in range(6):
        number, place = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[place])
    text = "".join(pairs)
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"
