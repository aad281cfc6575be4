"""The folder of one issuing run, which can be continued after a kill at any point.

```
DIR/
├── run.json          the order and its batch id, written before the first code
├── codes.part        lines `serial,code`, appended chunk by chunk, each chunk synced
├── manifest.csv      codes.part under its final name
├── manifest.parquet  the same rows
├── batch.json        the batch header, its newest revision
├── batch.jws         the same, signed, as it is registered
├── serials.jws       signed parts of its serial list, if it is too large for a filter
├── manifest.json     what all of it is; written last, so it marks a complete run
└── labels…
```

A killed run may leave half a chunk, which nobody has been given yet: the tail is read
back and cut after the last line that is whole and verifies.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from authenticity.errors import ConfigurationError, UnavailableError
from keys.durable_files import is_temporary, locked, open_own, sync_folder, write_durably
from producers.issuing.order import Order

RUN_FORMAT: Final = 1
CSV_HEADER: Final = b"serial,code\n"
TAIL_BYTES: Final = 8 << 20  # more than one chunk, which is all that may be torn
_BLOCK_BYTES: Final = 1 << 20


class Run(Struct, frozen=True):
    """One run: its order, the batch it makes, the key it began with."""

    v: int
    order: Order
    batch_id: str
    key_slot: int
    public_key_thumbprint: str
    started_at: Annotated[datetime, Meta(tz=True)]


class RunFolder:
    """The files of one run. `opened` takes the lock; all else is done under it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run_file = root / "run.json"
        self.part = root / "codes.part"
        self.csv = root / "manifest.csv"
        self.parquet = root / "manifest.parquet"
        self.batch = root / "batch.json"
        self.header = root / "manifest.json"

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the folder against other runs. A folder that was made here is gone again if the
        block raises before it left a file.

        Raises `UnavailableError` if it cannot be made, or if another run holds it.
        """
        is_new = not self.root.exists()
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            self.root.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"cannot make the folder {self.root}: {error.strerror}",
                next_step="choose another --out",
            ) from None
        lock = self.root / ".lock"
        with locked(lock, f"the run folder {self.root}", seconds=1):
            try:
                yield
            except BaseException:
                if is_new and list(self.root.iterdir()) == [lock]:
                    lock.unlink()
                    self.root.rmdir()
                raise

    def known_run(self) -> Run | None:
        """The run that this folder belongs to, or None for a new one.

        Raises `ConfigurationError` for a folder that holds something else.
        """
        if not self.run_file.exists():
            found = [path for path in self.root.iterdir() if not is_temporary(path)]
            if any(path.name != ".lock" for path in found):
                raise ConfigurationError(
                    f"{self.root} holds files that are of no issuing run",
                    next_step="choose an empty or a new folder for --out",
                )
            return None
        try:
            run = msgspec.json.decode(self.run_file.read_bytes(), type=Run)
        except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
            raise ConfigurationError(
                f"{self.run_file} cannot be read: {error}", next_step="choose another --out"
            ) from None
        if run.v != RUN_FORMAT:
            raise ConfigurationError(
                f"{self.run_file} has format version {run.v}", next_step="upgrade this program"
            )
        return run

    def begin(self, run: Run) -> None:
        write_durably(self.run_file, msgspec.json.encode(run) + b"\n")

    @contextmanager
    def ended_if_refused(self) -> Iterator[None]:
        """Leave no run behind that was refused before its first code: the folder is free again."""
        try:
            yield
        except ConfigurationError:
            if not self.part.exists() and not self.csv.exists():
                self.run_file.unlink(missing_ok=True)
            raise

    def written(self, is_own_line: Callable[[bytes], bool]) -> int:
        """How many codes are safely there, after cutting off a torn tail.

        `is_own_line` says whether a line (without its line feed) is a code of this
        run that verifies; it is asked for the lines of the last `TAIL_BYTES`.
        """
        if self.csv.exists():
            return _count_lines(self.csv, self.csv.stat().st_size) - 1
        if self.part.is_symlink() or not _begins_with_header(self.part):
            write_durably(self.part, CSV_HEADER)
            return 0
        end = _credible_end(self.part, is_own_line)
        with open(self.part, "r+b", opener=open_own) as file:
            file.truncate(end)
            os.fsync(file.fileno())
        return _count_lines(self.part, end) - 1

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], None]]:
        """A function that appends lines and returns when they are on disk.

        Raises `UnavailableError` when the disk is full; what was synced before stays.
        """
        with open(self.part, "ab", buffering=0, opener=open_own) as file:

            def append(lines: bytes) -> None:
                try:
                    rest = memoryview(lines)
                    while rest:
                        rest = rest[file.write(rest) :]
                    os.fdatasync(file.fileno())
                except OSError as error:
                    raise UnavailableError(
                        f"cannot write {self.part}: {error.strerror}",
                        next_step="make room, then run the same command: it continues",
                    ) from None

            yield append

    def finish_codes(self) -> None:
        """Give the codes their final name."""
        if not self.csv.exists():
            self.part.rename(self.csv)
            sync_folder(self.root)


def _begins_with_header(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        return file.read(len(CSV_HEADER)) == CSV_HEADER


def _count_lines(path: Path, end: int) -> int:
    lines = 0
    with path.open("rb") as file:
        while end > 0:
            block = file.read(min(_BLOCK_BYTES, end))
            if not block:
                break
            lines += block.count(b"\n")
            end -= len(block)
    return lines


def _credible_end(path: Path, is_own_line: Callable[[bytes], bool]) -> int:
    """The offset after the last line before which every line of the tail is the run's own."""
    size = path.stat().st_size
    start = max(len(CSV_HEADER), size - TAIL_BYTES)
    with path.open("rb") as file:
        file.seek(start)
        tail = file.read()
    if start > len(CSV_HEADER):
        skipped = tail.find(b"\n") + 1
        start, tail = start + skipped, tail[skipped:]
    end = start
    for line in tail.split(b"\n")[:-1]:
        if not is_own_line(line):
            break
        end += len(line) + 1
    return end
