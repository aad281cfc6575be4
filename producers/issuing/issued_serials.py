"""Which serials were issued: a record beside the keys, so that none is issued twice.

```
keys/issued/GTIN/          0700
├── .lock                  held while a run reserves its serials
└── BATCH_ID.digests       0600; BLAKE2b-128 of each serial, 16 bytes each, in order of issue
keys/issued.begun          says that there is a record, should the folder be lost
```

It outlasts a lost run folder. It tells nothing of a serial to whoever does not know it.
Memory is bounded by the serials that are asked about, never by those on record.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from authenticity.errors import ConfigurationError
from keys.durable_files import is_temporary, locked, replacing, write_durably
from keys.guarded_files import PRIVATE_FILE, make_private_folder

DIGEST_BYTES: Final = 16
_AT_ONCE: Final = 1 << 18
_ENDING: Final = ".digests"
_SHOWN: Final = 3


class IssuedSerials:
    """The record of one key store."""

    def __init__(self, keys: Path) -> None:
        self._root = keys / "issued"
        self._begun = keys / "issued.begun"

    def reserve(self, gtin: str, batch_id: str, serials: Sequence[str]) -> None:
        """Put these on record as the batch's, before anything is signed.

        The same batch again changes nothing: a run may be continued. Raises
        `ConfigurationError` if another batch of this GTIN holds one of them; then nothing is
        put on record.
        """
        with self._open(gtin) as folder:
            path = folder / f"{batch_id}{_ENDING}"
            self._refuse_known(folder, path, gtin, serials)
            _write(path, iter([serials]))

    def keep(self, gtin: str, batch_id: str, chunks: Iterator[Sequence[str]]) -> None:
        """Put minted serials on record, in chunks. That chance made one of them before is not
        looked for (see `authenticity.records.serial`)."""
        with self._open(gtin) as folder:
            _write(folder / f"{batch_id}{_ENDING}", chunks)

    def holds(self, gtin: str, batch_id: str) -> bool:
        """Whether the serials of this batch are on record."""
        return (self._root / gtin / f"{batch_id}{_ENDING}").exists()

    @contextmanager
    def _open(self, gtin: str) -> Iterator[Path]:
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

    def _refuse_known(self, folder: Path, own: Path, gtin: str, serials: Sequence[str]) -> None:
        asked = _digests(serials)
        for path in sorted(folder.glob(f"*{_ENDING}")):
            if path == own or is_temporary(path):
                continue
            known = [number for found in _found(path, asked) for number in found]
            if known:
                first = ", ".join(serials[number] for number in sorted(known)[:_SHOWN])
                raise ConfigurationError(
                    f"{len(known):,} of these serials of GTIN {gtin} are issued already, in batch "
                    f"{path.name.removesuffix(_ENDING)}: {first}",
                    next_step="take serials that no other batch has; to go on with an interrupted "
                    "run, give its --out; if its folder is lost and none of its codes was printed, "
                    f"delete {path}",
                )


def _digests(serials: Sequence[str]) -> pa.Array:
    packed = b"".join(
        [blake2b(serial.encode(), digest_size=DIGEST_BYTES).digest() for serial in serials]
    )
    return _array(pa.py_buffer(packed))


def _array(buffer: pa.Buffer) -> pa.Array:
    count = buffer.size // DIGEST_BYTES
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(DIGEST_BYTES), count, [None, buffer])


def _found(path: Path, asked: pa.Array) -> Iterator[list[int]]:
    """The numbers of those asked about that the file holds."""
    if path.stat().st_size == 0:
        return
    with pa.memory_map(str(path)) as file:
        on_record = _array(file.read_buffer())
        for start in range(0, len(on_record), _AT_ONCE):
            numbers = pc.index_in(on_record.slice(start, _AT_ONCE), value_set=asked).drop_null()
            yield numbers.to_pylist()


def _write(path: Path, chunks: Iterator[Sequence[str]]) -> None:
    """Whole or not at all."""
    with replacing(path, mode=PRIVATE_FILE) as temporary, temporary.open("wb") as file:
        for serials in chunks:
            for start in range(0, len(serials), _AT_ONCE):
                file.write(_digests(serials[start : start + _AT_ONCE]).buffers()[1])
