"""Sign codes on all cores: one process a core, each with a signer of its own.

Processes, because a signature takes 20 µs and threads would spend as long on
passing Python's lock around.
"""

from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import quote

from authenticity.records.serial import SERIAL_CHARACTERS
from authenticity.trust.keys import verifies
from authenticity.trust.signature_field import SIGNATURE_FIELD_CHARACTERS
from keys.signer import Signer, SignerSource
from producers.issuing.order import CodeTemplate
from producers.issuing.serial_source import mint_serials
from producers.processes import in_processes

CHUNK_CODES: Final = 4_096
"""Signed and written at once; about a tenth of a second of one core."""
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the run. `serials` None: the worker mints them."""

    count: int
    serials: tuple[str, ...] | None = None


def sign_chunk(signer: Signer, template: CodeTemplate, chunk: Chunk) -> bytes:
    """The chunk's lines of the manifest: `serial,code`, each ended by a line feed.

    The first code is checked against the public key; a signer that does not sign is
    a broken program.
    """
    if chunk.serials is None:
        serials = mint_serials(chunk.count)
        printed, cells = serials, serials
        start = template.signed_head + bytes((SERIAL_CHARACTERS,))
        messages = [start + serial for serial in serials]
    else:
        serials = [serial.encode() for serial in chunk.serials]
        printed = [quote(serial, safe="").encode() for serial in chunk.serials]
        cells = [csv_cell(serial).encode() for serial in chunk.serials]
        head = template.signed_head
        messages = [head + bytes((len(serial),)) + serial for serial in serials]
    sign = signer.sign
    signatures = [sign(message) for message in messages]
    if not verifies(signer.public_key, messages[0], signatures[0]):
        raise RuntimeError("the signer's signature does not verify under its public key")
    # 66 bytes a signature field make 88 characters without padding: encode all of them at once.
    packed = template.header + template.header.join(signatures)
    fields = b2a_base64(packed, newline=False).translate(_TO_URL_SAFE)
    before, after = b"," + template.head, template.tail
    parts: list[bytes] = []
    at = 0
    for cell, serial in zip(cells, printed, strict=True):
        parts += (cell, before, serial, after, fields[at : at + SIGNATURE_FIELD_CHARACTERS], b"\n")
        at += SIGNATURE_FIELD_CHARACTERS
    return b"".join(parts)


def csv_cell(serial: str) -> str:
    """A serial as RFC 4180 writes it."""
    if '"' in serial or "," in serial:
        return '"' + serial.replace('"', '""') + '"'
    return serial


def sign_in_parallel(
    source: SignerSource, template: CodeTemplate, chunks: Iterable[Chunk], *, workers: int
) -> Iterator[bytes]:
    """The lines of each chunk, in order; see `producers.processes` for its errors."""
    return in_processes(partial(_open, source, template), _sign_chunk_with, chunks, workers=workers)


def _open(source: SignerSource, template: CodeTemplate) -> tuple[Signer, CodeTemplate]:
    return source.open(), template


def _sign_chunk_with(tools: tuple[Signer, CodeTemplate], chunk: Chunk) -> bytes:
    return sign_chunk(*tools, chunk)
