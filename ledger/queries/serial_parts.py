"""Reading parts of serial lists."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from authenticity.records.batch import Batch
from authenticity.records.serial_parts import part_names
from ledger import schema


def read_parts(
    connection: Connection, issuer: str, batch_id: str, numbers: Sequence[int]
) -> Iterable[tuple[bytes, bytes]]:
    """Digest and content of what is kept under these numbers of a batch."""
    table = schema.serial_parts
    statement = select(table.c.sha256, table.c.content).where(
        table.c.issuer == issuer, table.c.batch_id == batch_id, table.c.number.in_(numbers)
    )
    return [(bytes(digest), bytes(content)) for digest, content in connection.execute(statement)]


def count_held(connection: Connection, batch: Batch) -> int:
    """How many of the parts that this header names are here."""
    table = schema.serial_parts
    statement = select(table.c.number, table.c.sha256).where(
        table.c.issuer == batch.issuer, table.c.batch_id == batch.batch_id
    )
    kept = {(number, bytes(digest)) for number, digest in connection.execute(statement)}
    return sum((part.number, part.digest) in kept for part in part_names(batch))
