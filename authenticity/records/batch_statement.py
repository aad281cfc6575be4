"""What an issuer says of one of its batches, signed: a JWS over the batch header.

JSON Web Signature (RFC 7515), compact serialization:

```
header   {"alg": "EdDSA" | "ES256", "iat": seconds since 1970, "kid": "issuer/slot",
          "typ": "touchstone-batch+jws"}, in this order, without spaces
payload  the batch header (`authenticity.records.batch`), as `encode_batch` writes it
```

`alg` has to fit the listed key, so nobody can choose it. `iat` (RFC 7519, section 4.1.6)
is when it was signed. This module makes what is to be signed and never sees a private key.

Of two statements about one batch the one that stands is decided by what they say alone, so
that any order of arrival ends in the same (`later_statement`, docs/decisions/0012).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.errors import BatchError
from authenticity.limits import LIMITS
from authenticity.records.batch import Batch, decode_batch, encode_batch
from authenticity.trust.issuers import IssuerKey, TrustList
from authenticity.trust.keys import from_base64url, to_base64url, verifies
from authenticity.trust.signature_field import Algorithm

STATEMENT_TYPE: Final = "touchstone-batch+jws"
CLOCK_TOLERANCE: Final = timedelta(hours=24)
"""How far ahead of its reader's clock a statement may have been signed."""
REVISIONS_SINCE: Final = 1_577_836_800  # 2020-01-01 UTC, seconds since 1970

_LARGEST: Final = 4 * (LIMITS.batch_bytes + 1_024) // 3
_SIGN_AGAIN: Final = "sign it again: touchstone batches register DIR --sign-again"
_ALGORITHMS: Final = {algorithm.names.jws: algorithm for algorithm in Algorithm}


class _Header(Struct, frozen=True):
    alg: str
    iat: int
    kid: str
    typ: str


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """A batch header and who signed it. Nothing is verified by being one.

    `raw`: the record as it travels and is stored. `key_slot`, `algorithm` and `signed_at`
    (UTC) are None for an unsigned header, as 0.1.0 wrote them.
    """

    batch: Batch
    raw: bytes
    key_slot: int | None = None
    algorithm: Algorithm | None = None
    signed_at: datetime | None = None

    @property
    def is_signed(self) -> bool:
        return self.key_slot is not None


def unsigned_statement(batch: Batch) -> BatchStatement:
    """The header without a signature, as 0.1.0 wrote it; no engine accepts it today."""
    return BatchStatement(batch, encode_batch(batch))


def read_statement(raw: bytes) -> BatchStatement:
    """The statement in these bytes, or the unsigned header. No signature is checked.

    Raises `BatchError` naming what is wrong.
    """
    if raw[:1] == b"{":
        return BatchStatement(decode_batch(raw), raw)
    if len(raw) > _LARGEST:
        raise BatchError(f"batch statement of {len(raw):,} bytes; the limit is {_LARGEST:,}")
    try:
        protected, payload, signature = raw.decode("ascii").split(".")
        header = msgspec.json.decode(from_base64url(protected), type=_Header)
        content = from_base64url(payload)
        from_base64url(signature)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BatchError(f"not a batch statement (a JWS in compact form): {error}") from None
    batch = decode_batch(content)
    issuer, _, slot = header.kid.rpartition("/")
    algorithm = _ALGORITHMS.get(header.alg)
    if algorithm is None or not (slot.isascii() and slot.isdigit()) or int(slot) > 255:
        raise BatchError(f"batch statement by an unknown kind of key: {header.alg}, {header.kid}")
    if issuer != batch.issuer:
        raise BatchError(f"batch of {batch.issuer}, signed by a key of {issuer}")
    signed_at = _instant(header.iat)
    if protected != _protected(batch.issuer, int(slot), algorithm, header.iat):
        raise BatchError("the header of the batch statement is not in the one form that it has")
    return BatchStatement(batch, raw, int(slot), algorithm, signed_at)


def statement_signing_input(
    batch: Batch, *, key_slot: int, algorithm: Algorithm, signed_at: datetime
) -> bytes:
    """The bytes that the issuer's key in this slot signs (RFC 7515, section 5.1)."""
    iat = int(signed_at.timestamp())
    protected = _protected(batch.issuer, key_slot, algorithm, iat)
    return f"{protected}.{to_base64url(encode_batch(batch))}".encode()


def assemble_statement(signing_input: bytes, signature: bytes) -> bytes:
    """The record. Nothing is verified here."""
    return signing_input + b"." + to_base64url(signature).encode()


def check_statement(
    statement: BatchStatement, trust_list: TrustList, *, at: datetime | None = None
) -> BatchStatement:
    """The same statement, if its issuer may make it under this trust list.

    1. It is signed.
    2. The issuer holds the GTIN's company prefix (longest match).
    3. A listed key of the issuer in that slot verifies, was valid when it was signed, and
       is not revoked: whoever stole it could date a statement back.
    4. It is dated at most `CLOCK_TOLERANCE` after `at`, the reader's clock (None: not checked).
    5. Its revision is no larger than the seconds from 2020 to its signing, so that a larger one
       is always left for a later statement.

    Raises `BatchError` with a next step.
    """
    batch, signed_at = statement.batch, statement.signed_at
    if signed_at is None:
        raise BatchError(
            f"the statement about batch {batch.batch_id} is not signed", next_step=_SIGN_AGAIN
        )
    holder = trust_list.issuer_of(batch.gtin)
    if holder is None or holder.id != batch.issuer:
        raise BatchError(
            f"issuer {batch.issuer} does not hold the company prefix of {batch.gtin}",
            next_step="publish the trust list that names this issuer, then the batch again",
        )
    key = _signer(statement, trust_list.keys(holder, statement.key_slot or 0))
    if not key.not_before <= signed_at <= key.not_after:
        raise BatchError(
            f"the key in slot {key.slot} of {batch.issuer} was not valid on {signed_at:%F}",
            next_step=_SIGN_AGAIN,
        )
    if key.revoked_at is not None:
        raise BatchError(
            f"the key in slot {key.slot} of {batch.issuer} is revoked", next_step=_SIGN_AGAIN
        )
    if at is not None and signed_at - at > CLOCK_TOLERANCE:
        raise BatchError(
            f"the statement is dated {signed_at:%F %T} UTC, which is in the future",
            next_step="correct the clock of the machine that signs, then sign it again",
        )
    if batch.revision > signed_at.timestamp() - REVISIONS_SINCE:
        raise BatchError(
            f"revision {batch.revision:,} is larger than any that may be signed on {signed_at:%F}",
            next_step="number revisions from 1, one higher for each statement",
        )
    return statement


def later_statement(one: BatchStatement, other: BatchStatement) -> BatchStatement:
    """The statement that stands, of two about one batch: a join, in any order the same.

    Signed before unsigned; then the higher key slot, so that after a theft the maker's next
    key outranks whatever the stolen one signs; then the higher revision; then the bytes.
    """
    return max(one, other, key=_rank)


def _rank(statement: BatchStatement) -> tuple[int, int, bytes, bytes]:
    slot = -1 if statement.key_slot is None else statement.key_slot
    return slot, statement.batch.revision, encode_batch(statement.batch), statement.raw


def _signer(statement: BatchStatement, keys: tuple[IssuerKey, ...]) -> IssuerKey:
    signing_input, _, signature = statement.raw.rpartition(b".")
    made = from_base64url(signature.decode())
    for key in keys:
        if key.algorithm is statement.algorithm and verifies(key.public_key, signing_input, made):
            return key
    kid = f"{statement.batch.issuer}/{statement.key_slot}"
    if keys:
        raise BatchError(
            f"the signature of the batch statement is not one by key {kid}", next_step=_SIGN_AGAIN
        )
    raise BatchError(
        f"key {kid} is not on the trust list in force",
        next_step="publish the trust list that holds this key, then the batch again",
    )


def _protected(issuer: str, slot: int, algorithm: Algorithm, iat: int) -> str:
    header = _Header(algorithm.names.jws, iat, f"{issuer}/{slot}", STATEMENT_TYPE)
    return to_base64url(msgspec.json.encode(header))


def _instant(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise BatchError(f"a batch statement cannot be signed at {seconds}") from None
