"""The serial list of a large batch: made in parts, kept in the run's folder, read again.

```
DIR/serials.jws      the signed parts in order, one a line; only where the batch is too large
                     for a filter in its header
DIR/.serials/        while it is made: serials, sorted roughly by their part
```

Memory is bounded by a few dozen parts, whatever the size of the batch.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from authenticity.errors import BatchError, ConfigurationError
from authenticity.limits import LIMITS, Limits
from authenticity.records.batch import Batch
from authenticity.records.part_statement import PART, SignedPart, read_part
from authenticity.records.serial_filter import build_filter
from authenticity.records.serial_parts import (
    PART_FORMAT,
    SerialPart,
    digest_of_part,
    number_of_parts,
    part_filter,
    share_of,
)
from keys.durable_files import replacing
from keys.guarded_files import make_private_folder
from producers.processes import in_processes

PARTS_FILE: Final = "serials.jws"
_SORTING: Final = ".serials"
_MOST_FILES: Final = 128

SignPart = Callable[[SerialPart], bytes]


@dataclass(frozen=True, slots=True)
class _Shares:
    """A file of serials, one a line, that fall into the parts `first` to `last` of `of`."""

    path: Path
    first: int
    last: int
    of: int


def with_serial_list(
    batch: Batch,
    serials: Iterable[Iterable[str]],
    folder: Path,
    sign: SignPart,
    *,
    workers: int,
    limits: Limits = LIMITS,
) -> Batch:
    """The batch, naming the parts of the list of these serials; writes them to `serials.jws`.

    The same serials give the same parts, whatever their order. The batch has more serials
    than a filter holds, each once.
    """
    parts = number_of_parts(batch.count, limits)
    digests: list[bytes] = []
    with (
        _sorted_by_share(folder, serials, parts) as files,
        replacing(folder / PARTS_FILE) as temporary,
        temporary.open("wb") as file,
    ):
        for number, content in enumerate(_filters(files, workers)):
            part = SerialPart(
                v=PART_FORMAT, batch_id=batch.batch_id, issuer=batch.issuer, gtin=batch.gtin,
                number=number, of=parts, serials=content, revision=batch.revision,
            )  # fmt: skip
            file.write(sign(part) + b"\n")
            digests.append(digest_of_part(content))
    return replace(batch, serials=None, serial_parts=b"".join(digests))


def with_exact_list(
    batch: Batch,
    serials: Iterable[Iterable[str]],
    folder: Path,
    sign: SignPart,
    *,
    workers: int,
    limits: Limits = LIMITS,
) -> Batch:
    """The batch with the list of these serials in place of any other: a filter, or the digests
    of parts, which are written to `serials.jws`."""
    if number_of_parts(batch.count, limits):
        return with_serial_list(batch, serials, folder, sign, workers=workers, limits=limits)
    return replace(batch, serials=build_filter(chain.from_iterable(serials)), serial_parts=UNSET)


def sign_list_again(folder: Path, sign: SignPart) -> None:
    """Have the parts in this folder, if there are any, signed by another key; what they hold
    stays."""
    if not has_serial_list(folder):
        return
    with replacing(folder / PARTS_FILE) as temporary, temporary.open("wb") as file:
        for signed in read_serial_list(folder):
            file.write(sign(signed.part) + b"\n")


def read_serial_list(folder: Path) -> Iterator[SignedPart]:
    """The parts in a run's folder, in order; none where it has none. No signature is checked.

    Raises `BatchError` naming the line.
    """
    path = folder / PARTS_FILE
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file.readline), 1):
            try:
                yield read_part(line)
            except BatchError as error:
                raise BatchError(f"{path.name} line {number}: {error}") from None


def has_serial_list(folder: Path) -> bool:
    """Whether the folder holds signed parts."""
    return (folder / PARTS_FILE).exists()


def check_list(batch: Batch, folder: Path) -> None:
    """Refuse a folder whose parts are not those that the header names.

    Raises `ConfigurationError`.
    """
    digests = b"".join(signed.name.digest for signed in read_serial_list(folder))
    if digests != (batch.serial_parts or b""):
        raise ConfigurationError(
            f"{folder / PARTS_FILE} does not hold the parts that the batch's header names",
            next_step=f"remove it, then register again: it is made of {folder / 'manifest.csv'}",
        )


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while line := read(2 * PART.payload_bytes):
        yield line.rstrip(b"\n")


@contextmanager
def _sorted_by_share(
    folder: Path, serials: Iterable[Iterable[str]], parts: int
) -> Iterator[list[_Shares]]:
    """Files that hold the serials of some parts each; gone afterwards, also after a kill
    once the run is continued."""
    root = folder / _SORTING
    shutil.rmtree(root, ignore_errors=True)
    make_private_folder(root)
    each = -(-parts // _MOST_FILES)
    files = [
        _Shares(root / str(first), first, min(first + each, parts) - 1, parts)
        for first in range(0, parts, each)
    ]
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context(shares.path.open("wb")) for shares in files]
            for some in serials:
                lines: dict[int, list[str]] = {}
                for serial in some:
                    lines.setdefault(share_of(serial, parts) // each, []).append(serial)
                for number, of_file in lines.items():
                    opened[number].write(("\n".join(of_file) + "\n").encode())
        yield files
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _filters(files: list[_Shares], workers: int) -> Iterator[bytes]:
    """The filter of each part, in order."""
    if workers == 1 or len(files) == 1:
        made: Iterable[list[bytes]] = map(_filters_of, files)
    else:
        made = in_processes(_nothing, _filters_in_process, files, workers=min(workers, len(files)))
    for filters in made:
        yield from filters


def _filters_of(shares: _Shares) -> list[bytes]:
    serials: list[list[str]] = [[] for _ in range(shares.first, shares.last + 1)]
    with shares.path.open("rb") as lines:
        for line in lines:
            serial = line[:-1].decode()
            serials[share_of(serial, shares.of) - shares.first].append(serial)
    return [part_filter(of_part) for of_part in serials]


def _nothing() -> None:
    """No state is prepared."""


def _filters_in_process(_: None, shares: _Shares) -> list[bytes]:
    return _filters_of(shares)
