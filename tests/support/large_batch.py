"""A large batch as a maker states it: its header, and the parts of its serial list."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from authenticity.records.batch import Batch
from authenticity.records.part_statement import SignedPart, read_part
from authenticity.records.serial_parts import (
    PART_FORMAT,
    SerialPart,
    digest_of_part,
    part_filter,
    share_of,
)
from keys.batch_signing import sign_part
from simulation.seeded_signer import SeededSigner
from simulation.two_makers import World


class LargeBatch(NamedTuple):
    """A header that names these parts."""

    batch: Batch
    parts: Sequence[SerialPart]


def large_batch(batch: Batch, serials: Sequence[str], parts: int = 3) -> LargeBatch:
    """This batch with these serials, as if they were too many for a filter in its header."""
    shares: list[list[str]] = [[] for _ in range(parts)]
    for serial in serials:
        shares[share_of(serial, parts)].append(serial)
    made = [
        SerialPart(
            v=PART_FORMAT, batch_id=batch.batch_id, issuer=batch.issuer, gtin=batch.gtin,
            number=number, of=parts, serials=part_filter(share), revision=batch.revision,
        )
        for number, share in enumerate(shares)
    ]  # fmt: skip
    digests = b"".join(digest_of_part(part.serials) for part in made)
    counted = msgspec.structs.replace(batch, count=len(serials), serials=None, serial_parts=digests)
    return LargeBatch(counted, made)


def signed_part(
    world: World, part: SerialPart, *, signer: SeededSigner | None = None, **when: Any
) -> SignedPart:
    """Signed by the first maker, or another signer; `at`: when, else now."""
    return read_part(sign_part(part, signer or world.signers[0], at=when.get("at", world.now)))
