"""An item's standing for the one who scans it now, code in hand.

`summarize_item` says what stands in an item's history. Whoever scans a pack asks a
narrower question: is the code in *my* hand believed, and has anybody *else* scanned it?
"""

from datetime import datetime

from msgspec import Struct

from authenticity.detection.assess import ItemAssessment
from authenticity.detection.evidence import evidence_of, is_believed
from authenticity.detection.findings import Finding, FindingKind
from authenticity.detection.item_summary import standing_of
from authenticity.detection.policy import Policy
from authenticity.detection.prints import prints_of
from authenticity.detection.reasons import coarse
from authenticity.detection.rules import item_findings, seen_before
from authenticity.detection.sessions import is_of_own_chain
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId, gtin_of
from authenticity.history.history import SAMPLE, History, distinct_sources, history_of, merge
from authenticity.history.observation import Observation
from authenticity.records.batch_registry import BatchMatch, BatchRegistry, Unregistered
from authenticity.records.scan import from_epoch_ms


class CallerAssessment(Struct, frozen=True):
    """Standing and findings for one caller at one scan.

    `scans`, `first` and `last` are about others' scans of believed codes: those of the
    caller's own session do not count. At least `scans` others there were, as
    `distinct_sources` counts them: all that a history keeps up to six, then the power of two
    below. `first` and `last` are the earliest and latest that the history knows of, None
    without such a scan: captures by known scanners, arrivals of anonymous scans.
    `unregistered`: the maker registers batches of this product, and has registered none with
    this print: late, or not the maker's.
    """

    standing: Standing
    findings: tuple[Finding, ...]
    scans: int
    first: datetime | None
    last: datetime | None
    batch_match: BatchMatch
    unregistered: bool


def assess_for_caller(
    item: ItemId,
    observation: Observation,
    history: History | None,
    batch_registry: BatchRegistry,
    policy: Policy,
) -> CallerAssessment | None:
    """What the caller's observation and the item's history give; None if its code is not believed.

    The history is assessed with the observation in it, so the answer is the same whether
    it was merged already or not, and a repeated scan gets the same answer. Whether the code was
    issued, and of which batch it is, its own print says alone: a code with another print under
    its serial is a finding, `wrong-batch`, and makes this one neither better nor never issued.
    """
    alone = history_of([observation])
    known = merge(history, alone) if history else alone
    prints = prints_of(item, (observation, *known.observations), batch_registry)
    batch_match = prints.of(observation).match
    if not is_believed(observation, batch_match):
        return None
    evidence = evidence_of(known, prints, policy, in_hand=observation)
    assessment = ItemAssessment(evidence, item_findings(evidence))
    others = [s for s in evidence.genuine if s.session != observation.session] if history else []
    standing = standing_of(assessment)
    findings = tuple(f for f in assessment.findings if f.kind is not FindingKind.SEEN_BEFORE)
    # A case that passed through the maker's chain was scanned by nobody; a pack with an act was.
    if any(other.act or not is_of_own_chain(other, evidence.policy) for other in others):
        known_before = [f for f in assessment.findings if f.kind is FindingKind.SEEN_BEFORE]
        findings += tuple(known_before) or (seen_before(distinct_sources(others)),)
        if standing is Standing.VERIFIED:
            standing = Standing.SEEN_BEFORE
    elif standing is Standing.SEEN_BEFORE:
        standing = Standing.VERIFIED
    told_ms = [other.told_ms for other in others]
    unregistered = isinstance(batch_match, Unregistered)
    return CallerAssessment(
        standing,
        findings,
        _at_least(distinct_sources(others)),
        from_epoch_ms(min(told_ms)) if told_ms else None,
        from_epoch_ms(max(told_ms)) if told_ms else None,
        batch_match,
        unregistered and batch_registry.knows(gtin_of(item) or ""),
    )


def _at_least(count: int) -> int:
    return max(min(count, SAMPLE), coarse(count))
