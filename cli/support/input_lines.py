"""Lines of standard input, each at most as long as a code may be."""

from collections.abc import Iterator
from typing import BinaryIO


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Lines without their ends. Of a line longer than any code, only so much is kept
    as shows that it is too long."""
    from authenticity.limits import LIMITS

    most_bytes = 4 * LIMITS.code_characters + 4
    while line := stream.readline(most_bytes):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(most_bytes)
        yield line.removesuffix(b"\n").removesuffix(b"\r")
