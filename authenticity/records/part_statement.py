"""A part of a batch's serial list, signed by the batch's issuer.

The document is that of `authenticity.records.issuer_jws`, of the type
`touchstone-serials+jws`; its payload is the part (`authenticity.records.serial_parts`), as
`encode_part` writes it.

The signature says that the part may enter a ledger. That it is used is said by the batch
header that stands, which names the part's digest. So parts and headers may come in any
order, and a part is kept before a header names it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from authenticity.errors import BatchError
from authenticity.limits import LIMITS
from authenticity.records.batch_statement import BatchStatement, read_statement
from authenticity.records.issuer_jws import (
    Kind,
    assemble,
    check_issuer,
    jws_signing_input,
    read_jws,
    type_of,
)
from authenticity.records.serial_parts import (
    PartName,
    SerialPart,
    decode_part,
    digest_of_part,
    encode_part,
)
from authenticity.trust.issuers import TrustList
from authenticity.trust.signature_field import Algorithm

PART: Final = Kind("touchstone-serials+jws", "part of a serial list", LIMITS.part_bytes)


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A part and who signed it. Nothing is verified by being one.

    `raw`: the record as it travels. `name`: its place, and the digest of its filter.
    """

    part: SerialPart
    raw: bytes
    key_slot: int
    name: PartName


def read_part(raw: bytes) -> SignedPart:
    """The part in these bytes. No signature is checked.

    Raises `BatchError` naming what is wrong.
    """
    document = read_jws(raw, PART)
    part = decode_part(document.payload)
    if document.issuer != part.issuer:
        raise BatchError(f"part of a batch of {part.issuer}, signed by a key of {document.issuer}")
    name = PartName(part.issuer, part.batch_id, part.number, digest_of_part(part.serials))
    return SignedPart(part, raw, document.key_slot, name)


def read_batch_record(raw: bytes) -> BatchStatement | SignedPart:
    """What a record of the topic `batches` holds. Raises `BatchError`."""
    return read_part(raw) if type_of(raw) == PART.typ else read_statement(raw)


def part_signing_input(
    part: SerialPart, *, key_slot: int, algorithm: Algorithm, signed_at: datetime
) -> bytes:
    """The bytes that the issuer's key in this slot signs."""
    return jws_signing_input(
        encode_part(part), PART,
        issuer=part.issuer, key_slot=key_slot, algorithm=algorithm, signed_at=signed_at,
    )  # fmt: skip


def assemble_part(signing_input: bytes, signature: bytes) -> bytes:
    """The record. Nothing is verified here."""
    return assemble(signing_input, signature)


def check_part(
    signed: SignedPart, trust_list: TrustList, *, at: datetime | None = None
) -> SignedPart:
    """The same part, if its issuer may sign it under this trust list
    (see `issuer_jws.check_issuer`). `at`: the reader's clock, None for no look at it.

    Raises `BatchError` with a next step.
    """
    part = signed.part
    check_issuer(
        read_jws(signed.raw, PART),
        gtin=part.gtin, revision=part.revision, trust_list=trust_list, at=at,
    )  # fmt: skip
    return signed


PartRank = tuple[int, int, bytes]
"""Key slot, revision, digest."""


def rank_of_part(signed: SignedPart) -> PartRank:
    """Of two parts with one place the one with the higher rank is kept: a join over what they
    say, in any order the same. Equal ranks are of equal filters."""
    return signed.key_slot, signed.part.revision, signed.name.digest
