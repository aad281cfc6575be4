"""What one issuing run minted, and what has been declared of it since."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from authenticity.errors import BatchError
from authenticity.limits import LIMITS
from authenticity.records.place import Country
from authenticity.records.scan import Instant
from authenticity.records.serial_filter import check_filter, is_exact

BATCH_FORMAT: Final = 1
DIGEST_BYTES: Final = 32

Name = Annotated[str, Meta(min_length=1, max_length=LIMITS.name_characters)]
Gtin = Annotated[str, Meta(pattern="^[0-9]{14}$", max_length=14)]
PrintedDate = Annotated[str, Meta(pattern="^[0-9]{6}$", max_length=6)]
"""YYMMDD as printed; DD=00 means the end of the month (GS1 General Specifications 3.4)."""


class BatchStatus(StrEnum):
    """What the issuer has declared of the whole batch. A withdrawn one was never made, as a
    thief of a key may state one: it holds no serial, and says nothing else of any pack."""

    NORMAL = "normal"
    RECALLED = "recalled"
    STOLEN = "stolen"
    WITHDRAWN = "withdrawn"


class Batch(Struct, frozen=True):
    """Header of one batch, as carried by the `batches` topic.

    A later statement about the batch carries a higher `revision`. `released_at`
    is None until the batch may be sold; an empty `markets` means everywhere.
    `manifest_sha256` is the hex digest of the manifest's serials, sorted, each ended by a
    line feed. `serials` is a xor filter of them. A batch of too many for one has
    `serial_parts` instead: the SHA-256 of each part of its serial list, one behind the other
    (`authenticity.records.serial_parts`). An old header may have neither; then nobody can say
    whether a serial is of the batch. A header without parts has no field for them.
    """

    v: int
    batch_id: Name
    issuer: Name
    gtin: Gtin
    lot: Annotated[str, Meta(min_length=1, max_length=20)] | None
    expiry: PrintedDate | None
    produced: PrintedDate | None
    count: Annotated[int, Meta(ge=1)]
    key_slot: Annotated[int, Meta(ge=0, le=255)]
    manifest_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
    registered_at: Instant
    released_at: Instant | None
    markets: Annotated[tuple[Country, ...], Meta(max_length=LIMITS.markets)] = ()
    status: BatchStatus = BatchStatus.NORMAL
    revision: Annotated[int, Meta(ge=1)] = 1
    serials: bytes | None = None
    serial_parts: bytes | UnsetType = UNSET

    @property
    def has_list(self) -> bool:
        """Whether it says which serials it holds, by a filter or by parts."""
        return self.serials is not None or bool(self.serial_parts)

    @property
    def has_exact_list(self) -> bool:
        """Whether of other serials at most one in 2^32 is taken for one of its own."""
        return bool(self.serial_parts) or (self.serials is not None and is_exact(self.serials))

    @property
    def parts(self) -> int:
        """How many parts its serial list has; 0 where it is not in parts."""
        return len(self.serial_parts or b"") // DIGEST_BYTES


_decoder = msgspec.json.Decoder(Batch)


def decode_batch(raw: bytes) -> Batch:
    """The batch header in these bytes. Whether its issuer may speak for the GTIN is not checked.

    Raises `BatchError` naming the field.
    """
    if len(raw) > LIMITS.batch_bytes:
        raise BatchError(f"batch header of {len(raw):,} bytes; the limit is {LIMITS.batch_bytes:,}")
    try:
        batch = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BatchError(f"not a batch header: {error}") from None
    if batch.v != BATCH_FORMAT:
        raise BatchError(
            f"batch format version {batch.v} is not known here (this program reads {BATCH_FORMAT})",
            next_step="upgrade this program",
        )
    if "\0" in batch.batch_id + batch.issuer:  # which no database could store as text
        raise BatchError("not a batch header: a name with a NUL character")
    if batch.serials is not None:
        check_filter(batch.serials, batch.count)
    if batch.serial_parts is not UNSET:
        _check_parts(batch, batch.serial_parts)
    return batch


def encode_batch(batch: Batch) -> bytes:
    """One line of JSON, without the line feed."""
    return msgspec.json.encode(batch)


def _check_parts(batch: Batch, digests: bytes) -> None:
    if batch.serials is not None:
        raise BatchError("serial_parts: the header has a filter too, in `serials`")
    if not digests or len(digests) % DIGEST_BYTES:
        raise BatchError(f"serial_parts: {len(digests):,} bytes are no SHA-256 digests")
    if batch.parts > LIMITS.serial_parts:
        limit = f"{LIMITS.serial_parts:,}"
        raise BatchError(f"serial_parts: {batch.parts:,} parts; the limit is {limit}")


def later(one: Batch, other: Batch) -> Batch:
    """The statement that stands, of two about one batch: a join, in any order the same."""
    return max(one, other, key=lambda batch: (batch.revision, encode_batch(batch)))
