"""What can be found in an item's history: one row of `FINDINGS` for each kind.

Whoever adds a kind adds a member of `FindingKind`, its row, and the rule that finds it
(`authenticity.detection.rules`, or `authenticity.detection.signals` for what many items
together say). Texts are English; `verifier_api.i18n` translates them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import Struct

from authenticity.detection.policy import Severity
from authenticity.detection.reasons import Reason
from authenticity.detection.standing import Standing
from authenticity.trust.verdict import Doubt


class FindingKind(StrEnum):
    """What can be found. A kind that is named like a doubt of a verdict says that codes with
    this doubt were scanned under this item's name."""

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
    NEWER_KEY = "newer-key"
    SOLD_AGAIN = "sold-again"


COPIES: Final = "copies"
REFUSED: Final = "refused"
MISPLACED: Final = "misplaced"
VOUCHED: Final = "vouched"
UNRELEASED: Final = "unreleased"
ABROAD: Final = "abroad"
SEEN_ABROAD: Final = "seen-abroad"
"""Kinds of `authenticity.detection.signals.Signal`."""
SIGNAL_KINDS: Final = (ABROAD, COPIES, MISPLACED, REFUSED, SEEN_ABROAD, UNRELEASED, VOUCHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """All that is fixed for one kind of finding.

    `public`: anybody with the signed code in hand may know of it, without its reasons, which
    name places and times of other people's scans; `public_text` is what they are told, with
    `{issuer}`. `standing`: what it leads to; that of a doubt holds only where no code of the
    item was ever believed. `signals`: the kinds of signal that it is found from, for findings
    about a batch or a scanner. `per_batch`: it is found of items, and alerted about their batch.
    `inspect`: what to look at with the item in hand.
    """

    kind: FindingKind
    severity: Severity
    title: str
    public: bool = False
    public_text: str = ""
    standing: Standing | None = None
    signals: tuple[str, ...] = ()
    per_batch: bool = False
    inspect: tuple[str, ...] = ()


_COMPARE_PRINT: Final = "Compare the printed lot and date with those in the code."

_PUBLIC: Final = (  # most telling first
    FindingRow(
        kind=FindingKind.NEVER_ISSUED,
        severity=Severity.CRITICAL,
        title="Validly signed, but never issued",
        public=True,
        public_text="This code was not issued by {issuer}: its serial number is not among those "
        "issued.",
        standing=Standing.SUSPECT,
        inspect=(
            "Ask the maker about this serial number: a key may be stolen, or more was made than"
            " ordered.",
        ),
    ),
    FindingRow(
        kind=FindingKind.CLONE_CONFIRMED,
        severity=Severity.CRITICAL,
        title="Copies of this pack are proven",
        public=True,
        public_text="This code is on more than one pack, so at least one of them is a copy.",
        standing=Standing.SUSPECT,
        inspect=(
            "At least one pack with this code is a copy: have the security features examined.",
        ),
    ),
    FindingRow(
        kind=FindingKind.STOLEN,
        severity=Severity.HIGH,
        title="Reported stolen",
        public=True,
        public_text="{issuer} has reported these packs stolen.",
        standing=Standing.SUSPECT,
    ),
    FindingRow(
        kind=FindingKind.RECALLED,
        severity=Severity.HIGH,
        title="Recalled by the maker",
        public=True,
        public_text="{issuer} has recalled these packs.",
        standing=Standing.SUSPECT,
    ),
    FindingRow(
        kind=FindingKind.REUSED_AFTER_END,
        severity=Severity.HIGH,
        title="Used again after its end",
        public=True,
        public_text="A pack with this code was already sold or destroyed.",
        standing=Standing.SUSPECT,
        inspect=("Look for a broken seal, refilling or signs of use.",),
    ),
    FindingRow(
        kind=FindingKind.CLONE_SUSPECTED,
        severity=Severity.HIGH,
        title="Copies of this pack are suspected",
        public=True,
        public_text="Genuine code, but copies may exist: this code has been scanned elsewhere too. "
        "Compare lot and expiry with the pack.",
        standing=Standing.CAUTION,
        inspect=("Compare lot, expiry and security features with a known pack.",),
    ),
    FindingRow(
        kind=FindingKind.WRONG_BATCH,
        severity=Severity.HIGH,
        title="Another lot was read from a pack with this code",
        public=True,
        public_text="Genuine code, but another lot was seen on a pack with this code. "
        "Compare lot and expiry with the pack.",
        standing=Standing.CAUTION,
        inspect=(_COMPARE_PRINT,),
    ),
    FindingRow(
        kind=FindingKind.WRONG_EXPIRY,
        severity=Severity.MEDIUM,
        title="Another expiry date was read from a pack with this code",
        public=True,
        public_text="Genuine code, but another expiry date was seen on a pack with this code. "
        "Compare lot and expiry with the pack.",
        standing=Standing.CAUTION,
        inspect=(_COMPARE_PRINT,),
    ),
    FindingRow(
        kind=FindingKind.SEEN_BEFORE,
        severity=Severity.INFO,
        title="Scanned before by others",
        public=True,
        standing=Standing.SEEN_BEFORE,
    ),
)
_OF_DOUBTS: Final = (
    FindingRow(
        kind=FindingKind.UNREADABLE,
        severity=Severity.INFO,
        title="Text that is no code",
        standing=Standing.UNREADABLE,
    ),
    FindingRow(
        kind=FindingKind.MANGLED,
        severity=Severity.INFO,
        title="Damaged codes under this name",
        standing=Standing.UNREADABLE,
    ),
    FindingRow(
        kind=FindingKind.UNSIGNED,
        severity=Severity.MEDIUM,
        title="Codes without a signature under this name",
        standing=Standing.NOT_ISSUED,
    ),
    FindingRow(
        kind=FindingKind.FOREIGN_SIGNATURE,
        severity=Severity.INFO,
        title="Codes of another system under this name",
        standing=Standing.UNREADABLE,
    ),
    FindingRow(
        kind=FindingKind.FORGED,
        severity=Severity.HIGH,
        title="Codes with a forged signature under this name",
        standing=Standing.SUSPECT,
    ),
    FindingRow(
        kind=FindingKind.UNKNOWN_ISSUER,
        severity=Severity.LOW,
        title="Codes that no known maker stands behind",
        standing=Standing.NOT_ISSUED,
    ),
    FindingRow(
        kind=FindingKind.NOT_ENTITLED,
        severity=Severity.CRITICAL,
        title="Signed by a company that may not sign for this product",
        standing=Standing.SUSPECT,
    ),
    FindingRow(
        kind=FindingKind.KEY_NOT_VALID,
        severity=Severity.MEDIUM,
        title="Signed with a key that was not valid then",
        standing=Standing.SUSPECT,
    ),
    FindingRow(
        kind=FindingKind.KEY_REVOKED,
        severity=Severity.HIGH,
        title="Signed with a withdrawn key",
        standing=Standing.SUSPECT,
    ),
    FindingRow(
        kind=FindingKind.STALE_TRUST_LIST,
        severity=Severity.INFO,
        title="Judged by an outdated list of makers",
        standing=Standing.UNREADABLE,
    ),
    FindingRow(
        kind=FindingKind.NEWER_KEY,
        severity=Severity.LOW,
        title="Signed with a key that our list of makers does not have yet",
        standing=Standing.CAUTION,
    ),
)
_FOR_ROLES: Final = (
    FindingRow(
        kind=FindingKind.NOT_RELEASED,
        severity=Severity.LOW,
        title="The batch is not released for sale yet",
        signals=(UNRELEASED,),
        per_batch=True,
    ),
    FindingRow(
        kind=FindingKind.DIVERTED,
        severity=Severity.MEDIUM,
        title="Sold outside its markets",
        signals=(ABROAD, SEEN_ABROAD),
        per_batch=True,
        inspect=(
            "Ask for the import papers: the pack may be genuine and sold in the wrong place.",
        ),
    ),
    FindingRow(
        kind=FindingKind.SOLD_AGAIN,
        severity=Severity.MEDIUM,
        title="Recorded as sold again by the same shop",
        inspect=("Ask the shop whether the pack came back: a return may not have been booked.",),
    ),
    FindingRow(
        kind=FindingKind.CLOCK_SKEW,
        severity=Severity.INFO,
        title="A scanner's clock is wrong",
    ),
    FindingRow(kind=FindingKind.LATE, severity=Severity.INFO, title="A scan arrived late"),
    FindingRow(
        kind=FindingKind.SCAN_ID_REUSED,
        severity=Severity.INFO,
        title="Two different scans under one number",
    ),
)
_OF_MANY_ITEMS: Final = (
    FindingRow(
        kind=FindingKind.CAMPAIGN,
        severity=Severity.CRITICAL,
        title="Many packs look copied",
        signals=(COPIES,),
        inspect=("Look at several of these packs: print, seal and security features.",),
    ),
    FindingRow(
        kind=FindingKind.PROBING,
        severity=Severity.HIGH,
        title="A scanner tries invented codes",
        signals=(REFUSED,),
    ),
    FindingRow(
        kind=FindingKind.POISONING,
        severity=Severity.HIGH,
        title="A scanner names places where it cannot have been",
        signals=(MISPLACED,),
    ),
    FindingRow(
        kind=FindingKind.COLLUDING,
        severity=Severity.HIGH,
        title="A known scanner vouched for packs proven to be copied",
        signals=(VOUCHED,),
    ),
)

FINDINGS: Final[dict[FindingKind, FindingRow]] = {
    row.kind: row for row in (*_PUBLIC, *_OF_DOUBTS, *_FOR_ROLES, *_OF_MANY_ITEMS)
}
PUBLIC_FINDINGS: Final = tuple(kind for kind, row in FINDINGS.items() if row.public)
"""What anybody with the signed code in hand may know, most telling first."""
PER_BATCH: Final = frozenset(kind for kind, row in FINDINGS.items() if row.per_batch)
"""What is found of items, and alerted once about their batch: it says where packs are, or when,
which thousands of one batch have in common."""

STANDING_OF_DOUBT: Final[dict[Doubt, Standing]] = {
    Doubt(row.kind): row.standing for row in _OF_DOUBTS if row.standing
}
"""Of an item of which no code was ever believed."""

_SEVERITY: Final = {kind: row.severity for kind, row in FINDINGS.items()}


class Finding(Struct, frozen=True):
    """One reason found in an item's history, with its evidence.

    `probability` is None for kinds that the calibrated score does not give.
    """

    kind: FindingKind
    severity: Severity
    probability: float | None
    reasons: tuple[Reason, ...]


def found(kind: FindingKind, *reasons: Reason, probability: float | None = None) -> Finding:
    """A finding of this kind with its usual severity."""
    return Finding(kind, _SEVERITY[kind], probability, reasons)
