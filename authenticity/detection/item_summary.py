"""The summary of one item: its standing, its findings, how many scanned it, and when."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from authenticity.detection.assess import ItemAssessment, assess_history
from authenticity.detection.evidence import vouched_doubts
from authenticity.detection.findings import FINDINGS, STANDING_OF_DOUBT, Finding, FindingKind
from authenticity.detection.policy import Policy
from authenticity.detection.prints import is_listed
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId
from authenticity.history.history import History, distinct_scans, distinct_sources
from authenticity.history.observation import DOUBTS
from authenticity.records.batch_registry import BatchMatch, BatchRegistry
from authenticity.records.scan import from_epoch_ms

_GENUINE_WORST_FIRST: Final = (Standing.SUSPECT, Standing.CAUTION, Standing.SEEN_BEFORE)
_DOUBTFUL_WORST_FIRST: Final = (
    Standing.SUSPECT,
    Standing.NOT_ISSUED,
    Standing.CAUTION,
    Standing.UNREADABLE,
)


class ItemSummary(Struct, frozen=True):
    """Standing and findings of one item. `scans`: by at least so many it was scanned, as
    `distinct_sources` counts them, with the codes that the standing rests on; `kept`: how many
    of these scans the history keeps, which is no more than there were.

    `first` and `last` are the earliest and latest of these scans that the history knows of,
    UTC: captures by known scanners, arrivals of anonymous scans.
    """

    standing: Standing
    findings: tuple[Finding, ...]
    scans: int
    kept: int
    first: datetime
    last: datetime
    batch_match: BatchMatch


def summarize_item(
    item: ItemId, history: History, batch_registry: BatchRegistry, policy: Policy
) -> ItemSummary:
    """The summary of an item with this history, which must not be empty."""
    assessment = assess_history(item, history, batch_registry, policy)
    evidence, findings = assessment
    basis = evidence.genuine or evidence.doubtful
    told_ms = [observation.told_ms for observation in basis]
    return ItemSummary(
        standing_of(assessment),
        findings,
        distinct_sources(basis),
        distinct_scans(basis),
        from_epoch_ms(min(told_ms)),
        from_epoch_ms(max(told_ms)),
        evidence.batch_match,
    )


def standing_of(assessment: ItemAssessment) -> Standing:
    """The standing of an item whose history is not empty.

    Where a genuine code was ever scanned the standing rests on the genuine scans alone:
    a forged code under the same serial is a finding, but no stain on the genuine pack. Nor is a
    code that was never issued, where the list of another print's batch holds the serial. Where
    none was, what one stranger alone sent makes no item suspect.
    """
    evidence, findings = assessment
    if not evidence.genuine:
        vouched = vouched_doubts(evidence.doubtful)
        reached = {
            _of_doubt(observation.doubt, observation.doubt in vouched)
            for observation in evidence.doubtful
        }
        return next(standing for standing in _DOUBTFUL_WORST_FIRST if standing in reached)
    rows = [FINDINGS[finding.kind] for finding in findings]
    if is_listed(evidence.batch_match):
        rows = [row for row in rows if row.kind is not FindingKind.NEVER_ISSUED]
    led_to = {row.standing for row in rows if row.public}
    return next((each for each in _GENUINE_WORST_FIRST if each in led_to), Standing.VERIFIED)


def _of_doubt(number: int, vouched: bool) -> Standing:
    doubt = DOUBTS[number]
    assert doubt is not None
    standing = STANDING_OF_DOUBT[doubt]
    return Standing.NOT_ISSUED if standing is Standing.SUSPECT and not vouched else standing
