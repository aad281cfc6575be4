"""Sign codes on all cores: one process a core, each with a signer of its own.

Processes, because a signature takes 20 µs and threads would spend as long on
passing Python's lock around. A worker ends when its pipe closes, so a killed run
leaves nobody behind.
"""

import signal
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final
from urllib.parse import quote

from authenticity.errors import TouchstoneError, UnavailableError
from authenticity.seal import SEAL_CHARACTERS
from authenticity.serial import SERIAL_CHARACTERS
from authenticity.signature import verifies
from keys.signer import Signer, SignerSource
from producers.order import CodeTemplate
from producers.serials import mint_serials

CHUNK_CODES: Final = 8_192
"""Signed and written at once; about a fifth of a second of one core."""
_WAIT_SECONDS: Final = 120.0
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
    # 66 bytes a seal make 88 characters without padding: encode all of them at once.
    packed = template.header + template.header.join(signatures)
    seals = b2a_base64(packed, newline=False).translate(_TO_URL_SAFE)
    before, after = b"," + template.head, template.tail
    parts: list[bytes] = []
    at = 0
    for cell, serial in zip(cells, printed, strict=True):
        parts += (cell, before, serial, after, seals[at : at + SEAL_CHARACTERS], b"\n")
        at += SEAL_CHARACTERS
    return b"".join(parts)


def csv_cell(serial: str) -> str:
    """A serial as RFC 4180 writes it."""
    if '"' in serial or "," in serial:
        return '"' + serial.replace('"', '""') + '"'
    return serial


def sign_in_parallel(
    source: SignerSource, template: CodeTemplate, chunks: Iterable[Chunk], *, workers: int
) -> Iterator[bytes]:
    """The lines of each chunk, in order, at most two chunks a worker ahead of the reader.

    Raises what a worker raised, of our errors; `UnavailableError` if one died.
    Close the iterator to end the workers early.
    """
    context = get_context("spawn")  # a fork would copy locks that other threads hold
    with ExitStack() as stack:
        lines: list[Connection] = []
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_work, args=(theirs, source, template), daemon=True, name="touchstone-sign"
            )
            process.start()
            theirs.close()
            stack.callback(process.join, 10)
            lines.append(ours)
        for line in lines:
            stack.callback(line.close)
        threads = stack.enter_context(ThreadPoolExecutor(workers))
        yield from _in_order(threads, lines, chunks)


def _in_order(
    threads: ThreadPoolExecutor, lines: Sequence[Connection], chunks: Iterable[Chunk]
) -> Iterator[bytes]:
    """One thread talks to one worker at a time; `idle` lends the lines out."""
    idle = list(lines)
    pending: list[Future[bytes]] = []

    def ask(chunk: Chunk) -> bytes:
        line = idle.pop()
        try:
            return _ask(line, chunk)
        finally:
            idle.append(line)

    try:
        for chunk in chunks:
            pending.append(threads.submit(ask, chunk))
            if len(pending) > 2 * len(lines):
                yield pending.pop(0).result()
        while pending:
            yield pending.pop(0).result()
    finally:
        for future in pending:
            future.cancel()


def _ask(line: Connection, chunk: Chunk) -> bytes:
    try:
        line.send(chunk)
        if not line.poll(_WAIT_SECONDS):
            raise UnavailableError(
                f"a signing process did not answer within {_WAIT_SECONDS:.0f} s",
                next_step="run the same command again: it continues where it stopped",
            )
        answer = line.recv()
    except (EOFError, OSError):
        raise UnavailableError(
            "a signing process died (killed, or out of memory)",
            next_step="run the same command again: it continues where it stopped",
        ) from None
    if isinstance(answer, TouchstoneError):
        raise answer
    assert isinstance(answer, bytes)
    return answer


def _work(line: Connection, source: SignerSource, template: CodeTemplate) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signer: Signer | None = None
    try:
        while True:
            chunk = line.recv()
            try:
                signer = signer or source.open()
                answer: bytes | TouchstoneError = sign_chunk(signer, template, chunk)
            except TouchstoneError as error:
                answer = error
            line.send(answer)
    except (EOFError, OSError):
        pass  # the parent has closed the pipe, or is gone
