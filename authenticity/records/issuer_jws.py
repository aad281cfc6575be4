"""What an issuer signs of its batches: JSON in a JWS, and who may sign it.

JSON Web Signature (RFC 7515), compact serialization:

```
header   {"alg": "EdDSA" | "ES256", "iat": seconds since 1970, "kid": "issuer/slot",
          "typ": the kind of document}, in this order, without spaces
payload  JSON
```

`alg` has to fit the listed key, so nobody can choose it. `iat` (RFC 7519, section 4.1.6)
is when it was signed. Ours and not joserfc's: the core imports no library that does IO, and reads
this one form strictly. This module makes what is to be signed and never sees a private key.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.errors import BatchError, UnlistedSignerError
from authenticity.trust.issuers import IssuerKey, TrustList
from authenticity.trust.keys import from_base64url, to_base64url, verifies
from authenticity.trust.signature_field import Algorithm

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far ahead of its reader's clock a document may have been signed: so long at most its
largest revision can stand in the way of the next one under the same key."""
REVISIONS_SINCE: Final = 1_577_836_800  # 2020-01-01 UTC, seconds since 1970
SIGN_AGAIN: Final = "sign it again: touchstone batches register DIR --sign-again"

_SEGMENTS: Final = 3
_ALGORITHMS: Final = {algorithm.names.jws: algorithm for algorithm in Algorithm}


class _Header(Struct, frozen=True):
    alg: str
    iat: int
    kid: str
    typ: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: its `typ`, what it is called, and the most bytes of its payload."""

    typ: str
    called: str
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class IssuerJws:
    """A document and who claims to have signed it. Nothing is verified by being one.

    `signed_at` is in UTC; `raw` is the record as it travels.
    """

    kind: Kind
    raw: bytes
    payload: bytes
    issuer: str
    key_slot: int
    algorithm: Algorithm
    signed_at: datetime


def type_of(raw: bytes) -> str | None:
    """The `typ` of the JWS in these bytes, None if they are none. Nothing else is read."""
    try:
        protected = raw[: raw.index(b".", 0, 4_096)].decode("ascii")
        return msgspec.json.decode(from_base64url(protected), type=_Header).typ
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def read_jws(raw: bytes, kind: Kind) -> IssuerJws:
    """The document of this kind in these bytes. No signature is checked.

    Raises `BatchError` naming what is wrong.
    """
    largest = 4 * (kind.payload_bytes + 1_024) // 3
    if len(raw) > largest:
        raise BatchError(f"{kind.called} of {len(raw):,} bytes; the limit is {largest:,}")
    if raw.count(b".") != 2:
        raise BatchError(f"not a {kind.called}: a JWS in compact form has three parts")
    try:
        segments = raw.decode("ascii").split(".")
        if len(segments) != _SEGMENTS:
            raise BatchError(
                f"not a {kind.called}: no JWS in compact form, three texts with a dot between"
            )
        protected, content, signature = segments
        header = msgspec.json.decode(from_base64url(protected), type=_Header)
        payload = from_base64url(content)
        from_base64url(signature)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BatchError(f"not a {kind.called} (a JWS in compact form): {error}") from None
    issuer, _, slot = header.kid.rpartition("/")
    algorithm = _ALGORITHMS.get(header.alg)
    if algorithm is None or not (slot.isascii() and slot.isdigit()) or int(slot) > 255:
        raise BatchError(f"{kind.called} by an unknown kind of key: {header.alg}, {header.kid}")
    signed_at = _instant(header.iat, kind)
    if protected != _protected(kind, issuer, int(slot), algorithm, header.iat):
        raise BatchError(f"the header of the {kind.called} is not in the one form that it has")
    return IssuerJws(kind, raw, payload, issuer, int(slot), algorithm, signed_at)


def jws_signing_input(
    payload: bytes,
    kind: Kind,
    *,
    issuer: str,
    key_slot: int,
    algorithm: Algorithm,
    signed_at: datetime,
) -> bytes:
    """The bytes that the issuer's key in this slot signs (RFC 7515, section 5.1)."""
    protected = _protected(kind, issuer, key_slot, algorithm, int(signed_at.timestamp()))
    return f"{protected}.{to_base64url(payload)}".encode()


def assemble(signing_input: bytes, signature: bytes) -> bytes:
    """The record. Nothing is verified here."""
    return signing_input + b"." + to_base64url(signature).encode()


def largest_revision(signed_at: datetime) -> int:
    """The largest that a document signed then may have."""
    return int(signed_at.timestamp()) - REVISIONS_SINCE


def check_issuer(
    document: IssuerJws, *, gtin: str, revision: int, trust_list: TrustList, at: datetime | None
) -> None:
    """Refuse a document that its issuer may not make under this trust list.

    1. The issuer holds the GTIN's company prefix (longest match).
    2. A listed key of the issuer in that slot verifies, was valid when it was signed, and
       is not revoked: whoever stole it could date a document back.
    3. It is dated at most `CLOCK_TOLERANCE` after `at`, the reader's clock (None: not checked).
    4. Its revision is no larger than the seconds from 2020 to its signing, so that a larger one
       is always left for a later document.

    Raises `BatchError` with a next step.
    """
    issuer, signed_at, called = document.issuer, document.signed_at, document.kind.called
    holder = trust_list.issuer_of(gtin)
    if holder is None or holder.id != issuer:
        raise UnlistedSignerError(
            f"issuer {issuer} does not hold the company prefix of {gtin}",
            next_step="publish the trust list that names this issuer, then the batch again",
        )
    key = _signer(document, trust_list.keys(holder, document.key_slot))
    if not key.not_before <= signed_at <= key.not_after:
        raise BatchError(
            f"the key in slot {key.slot} of {issuer} was not valid on {signed_at:%F}",
            next_step=SIGN_AGAIN,
        )
    if key.revoked_at is not None:
        raise BatchError(f"the key in slot {key.slot} of {issuer} is revoked", next_step=SIGN_AGAIN)
    if at is not None and signed_at - at > CLOCK_TOLERANCE:
        raise BatchError(
            f"the {called} is dated {signed_at:%F %T} UTC, which is in the future",
            next_step="correct the clock of the machine that signs, then sign it again",
        )
    if revision > largest_revision(signed_at):
        raise BatchError(
            f"revision {revision:,} is larger than any that may be signed on {signed_at:%F}",
            next_step="number revisions from 1, one higher for each statement",
        )


def _signer(document: IssuerJws, keys: tuple[IssuerKey, ...]) -> IssuerKey:
    signing_input, _, signature = document.raw.rpartition(b".")
    made = from_base64url(signature.decode())
    for key in keys:
        if key.algorithm is document.algorithm and verifies(key.public_key, signing_input, made):
            return key
    kid = f"{document.issuer}/{document.key_slot}"
    if keys:
        raise BatchError(
            f"the signature of the {document.kind.called} is not one by key {kid}",
            next_step=SIGN_AGAIN,
        )
    raise UnlistedSignerError(
        f"key {kid} is not on the trust list in force",
        next_step="publish the trust list that holds this key, then the batch again",
    )


def _protected(kind: Kind, issuer: str, slot: int, algorithm: Algorithm, iat: int) -> str:
    header = _Header(algorithm.names.jws, iat, f"{issuer}/{slot}", kind.typ)
    return to_base64url(msgspec.json.encode(header))


def _instant(seconds: int, kind: Kind) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise BatchError(f"a {kind.called} cannot be signed at {seconds}") from None
