"""Release, recall and theft of a batch, and the batch header in a run's folder."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec.structs import replace

from authenticity.errors import BatchError, ConfigurationError
from authenticity.records.batch import Batch, BatchStatus, decode_batch, encode_batch
from keys.durable_files import write_durably


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
    path = folder / "batch.json"
    try:
        return decode_batch(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{folder} is no folder of a finished run: {error.strerror}",
            next_step="name the folder that was given to `touchstone issue --out`",
        ) from None


def read_batches(path: Path) -> list[Batch]:
    """The batches of a run's folder (one), or of a file of headers, one JSON object a line.

    Raises `ConfigurationError`, or `BatchError` naming the line.
    """
    if path.is_dir():
        return [read_batch(path)]
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"cannot read the batches {path}: {error.strerror}") from None
    batches: list[Batch] = []
    for number, line in enumerate(lines, 1):
        try:
            batches.append(decode_batch(line))
        except BatchError as error:
            raise BatchError(f"{path.name} line {number}: {error}") from None
    return batches


def keep_batch(folder: Path, batch: Batch) -> None:
    """Write this revision to `batch.json`, beside the manifest."""
    write_durably(folder / "batch.json", encode_batch(batch) + b"\n")
