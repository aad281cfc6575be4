"""Verify a code, offline: what does the text alone prove?

`check_signature`, the costly half, does not depend on time:

1. Read the text strictly. Refused: unreadable, or mangled if a scanner explains it.
2. No (8030): unsigned. A signature field of another format, or no serial that this
   format could speak for: foreign-signature, and nothing else can be said.
3. Find who holds the GTIN's company prefix, and try every key that this issuer ever
   had in the slot. One verifies: genuine, if time allows.
4. None does. If undoing a known damage makes a code that verifies, or the signature
   came in a single case: mangled. A broken scanner makes no forgery.
5. If a key of another issuer verifies: not-entitled. At most
   `LIMITS.foreign_keys_tried` keys are tried.
6. Nobody holds the prefix: unknown-issuer. Somebody does, and has no key in the slot that
   the code names: newer-key, for a key may be newer than the list, and only a newer list can
   tell it from an invented slot. Else forged.

`check_validity`, the cheap half, asks the time at which the code was read:

7. The list is past its grace: stale, whatever it said. Within the grace: provisional.
8. The key was not valid, or was revoked, at that time.
9. Note an expiry date that has passed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from authenticity.gs1.dates import has_passed
from authenticity.trust.issuers import IssuerKey, TrustList
from authenticity.trust.signature_check import SignatureCheck, check_signature
from authenticity.trust.verdict import Doubt, Doubtful, Genuine, Note, Verdict

__all__ = [
    "DEFAULT_POLICY",
    "SignatureCheck",
    "VerifyPolicy",
    "check_signature",
    "check_validity",
    "verify",
]


@dataclass(frozen=True, slots=True)
class VerifyPolicy:
    """`trust_list_grace`: how long after its end a trust list still carries
    provisional verdicts, for devices that have been offline."""

    trust_list_grace: timedelta = timedelta(days=14)


DEFAULT_POLICY: Final = VerifyPolicy()
_NO_TIME: Final = timedelta(0)


def verify(
    code_text: str,
    trust_list: TrustList,
    at: datetime,
    *,
    policy: VerifyPolicy = DEFAULT_POLICY,
) -> Verdict:
    """What this text alone proves if it was read at `at` (aware, UTC): capture, not arrival.

    Proves that the code was issued; that the item in the hand is the one it was
    issued for, only the item's history can tell. Takes any text, raises for none.
    """
    return check_validity(check_signature(code_text, trust_list), trust_list, at, policy=policy)


def check_validity(
    check: SignatureCheck,
    trust_list: TrustList,
    at: datetime,
    *,
    policy: VerifyPolicy = DEFAULT_POLICY,
) -> Verdict:
    """The verdict on a code read at `at` (aware, UTC).

    `trust_list` is the one that the signature was checked under; else `ValueError`.
    """
    if check.trust_list_version != trust_list.version:
        raise ValueError("a signature checked under one trust list has no validity under another")
    finding, key = check.finding, check.key
    overdue = at - trust_list.expires_at
    if check.rests_on_list and overdue > policy.trust_list_grace:
        finding = _stale(finding, trust_list)
    elif isinstance(finding, Genuine) and key is not None:
        if not key.not_before <= at <= key.not_after:
            finding = _doubted(finding, Doubt.KEY_NOT_VALID, _validity(key))
        elif key.revoked_at is not None and at >= key.revoked_at:
            finding = _doubted(
                finding, Doubt.KEY_REVOKED, _revocation(key, key.revoked_at), key.revoked_at
            )
    provisional = overdue > _NO_TIME
    expired = finding.expiry is not None and has_passed(finding.expiry, at)
    return _restated(finding, provisional, expired) if provisional or expired else finding


def _restated(finding: Verdict, provisional: bool, expired: bool) -> Verdict:
    """The finding with what the time adds.

    Spelled out, since `dataclasses.replace` costs more than the rest of `check_validity`.
    """
    f, notes = finding, (*finding.notes, Note.EXPIRED) if expired else finding.notes
    if isinstance(f, Genuine):
        return Genuine(
            f.item, f.issuer, f.issuer_name, f.key_slot, f.lot, f.expiry, notes, provisional
        )
    if not expired:
        return f
    return Doubtful(
        f.doubt,
        f.offset,
        f.detail,
        f.item,
        f.issuer,
        f.issuer_name,
        f.lot,
        f.expiry,
        f.revoked_at,
        notes,
        f.key_slot,
    )


def _doubted(
    finding: Genuine, doubt: Doubt, detail: str, revoked_at: datetime | None = None
) -> Doubtful:
    """The verdict on a good signature whose key was not valid when the code was read."""
    return Doubtful(
        doubt=doubt,
        detail=detail,
        item=finding.item,
        issuer=finding.issuer,
        issuer_name=finding.issuer_name,
        lot=finding.lot,
        expiry=finding.expiry,
        revoked_at=revoked_at,
        notes=finding.notes,
        key_slot=finding.key_slot,
    )


def _stale(finding: Verdict, trust_list: TrustList) -> Doubtful:
    """Nothing that the list says may be claimed, not even who holds the prefix."""
    return Doubtful(
        doubt=Doubt.STALE_TRUST_LIST,
        detail=f"the trust list ended on {trust_list.expires_at.date()}",
        item=finding.item,
        lot=finding.lot,
        expiry=finding.expiry,
    )


def _validity(key: IssuerKey) -> str:
    return f"its key was valid from {key.not_before.date()} to {key.not_after.date()}"


def _revocation(key: IssuerKey, revoked_at: datetime) -> str:
    reason = f": {key.revocation_reason}" if key.revocation_reason else ""
    return f"its key was revoked on {revoked_at.date()}{reason}"
