"""Release, recall and theft of a batch, and the batch statement in a run's folder."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, assert_never

from msgspec.structs import replace

from authenticity.errors import BatchError, ConfigurationError
from authenticity.records.batch import Batch, BatchStatus, encode_batch
from authenticity.records.batch_statement import (
    BatchStatement,
    later_statement,
    read_statement,
)
from authenticity.records.issuer_jws import REVISIONS_SINCE, largest_revision
from authenticity.records.part_statement import SignedPart, read_batch_record
from keys.durable_files import write_durably
from producers.issuing.serial_list import read_serial_list

HEADER_FILE: Final = "batch.json"
STATEMENT_FILE: Final = "batch.jws"
_A_FILE: Final = (
    "name the folder of a run (`touchstone issue --out`), or a file of batch statements, one a line"
)


class Declaration(StrEnum):
    """What an issuer may say of a batch later on."""

    RELEASE = "release"
    RECALL = "recall"
    STOLEN = "stolen"
    WITHDRAW = "withdraw"


def declared(batch: Batch, declaration: Declaration, *, at: datetime, revision: int) -> Batch:
    """The batch with this said of it, in a statement of this revision. `at`: the time of
    release. A filter by version 0.1.0 is left out: no engine takes it in a signed statement."""
    released_at = batch.released_at
    match declaration:
        case Declaration.RELEASE:
            released_at, status = released_at or at, BatchStatus.NORMAL
        case Declaration.RECALL:
            status = BatchStatus.RECALLED
        case Declaration.STOLEN:
            status = BatchStatus.STOLEN
        case Declaration.WITHDRAW:
            status = BatchStatus.WITHDRAWN
        case _:
            assert_never(declaration)
    if batch.serials is not None and not batch.has_exact_list:
        batch = replace(batch, serials=None)
    return replace(batch, revision=revision, released_at=released_at, status=status)


def refuse_if_said(batch: Batch, declaration: Declaration) -> None:
    """Raise `ConfigurationError` if this says it: `batch` is the one that stands with the
    engine. What a run's folder says is no reason: the engine may not have taken it."""
    said_again = declared(batch, declaration, at=batch.registered_at, revision=batch.revision)
    if (said_again.status, said_again.released_at) != (batch.status, batch.released_at):
        return
    said = batch.status.value
    if declaration is Declaration.RELEASE:
        said = f"released since {batch.released_at:%Y-%m-%d}"
    raise ConfigurationError(
        f"batch {batch.batch_id} is {said} already", next_step="nothing is to be done"
    )


def to_declare_of(kept: BatchStatement | None, stands: BatchStatement | None) -> Batch:
    """The batch to say something of: `kept` in the run's folder, `stands` with the engine; one
    of them at least.

    What was made is the folder's to say, what was declared is said by the later of the two: a
    folder may be behind the ledger, and before it. A list of serials is taken from where one is.
    """
    if kept is None or stands is None:
        only = kept or stands
        assert only is not None
        return only.batch
    later = later_statement(kept, stands).batch
    batch = replace(kept.batch, released_at=later.released_at, status=later.status)
    if not batch.has_list:
        batch = replace(batch, serials=later.serials, serial_parts=later.serial_parts)
    return batch


def next_revision(key_slot: int, *known: BatchStatement | None, at: datetime) -> int:
    """The least revision that a key in this slot may give a statement to stand after all of
    these: those of lower slots need none.

    Raises `ConfigurationError` if one of them is by a higher slot, or has a revision that
    leaves none to what is signed `at` this time.
    """
    said = [each for each in known if each is not None]
    for each in said:
        if each.key_slot is not None and each.key_slot > key_slot:
            raise ConfigurationError(
                f"batch {each.batch.batch_id} is stated with the key in slot {each.key_slot} of "
                f"{each.batch.issuer}, which outranks slot {key_slot}, the newest here",
                next_step="use the key store that holds the newer key (--keys), or "
                f"`touchstone keys rotate {each.batch.issuer}`",
            )
    same = [each.batch for each in said if each.key_slot == key_slot]
    stands = max(same, key=lambda batch: batch.revision, default=None)
    if stands is None:
        return 1
    if stands.revision >= largest_revision(at):
        free_from = datetime.fromtimestamp(REVISIONS_SINCE + stands.revision + 1, UTC)
        raise ConfigurationError(
            f"batch {stands.batch_id} is stated with revision {stands.revision:,}, dated ahead of "
            f"now, and no higher one may be signed with this key before {free_from:%F %T} UTC",
            next_step="wait until then and repeat the command. If it was not you who stated it, "
            f"somebody has your key: `touchstone keys revoke {stands.issuer} --slot {key_slot}` "
            f"and `touchstone keys rotate {stands.issuer}`, export and publish the trust list",
        )
    return stands.revision + 1


def read_batch(folder: Path) -> Batch:
    """The newest batch header of a run's folder."""
    return read_folder(folder).batch


def read_folder(folder: Path) -> BatchStatement:
    """The newest statement about the batch of a run's folder; unsigned in a folder of 0.1.0."""
    for name in (STATEMENT_FILE, HEADER_FILE):
        try:
            return read_statement((folder / name).read_bytes().rstrip(b"\n"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _no_run(folder, error.strerror) from None
    raise _no_run(folder, "there is no batch.json")


def read_statements(path: Path) -> list[BatchStatement]:
    """The statement of a run's folder (one), or those of a file, one a line; some may be
    unsigned headers. Parts of serial lists are passed over. No signature is checked.

    Raises `ConfigurationError`, or `BatchError` naming the line.
    """
    if path.is_dir():
        return [read_folder(path)]
    return [each for each in _records_of(path) if isinstance(each, BatchStatement)]


def read_parts(path: Path) -> Iterator[SignedPart]:
    """The parts of serial lists in a run's folder, or among the lines of a file of statements.

    Raises as `read_statements`.
    """
    if path.is_dir():
        return read_serial_list(path)
    return (each for each in _records_of(path) if isinstance(each, SignedPart))


def _records_of(path: Path) -> Iterator[BatchStatement | SignedPart]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield read_batch_record(line.rstrip(b"\r\n"))
                except BatchError as error:
                    raise BatchError(
                        f"{path.name} line {number}: {error}", next_step=error.next_step or _A_FILE
                    ) from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the batches {path}: {error.strerror}",
            next_step="give the folder of a run (touchstone issue), or a file of statements",
        ) from None


def keep_statement(folder: Path, statement: BatchStatement) -> None:
    """Write it to `batch.jws`, and its header, for people and tools, to `batch.json`."""
    write_durably(folder / HEADER_FILE, encode_batch(statement.batch) + b"\n")
    write_durably(folder / STATEMENT_FILE, statement.raw + b"\n")


def _no_run(folder: Path, reason: str | None) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} is no folder of a finished run: {reason}",
        next_step="name the folder that was given to `touchstone issue --out`",
    )
