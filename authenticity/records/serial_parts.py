"""The list of a large batch's serials, in parts: which part a serial falls into.

A batch of more than `LIMITS.batch_filter_serials` serials has no filter in its header. Its
serials are divided by a hash into shares, and each share has a filter of its own
(`authenticity.records.serial_filter`, 32 bits a serial): a part. So the question whether
one serial is of the batch needs exactly one part.

The header names the parts by their SHA-256, one behind the other (`Batch.serial_parts`), so
that the issuer's signature on the header holds for every part. A part with any other digest
than the one named for its number is not used (docs/decisions/0013).
"""

from hashlib import blake2b, sha256
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from authenticity.errors import BatchError
from authenticity.limits import LIMITS, Limits
from authenticity.records.batch import DIGEST_BYTES, Batch, Gtin, Name
from authenticity.records.serial_filter import (
    FINGERPRINT_BITS,
    bits_a_serial,
    check_filter,
    filter_of,
    is_exact,
    serials_in,
)

PART_FORMAT: Final = 1
_PERSON: Final = b"touchstone-part"


class SerialPart(Struct, frozen=True):
    """One part of a batch's serial list, as carried by the `batches` topic.

    `number` counts from 0 to `of` - 1. `revision` is that of the first header that names the
    part: of two with one number the one with the higher revision is kept. `serials` is the
    filter of those serials of the batch that fall into this part, which may be none.
    """

    v: int
    batch_id: Name
    issuer: Name
    gtin: Gtin
    number: Annotated[int, Meta(ge=0, lt=LIMITS.serial_parts)]
    of: Annotated[int, Meta(ge=1, le=LIMITS.serial_parts)]
    serials: bytes
    revision: Annotated[int, Meta(ge=1)] = 1


class PartName(NamedTuple):
    """Which part a header names: its place, and the SHA-256 of its filter."""

    issuer: str
    batch_id: str
    number: int
    digest: bytes


_decoder = msgspec.json.Decoder(SerialPart)


def decode_part(raw: bytes) -> SerialPart:
    """The part in these bytes. Whether its issuer may speak for the GTIN is not checked, nor
    whether any header names it.

    Raises `BatchError` naming the field.
    """
    if len(raw) > LIMITS.part_bytes:
        limit = f"{LIMITS.part_bytes:,}"
        raise BatchError(f"part of a serial list of {len(raw):,} bytes; the limit is {limit}")
    try:
        part = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BatchError(f"not a part of a serial list: {error}") from None
    if part.v != PART_FORMAT:
        raise BatchError(
            f"part format version {part.v} is not known here (this program reads {PART_FORMAT})",
            next_step="upgrade this program",
        )
    if "\0" in part.batch_id + part.issuer:  # which no database could store as text
        raise BatchError("not a part of a serial list: a name with a NUL character")
    if part.number >= part.of:
        raise BatchError(f"part {part.number} of a serial list of {part.of} parts (from 0 on)")
    check_filter(part.serials, serials_in(part.serials), most=LIMITS.part_most_serials)
    if not is_exact(part.serials):
        bits = bits_a_serial(part.serials)
        raise BatchError(f"serials: fingerprints of {bits} bits; a part has {FINGERPRINT_BITS}")
    return part


def encode_part(part: SerialPart) -> bytes:
    """One line of JSON, without the line feed."""
    return msgspec.json.encode(part)


def number_of_parts(count: int, limits: Limits = LIMITS) -> int:
    """How many parts a batch of so many serials has; 0 where a filter fits into its header.

    Raises `BatchError` for more serials than the parts can hold.
    """
    if count <= limits.batch_filter_serials:
        return 0
    parts = -(-count // limits.part_serials)
    if parts > limits.serial_parts:
        most = limits.serial_parts * limits.part_serials
        raise BatchError(
            f"a batch of {count:,} serials; the limit is {most:,}",
            next_step="divide it into several batches",
        )
    return parts


def share_of(serial: str, parts: int) -> int:
    """The number of the part that this (decoded) serial falls into, 0 to `parts` - 1."""
    digest = blake2b(serial.encode(), digest_size=8, person=_PERSON).digest()
    return int.from_bytes(digest, "little") * parts >> 64


def part_filter(serials: list[str]) -> bytes:
    """The filter of one part. Raises `BatchError` for more serials than a part may hold: more
    than chance brings together, so that the division is not by this hash."""
    built = filter_of(serials)
    if serials_in(built) > LIMITS.part_most_serials:
        raise BatchError(f"{serials_in(built):,} serials fall into one part of a serial list")
    return built


def digest_of_part(serials: bytes) -> bytes:
    """What a header names a part by: the SHA-256 of its filter."""
    return sha256(serials).digest()


def part_names(batch: Batch) -> list[PartName]:
    """Every part that the header names, in order; none where it has no parts."""
    digests = batch.serial_parts or b""
    return [
        PartName(batch.issuer, batch.batch_id, at // DIGEST_BYTES, digests[at : at + DIGEST_BYTES])
        for at in range(0, len(digests), DIGEST_BYTES)
    ]


def part_asked(batch: Batch, serial: str) -> PartName | None:
    """The part that says whether the batch holds this serial; None where it has no parts."""
    if not batch.serial_parts:
        return None
    number = share_of(serial, batch.parts)
    start = number * DIGEST_BYTES
    digest = batch.serial_parts[start : start + DIGEST_BYTES]
    return PartName(batch.issuer, batch.batch_id, number, digest)
