"""An issuing run, from the order to the finished manifest. Registering it is another step.

1. Take the folder; it is new, or belongs to the same order.
2. Write down the run (batch id, key) before anything is minted.
3. Put existing serials on record; refuse one that another batch has. Sign what is
   missing, chunk by chunk, each on disk before the next is counted.
4. Sort, hash, look for a serial twice; minted ones are replaced. Chance alone makes none
   (see `authenticity.records.serial`), a broken random source could.
5. Write the manifest, the list of serials of a large batch in signed parts, and the signed
   batch header; the marker of completeness last.

Killed at any point, the same call continues: no serial is minted twice or lost.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from authenticity.errors import ConfigurationError
from authenticity.limits import LIMITS, Limits
from authenticity.records.batch import BATCH_FORMAT, Batch, decode_batch, encode_batch
from authenticity.records.batch_statement import BatchStatement
from authenticity.trust.keys import PublicKey, verifies
from authenticity.trust.signature_field import parse_signature_field
from keys.batch_signing import sign_batch, sign_part
from keys.durable_files import write_durably
from keys.signer import Signer, SignerSource
from producers.issuing.declarations import keep_statement, read_folder
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.manifest import (
    DuplicateSerials,
    ManifestHeader,
    read_header,
    serials_of,
    write_parquet,
)
from producers.issuing.order import CodeTemplate, Order, template_of
from producers.issuing.run_folder import CSV_HEADER, Run, RunFolder
from producers.issuing.serial_list import with_exact_list
from producers.issuing.signing import CHUNK_CODES, Chunk, csv_cell, sign_in_parallel

MANIFEST_FORMAT: Final = 1
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The issuer's key for this run: how to open it, and its public side."""

    source: SignerSource
    key_slot: int
    public_key: PublicKey
    issuer_name: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A finished run. `signed` counts the codes of this call: less when it continued one."""

    folder: Path
    header: ManifestHeader
    statement: BatchStatement
    signed: int

    @property
    def batch(self) -> Batch:
        """What the statement says."""
        return self.statement.batch


def begin_or_continue(
    folder: Path, order: Order, *, new_run: Callable[[], Run]
) -> tuple[RunFolder, Run]:
    """Steps 1 and 2. The caller holds `RunFolder.opened`.

    Raises `ConfigurationError` if the folder belongs to another order.
    """
    files = RunFolder(folder)
    run = files.known_run()
    if run is None:
        run = new_run()
        files.begin(run)
    elif run.order != order:
        raise ConfigurationError(
            f"{folder} belongs to another run: {_difference(run.order, order)}",
            next_step="repeat that command to continue it, or choose another --out",
        )
    return files, run


def issue(
    files: RunFolder,
    run: Run,
    key: SigningKey,
    *,
    on_record: IssuedSerials,
    clock: Callable[[], datetime],
    workers: int,
    serials: list[str] | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
    limits: Limits = LIMITS,
) -> Issued:
    """Steps 3 to 5; `on_progress` gets the number of codes on disk.

    `serials`: existing ones, in the order of their file; else they are minted. Raises
    `ConfigurationError`, before anything is signed, if one of them is on record as issued.
    """
    if files.header.exists():
        on_progress(run.order.count)
        statement = read_folder(files.root)
        if not statement.is_signed:
            now, signer = clock(), key.source.open()
            batch = statement.batch
            if not batch.has_exact_list:  # as version 0.1.0 left it
                newer = replace(batch, revision=batch.revision + 1)
                batch = _listed(newer, files, signer, now, workers, limits)
            statement = sign_batch(batch, signer, at=now)
            keep_statement(files.root, statement)
        return Issued(files.root, read_header(files.header), statement, 0)
    gtin, batch_id = run.order.gtin, run.batch_id
    if serials is not None:
        with files.ended_if_refused():
            on_record.reserve(gtin, batch_id, [serials])
    template = template_of(run.order, key.public_key.algorithm, key.key_slot)
    signed = _sign_missing(files, run, key, template, workers, serials, on_progress)
    for _ in range(_ROUNDS):
        try:
            header = _write_manifest(files, run, key)
            break
        except DuplicateSerials as found:
            if serials is not None:
                raise ConfigurationError(
                    f"{files.part} holds serials twice", next_step="choose another --out"
                ) from None
            _drop_repeated(files.part, found.serials)
            signed += _sign_missing(files, run, key, template, workers, None, on_progress)
    else:
        raise RuntimeError("the operating system's random numbers repeat")
    files.finish_codes()
    if serials is None:
        on_record.keep(gtin, batch_id, serials_of(files.csv))
    now, signer = clock(), key.source.open()
    batch = _listed(_batch(run, header, now), files, signer, now, workers, limits)
    statement = sign_batch(batch, signer, at=now)
    keep_statement(files.root, statement)
    write_durably(files.header, msgspec.json.encode(header) + b"\n")
    return Issued(files.root, header, statement, signed)


def _write_manifest(files: RunFolder, run: Run, key: SigningKey) -> ManifestHeader:
    """Raises `DuplicateSerials`, and then writes nothing."""
    csv = files.csv if files.csv.exists() else files.part
    return write_parquet(csv, files.parquet, partial(_header, run, key))


def _sign_missing(
    files: RunFolder,
    run: Run,
    key: SigningKey,
    template: CodeTemplate,
    workers: int,
    serials: list[str] | None,
    on_progress: Callable[[int], None],
) -> int:
    count = run.order.count
    done = files.written(lambda line: _is_own_line(line, template, key.public_key))
    if done > count:
        raise ConfigurationError(
            f"{files.part} holds more codes than were ordered", next_step="choose another --out"
        )
    missing = count - done
    on_progress(done)
    if not missing:
        return 0
    chunks = list(_chunks(done, count, serials, workers))
    with files.appending() as append:
        signed = sign_in_parallel(key.source, template, chunks, workers=min(workers, len(chunks)))
        for chunk, lines in zip(chunks, signed, strict=True):
            append(lines)
            done += chunk.count
            on_progress(done)
    return missing


def _chunks(done: int, count: int, serials: list[str] | None, workers: int) -> Iterator[Chunk]:
    """Small runs are cut so that every core gets a part."""
    size = max(1, min(CHUNK_CODES, -(-(count - done) // workers)))
    for start in range(done, count, size):
        end = min(start + size, count)
        yield Chunk(end - start, None if serials is None else tuple(serials[start:end]))


def _is_own_line(line: bytes, template: CodeTemplate, key: PublicKey) -> bool:
    """Whether this is a whole line of the run whose signature verifies."""
    cell, found, rest = line.partition(b"," + template.head)
    printed, found_tail, field_text = rest.partition(template.tail)
    try:
        field = parse_signature_field(field_text.decode())
        serial = unquote(printed.decode(), errors="strict")
    except UnicodeDecodeError:
        return False
    if not (found and found_tail and field and csv_cell(serial).encode() == cell):
        return False
    content = serial.encode()
    message = template.signed_head + bytes((len(content) & 255,)) + content
    return field.header == template.header and verifies(key, message, field.signature)


def _drop_repeated(part: Path, repeated: frozenset[str]) -> None:
    """Keep the first line of each serial."""
    seen: set[bytes] = set()
    kept = [CSV_HEADER]
    with part.open("rb") as lines:
        next(lines)
        for line in lines:
            serial = line.partition(b",")[0]
            if serial.decode() in repeated:
                if serial in seen:
                    continue
                seen.add(serial)
            kept.append(line)
    write_durably(part, b"".join(kept))


def _header(run: Run, key: SigningKey, digest: str) -> ManifestHeader:
    order = run.order
    return ManifestHeader(
        v=MANIFEST_FORMAT,
        batch_id=run.batch_id,
        issuer=order.issuer,
        issuer_name=key.issuer_name,
        key_slot=key.key_slot,
        algorithm=key.public_key.algorithm.names.manifest,
        public_key_thumbprint=key.public_key.thumbprint,
        gtin=order.gtin,
        lot=order.lot,
        expiry=order.expiry,
        produced=order.produced,
        count=order.count,
        manifest_sha256=digest,
    )


def _listed(
    batch: Batch, files: RunFolder, signer: Signer, now: datetime, workers: int, limits: Limits
) -> Batch:
    """With the list of its serials: a filter, or the digests of parts that are written here."""
    batch = with_exact_list(
        batch, serials_of(files.csv), files.root, partial(sign_part, signer=signer, at=now),
        workers=workers, limits=limits,
    )  # fmt: skip
    return decode_batch(encode_batch(batch))


def _batch(run: Run, header: ManifestHeader, now: datetime) -> Batch:
    order = run.order
    return Batch(
        v=BATCH_FORMAT,
        batch_id=run.batch_id,
        issuer=order.issuer,
        gtin=order.gtin,
        lot=order.lot,
        expiry=order.expiry,
        produced=order.produced,
        count=order.count,
        key_slot=header.key_slot,
        manifest_sha256=header.manifest_sha256,
        registered_at=now,
        released_at=now if order.released else None,
        markets=order.markets,
    )


def _difference(one: Order, other: Order) -> str:
    names = [name for name in Order.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    return ", ".join(
        f"{name} {getattr(one, name)!r} there, {getattr(other, name)!r} now" for name in names
    )
