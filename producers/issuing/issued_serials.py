"""Which serials were issued: a record beside the keys, so that none is issued twice.

```
keys/issued/GTIN/          0700
├── .lock                  held while a run reserves its serials
└── BATCH_ID.digests       0600; BLAKE2b-128 of each serial, 16 bytes each, in order of issue;
                           `=SHA256.digests` of an id that is not of letters, digits, - and _
keys/issued.begun          says that there is a record, should the folder be lost
```

It outlasts a lost run folder. It tells nothing of a serial to whoever does not know it.
Memory is bounded, whatever the number of serials asked about and on record.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b, sha256
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from authenticity.errors import ConfigurationError
from keys.durable_files import is_temporary, locked, replacing, write_durably
from keys.guarded_files import PRIVATE_FILE, make_private_folder

DIGEST_BYTES: Final = 16
_AT_ONCE: Final = 1 << 18
_COMPARED_AT_ONCE: Final = 1 << 22
_ENDING: Final = ".digests"
_SHOWN: Final = 3
_PLAIN: Final = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_GTIN: Final = re.compile("[0-9]{14}")


class IssuedSerials:
    """The record of one key store."""

    def __init__(self, keys: Path) -> None:
        self._root = keys / "issued"
        self._begun = keys / "issued.begun"

    def reserve(self, gtin: str, batch_id: str, chunks: Iterable[Sequence[str]]) -> None:
        """Put these on record as the batch's, before anything is signed. `chunks`, no iterator,
        is read twice if there is something to refuse.

        The same batch again changes nothing: a run may be continued. Raises
        `ConfigurationError` if another batch of this GTIN holds one of them; then nothing is
        put on record.
        """
        with self._open(gtin) as folder:
            path = folder / _file_name(batch_id)
            with _writing(path, chunks) as written:
                _refuse_known(folder, path, written, gtin, chunks)

    def keep(self, gtin: str, batch_id: str, chunks: Iterable[Sequence[str]]) -> None:
        """Put minted serials on record, in chunks. That chance made one of them before is not
        looked for (see `authenticity.records.serial`)."""
        with self._open(gtin) as folder, _writing(folder / _file_name(batch_id), chunks):
            pass

    def holds(self, gtin: str, batch_id: str) -> bool:
        """Whether the serials of this batch are on record."""
        return (self._root / gtin / _file_name(batch_id)).exists()

    @contextmanager
    def _open(self, gtin: str) -> Iterator[Path]:
        if not _GTIN.fullmatch(gtin):
            raise ConfigurationError(
                f"{gtin!r} is no GTIN of 14 digits", next_step="write it with leading zeros"
            )
        if self._begun.exists() and not self._root.exists():
            raise ConfigurationError(
                f"the record of issued serials {self._root} is missing, so serials might be issued "
                "twice",
                next_step=f"restore it from a backup; or delete {self._begun} to begin a new "
                "record, and register each run folder again: touchstone batches register DIR",
            )
        folder = self._root / gtin
        for each in (self._root, folder):
            make_private_folder(each)
        if not self._begun.exists():
            write_durably(self._begun, b"")
        with locked(folder / ".lock", f"the record of issued serials {folder}"):
            yield folder


def _file_name(batch_id: str) -> str:
    """Whoever writes a batch's header chooses its id: no id names a file elsewhere, one that is
    hidden, or that of another id."""
    if _PLAIN.fullmatch(batch_id):
        return f"{batch_id}{_ENDING}"
    return f"={sha256(batch_id.encode('utf-8', 'surrogatepass')).hexdigest()}{_ENDING}"


def _refuse_known(
    folder: Path, own: Path, written: Path, gtin: str, chunks: Iterable[Sequence[str]]
) -> None:
    """Refuse serials that are on record as another batch's than that of `own`. `written` holds
    their digests."""
    for path in sorted(folder.glob(f"*{_ENDING}")):
        if path == own or is_temporary(path):
            continue
        count, first = 0, list[int]()
        for numbers in _found(path, written):
            count += len(numbers)
            first = nsmallest(_SHOWN, [*first, *numbers])
        if count:
            shown = ", ".join(_numbered(chunks, first))
            raise ConfigurationError(
                f"{count:,} of these serials of GTIN {gtin} are issued already, in batch "
                f"{path.name.removesuffix(_ENDING)}: {shown}",
                next_step="take serials that no other batch has; to go on with an interrupted "
                "run, give its --out; if its folder is lost and none of its codes was printed, "
                f"delete {path}",
            )


def _numbered(chunks: Iterable[Sequence[str]], numbers: Sequence[int]) -> Iterator[str]:
    """The serials with these numbers."""
    serials = (serial for some in chunks for serial in some)
    for number, serial in enumerate(islice(serials, max(numbers) + 1)):
        if number in numbers:
            yield serial


def _digests(serials: Sequence[str]) -> pa.Array:
    packed = b"".join(
        [blake2b(serial.encode(), digest_size=DIGEST_BYTES).digest() for serial in serials]
    )
    return _array(pa.py_buffer(packed))


def _array(buffer: pa.Buffer) -> pa.Array:
    count = buffer.size // DIGEST_BYTES
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(DIGEST_BYTES), count, [None, buffer])


def _found(path: Path, asked: Path) -> Iterator[list[int]]:
    """The numbers of those asked about that the file holds too."""
    with _mapped(path) as on_record, _mapped(asked) as all_asked:
        for first in range(0, len(all_asked), _COMPARED_AT_ONCE):
            some = all_asked.slice(first, _COMPARED_AT_ONCE)
            for start in range(0, len(on_record), _COMPARED_AT_ONCE):
                numbers = pc.index_in(on_record.slice(start, _COMPARED_AT_ONCE), value_set=some)
                yield [first + number for number in numbers.drop_null().to_pylist()]


@contextmanager
def _mapped(path: Path) -> Iterator[pa.Array]:
    if path.stat().st_size == 0:  # which cannot be mapped
        yield _array(pa.py_buffer(b""))
        return
    with pa.memory_map(str(path)) as file:
        yield _array(file.read_buffer())


@contextmanager
def _writing(path: Path, chunks: Iterable[Sequence[str]]) -> Iterator[Path]:
    """Whole or not at all: the file takes its place at the end of the block, where it is
    written under the name that this gives."""
    with replacing(path, mode=PRIVATE_FILE) as temporary:
        with temporary.open("wb") as file:
            for serials in chunks:
                for start in range(0, len(serials), _AT_ONCE):
                    file.write(_digests(serials[start : start + _AT_ONCE]).buffers()[1])
        yield temporary
