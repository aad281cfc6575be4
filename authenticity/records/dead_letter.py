"""What is kept of a record that could not be processed."""

import base64
from datetime import datetime
from typing import Final

from msgspec import Struct

DEAD_LETTER_BYTES: Final = 1_310_720
"""Of a record's value so many bytes are kept."""


class DeadLetter(Struct, frozen=True):
    """A record that could not be processed: its bytes as they came, and why.

    `raw` is base64 of at most the first 1,310,720 bytes; `bytes` is the full length.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    at: datetime
    raw: str
    bytes: int


def dead_letter(
    topic: str, partition: int, offset: int, value: bytes, reason: str, at: datetime
) -> DeadLetter:
    """The dead letter for one record; bytes beyond `DEAD_LETTER_BYTES` are cut."""
    kept = base64.b64encode(value[:DEAD_LETTER_BYTES]).decode()
    return DeadLetter(topic, partition, offset, reason, at, kept, len(value))


def kept_bytes(dead_letter: DeadLetter) -> bytes:
    """The record's value as it came, cut. Raises `ValueError` if `raw` is not base64."""
    return base64.b64decode(dead_letter.raw, validate=True)
