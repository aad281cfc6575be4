"""What can be found in an item's history, and how urgent it is."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from authenticity.detection.policy import Severity
from authenticity.trust.verdict import Doubt


class FindingKind(StrEnum):
    """The trigger of each is in `authenticity.detection.assess`; those named as a `Doubt` say that
    codes with this doubt were scanned under this item's name."""

    SEEN_BEFORE = "seen-before"
    CLONE_SUSPECTED = "clone-suspected"
    CLONE_CONFIRMED = "clone-confirmed"
    REUSED_AFTER_END = "reused-after-end"
    WRONG_BATCH = "wrong-batch"
    WRONG_EXPIRY = "wrong-expiry"
    NOT_RELEASED = "not-released"
    NEVER_ISSUED = "never-issued"
    DIVERTED = "diverted"
    RECALLED = "recalled"
    STOLEN = "stolen"
    CLOCK_SKEW = "clock-skew"
    LATE = "late"
    SCAN_ID_REUSED = "scan-id-reused"
    UNREADABLE = "unreadable"
    MANGLED = "mangled"
    UNSIGNED = "unsigned"
    FOREIGN_SIGNATURE = "foreign-signature"
    FORGED = "forged"
    UNKNOWN_ISSUER = "unknown-issuer"
    NOT_ENTITLED = "not-entitled"
    KEY_NOT_VALID = "key-not-valid"
    KEY_REVOKED = "key-revoked"
    STALE_TRUST_LIST = "stale-trust-list"
    CAMPAIGN = "campaign"
    PROBING = "probing"
    POISONING = "poisoning"
    COLLUDING = "colluding"


SEVERITY: Final[dict[FindingKind, Severity]] = {
    FindingKind.SEEN_BEFORE: Severity.INFO,
    FindingKind.CLONE_SUSPECTED: Severity.HIGH,
    FindingKind.CLONE_CONFIRMED: Severity.CRITICAL,
    FindingKind.REUSED_AFTER_END: Severity.HIGH,
    FindingKind.WRONG_BATCH: Severity.HIGH,
    FindingKind.WRONG_EXPIRY: Severity.MEDIUM,
    FindingKind.NOT_RELEASED: Severity.LOW,
    FindingKind.NEVER_ISSUED: Severity.CRITICAL,
    FindingKind.DIVERTED: Severity.MEDIUM,
    FindingKind.RECALLED: Severity.HIGH,
    FindingKind.STOLEN: Severity.HIGH,
    FindingKind.CLOCK_SKEW: Severity.INFO,
    FindingKind.LATE: Severity.INFO,
    FindingKind.SCAN_ID_REUSED: Severity.INFO,
    FindingKind.UNREADABLE: Severity.INFO,
    FindingKind.MANGLED: Severity.INFO,
    FindingKind.UNSIGNED: Severity.MEDIUM,
    FindingKind.FOREIGN_SIGNATURE: Severity.INFO,
    FindingKind.FORGED: Severity.HIGH,
    FindingKind.UNKNOWN_ISSUER: Severity.LOW,
    FindingKind.NOT_ENTITLED: Severity.CRITICAL,
    FindingKind.KEY_NOT_VALID: Severity.MEDIUM,
    FindingKind.KEY_REVOKED: Severity.HIGH,
    FindingKind.STALE_TRUST_LIST: Severity.INFO,
    FindingKind.CAMPAIGN: Severity.CRITICAL,
    FindingKind.PROBING: Severity.HIGH,
    FindingKind.POISONING: Severity.HIGH,
    FindingKind.COLLUDING: Severity.HIGH,
}

FINDING_OF_DOUBT: Final[dict[Doubt, FindingKind]] = {doubt: FindingKind(doubt) for doubt in Doubt}

Fact = int | str | bool


class Reason(Struct, frozen=True):
    """One piece of evidence: a stable code for machines, and the facts behind it.

    Facts carry their unit in the name. Counts are coarse (see `coarse`), so that an
    alert is not published anew with every scan.
    """

    reason: str
    facts: dict[str, Fact]


class Finding(Struct, frozen=True):
    """One reason found in an item's history, with its evidence.

    `probability` stays None until a calibrated detector gives one.
    """

    kind: FindingKind
    severity: Severity
    probability: float | None
    reasons: tuple[Reason, ...]


def found(kind: FindingKind, *reasons: Reason, probability: float | None = None) -> Finding:
    """A finding of this kind with its usual severity."""
    return Finding(kind, SEVERITY[kind], probability, reasons)


def because(reason: str, **facts: Fact) -> Reason:
    """A reason with its facts, in the order given."""
    return Reason(reason, facts)


def coarse(count: int) -> int:
    """The largest power of two that is not above `count`: "at least so many"."""
    return 1 << (count.bit_length() - 1) if count > 0 else 0
