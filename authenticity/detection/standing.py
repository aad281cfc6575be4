"""An item's standing: the verdict on its codes and its findings, in one word.

Also the lines that `touchstone replay` and `touchstone export` print, so that two
engines can be compared byte for byte.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from authenticity.detection.assess import assess, batch_of, split
from authenticity.detection.findings import Finding, FindingKind
from authenticity.detection.policy import Policy
from authenticity.gs1.item import ItemId
from authenticity.history.history import History, distinct_scans
from authenticity.records.batch import Batch, BatchRegistry
from authenticity.records.scan import from_epoch_ms
from authenticity.trust.verdict import Doubt


class Standing(StrEnum):
    """What people are told; see docs/verdicts.md for the words."""

    VERIFIED = "verified"
    SEEN_BEFORE = "seen-before"
    CAUTION = "caution"
    SUSPECT = "suspect"
    NOT_ISSUED = "not-issued"
    UNREADABLE = "unreadable"


STANDING_OF_DOUBT: Final[dict[Doubt, Standing]] = {
    Doubt.UNREADABLE: Standing.UNREADABLE,
    Doubt.MANGLED: Standing.UNREADABLE,
    Doubt.FOREIGN_SIGNATURE: Standing.UNREADABLE,
    Doubt.STALE_TRUST_LIST: Standing.UNREADABLE,
    Doubt.UNSIGNED: Standing.NOT_ISSUED,
    Doubt.UNKNOWN_ISSUER: Standing.NOT_ISSUED,
    Doubt.FORGED: Standing.SUSPECT,
    Doubt.NOT_ENTITLED: Standing.SUSPECT,
    Doubt.KEY_NOT_VALID: Standing.SUSPECT,
    Doubt.KEY_REVOKED: Standing.SUSPECT,
}

_WORST_FIRST: Final = (Standing.SUSPECT, Standing.NOT_ISSUED, Standing.UNREADABLE)
_STANDING_OF_FINDING: Final[dict[FindingKind, Standing]] = {
    FindingKind.NEVER_ISSUED: Standing.SUSPECT,
    FindingKind.CLONE_CONFIRMED: Standing.SUSPECT,
    FindingKind.STOLEN: Standing.SUSPECT,
    FindingKind.RECALLED: Standing.SUSPECT,
    FindingKind.REUSED_AFTER_END: Standing.SUSPECT,
    FindingKind.CLONE_SUSPECTED: Standing.CAUTION,
    FindingKind.WRONG_BATCH: Standing.CAUTION,
    FindingKind.WRONG_EXPIRY: Standing.CAUTION,
    FindingKind.SEEN_BEFORE: Standing.SEEN_BEFORE,
}
_GENUINE_WORST_FIRST: Final = (Standing.SUSPECT, Standing.CAUTION, Standing.SEEN_BEFORE)


class Assessment(Struct, frozen=True):
    """Standing and findings of one item. `scans` is exact while small, then an estimate.

    `first` and `last` are capture times, UTC, of the codes the standing rests on.
    """

    standing: Standing
    findings: tuple[Finding, ...]
    scans: int
    first: datetime
    last: datetime
    batch: Batch | None


def assess_item(
    item: ItemId, history: History, batch_registry: BatchRegistry, policy: Policy
) -> Assessment:
    """The standing of an item with this history, which must not be empty.

    Where a genuine code was ever scanned the standing rests on the genuine scans alone:
    a forged code under the same serial is a finding, but no stain on the genuine pack.
    """
    batch = batch_of(item, history, batch_registry)
    findings = assess(history, batch, policy)
    genuine, doubtful = split(history, batch)
    basis = genuine or doubtful
    if genuine:
        of_findings = {_STANDING_OF_FINDING.get(finding.kind) for finding in findings}
        standing = next((s for s in _GENUINE_WORST_FIRST if s in of_findings), Standing.VERIFIED)
    else:
        of_doubts = {STANDING_OF_DOUBT[Doubt(f.kind)] for f in findings if f.kind in _DOUBT_KINDS}
        standing = next(s for s in _WORST_FIRST if s in of_doubts)
    return Assessment(
        standing,
        findings,
        distinct_scans(basis),
        from_epoch_ms(min(observation.captured_ms for observation in basis)),
        from_epoch_ms(max(observation.captured_ms for observation in basis)),
        batch,
    )


_DOUBT_KINDS: Final = frozenset(FindingKind(doubt) for doubt in Doubt)
