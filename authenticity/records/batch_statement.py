"""What an issuer says of one of its batches, signed: a JWS over the batch header.

The document is that of `authenticity.records.issuer_jws`, of the type
`touchstone-batch+jws`; its payload is the batch header (`authenticity.records.batch`), as
`encode_batch` writes it.

Of two statements about one batch the one that stands is decided by what they say alone, so
that any order of arrival ends in the same (`later_statement`, docs/decisions/0012).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from authenticity.errors import BatchError
from authenticity.limits import LIMITS
from authenticity.records.batch import Batch, BatchStatus, decode_batch, encode_batch
from authenticity.records.issuer_jws import (
    SIGN_AGAIN,
    Kind,
    assemble,
    check_issuer,
    jws_signing_input,
    read_jws,
)
from authenticity.records.serial_filter import FINGERPRINT_BITS, bits_a_serial
from authenticity.trust.issuers import TrustList
from authenticity.trust.signature_field import Algorithm

LIST_AGAIN: Final = (
    "register the run's folder, of whose manifest the list is made: touchstone batches register "
    "DIR; without its manifest a batch of version 0.1.0 stays as the ledger has it"
)
STATEMENT: Final = Kind("touchstone-batch+jws", "batch statement", LIMITS.batch_bytes)


Print = tuple[str, str | None]
"""GTIN and lot, as a pack carries them."""


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """A batch header and who signed it. Nothing is verified by being one.

    `raw`: the record as it travels. `key_slot`, `algorithm` and `signed_at` (UTC) are None for
    an unsigned header, as 0.1.0 wrote them. `former_prints`: what other statements about the
    batch, which do not stand, said that its packs carry.
    """

    batch: Batch
    raw: bytes
    key_slot: int | None = None
    algorithm: Algorithm | None = None
    signed_at: datetime | None = None
    former_prints: frozenset[Print] = frozenset()

    @property
    def prints(self) -> frozenset[Print]:
        """Every print that the batch has or had."""
        return self.former_prints | {(self.batch.gtin, self.batch.lot)}

    @property
    def batches(self) -> list[Batch]:
        """The batch, and for each former print one without serials: what moves a batch to
        another lot leaves no lot that nobody registered."""
        former = sorted(self.former_prints, key=lambda each: (each[0], each[1] or ""))
        without = [
            msgspec.structs.replace(
                self.batch, gtin=gtin, lot=lot, revision=0, status=BatchStatus.WITHDRAWN
            )
            for gtin, lot in former
        ]
        return [*without, self.batch]

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
    document = read_jws(raw, STATEMENT)
    batch = decode_batch(document.payload)
    if document.issuer != batch.issuer:
        raise BatchError(f"batch of {batch.issuer}, signed by a key of {document.issuer}")
    return BatchStatement(batch, raw, document.key_slot, document.algorithm, document.signed_at)


def statement_signing_input(
    batch: Batch, *, key_slot: int, algorithm: Algorithm, signed_at: datetime
) -> bytes:
    """The bytes that the issuer's key in this slot signs."""
    return jws_signing_input(
        encode_batch(batch), STATEMENT,
        issuer=batch.issuer, key_slot=key_slot, algorithm=algorithm, signed_at=signed_at,
    )  # fmt: skip


def assemble_statement(signing_input: bytes, signature: bytes) -> bytes:
    """The record. Nothing is verified here."""
    return assemble(signing_input, signature)


def check_statement(
    statement: BatchStatement, trust_list: TrustList, *, at: datetime | None = None
) -> BatchStatement:
    """The same statement, if it is signed, and its issuer may make it under this trust list
    (see `issuer_jws.check_issuer`). `at`: the reader's clock, None for no look at it.

    Raises `BatchError` with a next step.
    """
    batch = statement.batch
    check_content(statement)
    check_issuer(
        read_jws(statement.raw, STATEMENT),
        gtin=batch.gtin, revision=batch.revision, trust_list=trust_list, at=at,
    )  # fmt: skip
    return statement


def check_content(statement: BatchStatement) -> None:
    """Refuse a statement that is accepted under no trust list: one that is not signed, or does
    not say well enough which serials are of the batch.

    Raises `BatchError` with a next step.
    """
    batch = statement.batch
    if not statement.is_signed:
        raise BatchError(
            f"the statement about batch {batch.batch_id} is not signed", next_step=SIGN_AGAIN
        )
    if batch.status is BatchStatus.NORMAL and not batch.has_list:
        raise BatchError(
            f"the statement does not say which serials batch {batch.batch_id} holds, so every "
            "serial anybody invents would be of it",
            next_step=LIST_AGAIN,
        )
    if batch.serials is not None and not batch.has_exact_list:
        raise BatchError(
            f"the list of batch {batch.batch_id} has {bits_a_serial(batch.serials)} bits a serial, "
            f"as version 0.1.0 wrote it; a signed one has {FINGERPRINT_BITS}, or many such lists "
            "would hold every serial anybody invents",
            next_step=LIST_AGAIN,
        )


def later_statement(one: BatchStatement, other: BatchStatement) -> BatchStatement:
    """The statement that stands, of two about one batch: a join, in any order the same.

    Signed before unsigned; then the higher key slot, so that after a theft the maker's next
    key outranks whatever the stolen one signs; then the higher revision; then the bytes. The
    prints of both are kept.
    """
    stands = max(one, other, key=_rank)
    former = (one.prints | other.prints) - {(stands.batch.gtin, stands.batch.lot)}
    return stands if former == stands.former_prints else replace(stands, former_prints=former)


def _rank(statement: BatchStatement) -> tuple[int, int, bytes, bytes]:
    slot = -1 if statement.key_slot is None else statement.key_slot
    return slot, statement.batch.revision, encode_batch(statement.batch), statement.raw
