"""Release, recall and theft of a batch, and the batch statement in a run's folder."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from authenticity.errors import BatchError, ConfigurationError
from authenticity.records.batch import Batch, BatchStatus, encode_batch
from authenticity.records.batch_statement import BatchStatement, read_statement
from authenticity.records.part_statement import SignedPart, read_batch_record
from keys.durable_files import write_durably
from producers.issuing.serial_list import read_serial_list

HEADER_FILE: Final = "batch.json"
STATEMENT_FILE: Final = "batch.jws"


class Declaration(StrEnum):
    """What an issuer may say of a batch later on."""

    RELEASE = "release"
    RECALL = "recall"
    STOLEN = "stolen"


def declared(batch: Batch, declaration: Declaration, *, at: datetime) -> Batch:
    """The next revision of the batch, with this said of it. `at` is the time of release."""
    revision = batch.revision + 1
    if declaration is Declaration.RELEASE:
        if batch.released_at is not None and batch.status is BatchStatus.NORMAL:
            raise ConfigurationError(
                f"batch {batch.batch_id} has been released {batch.released_at:%Y-%m-%d} already",
                next_step="nothing is to be done",
            )
        return replace(
            batch,
            revision=revision,
            released_at=batch.released_at or at,
            status=BatchStatus.NORMAL,
        )
    status = BatchStatus.RECALLED if declaration is Declaration.RECALL else BatchStatus.STOLEN
    if batch.status is status:
        raise ConfigurationError(
            f"batch {batch.batch_id} is {status} already", next_step="nothing is to be done"
        )
    return replace(batch, revision=revision, status=status)


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
                    raise BatchError(f"{path.name} line {number}: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"cannot read the batches {path}: {error.strerror}") from None


def keep_statement(folder: Path, statement: BatchStatement) -> None:
    """Write it to `batch.jws`, and its header, for people and tools, to `batch.json`."""
    write_durably(folder / HEADER_FILE, encode_batch(statement.batch) + b"\n")
    write_durably(folder / STATEMENT_FILE, statement.raw + b"\n")


def _no_run(folder: Path, reason: str | None) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} is no folder of a finished run: {reason}",
        next_step="name the folder that was given to `touchstone issue --out`",
    )
