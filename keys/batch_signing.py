"""Sign what an issuer says of a batch."""

from datetime import datetime

from authenticity.records.batch import Batch
from authenticity.records.batch_statement import (
    BatchStatement,
    assemble_statement,
    read_statement,
    statement_signing_input,
)
from authenticity.records.part_statement import assemble_part, part_signing_input
from authenticity.records.serial_parts import SerialPart
from keys.signer import Signer


def sign_batch(batch: Batch, signer: Signer, *, at: datetime) -> BatchStatement:
    """The signed statement. `signer` holds a key of the batch's issuer; `at` is now (UTC)."""
    content = statement_signing_input(
        batch, key_slot=signer.key_slot, algorithm=signer.algorithm, signed_at=at
    )
    return read_statement(assemble_statement(content, signer.sign(content)))


def sign_part(part: SerialPart, signer: Signer, *, at: datetime) -> bytes:
    """The signed part of a serial list, as it travels. As `sign_batch`."""
    content = part_signing_input(
        part, key_slot=signer.key_slot, algorithm=signer.algorithm, signed_at=at
    )
    return assemble_part(content, signer.sign(content))
