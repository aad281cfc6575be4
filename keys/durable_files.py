"""Files that are written whole or not at all, and one writer of a folder at a time.

They are their owner's alone unless the caller says otherwise. What refuses files that others
may read is in `keys.guarded_files`. The errors name the file or the folder at hand.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from authenticity.errors import UnavailableError

PRIVATE: Final = 0o600
LOCK_SECONDS: Final = 10.0
_BETWEEN_TRIES_SECONDS: Final = 0.02


def write_durably(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Write the file anew; see `replacing`."""
    with _written_beside(path) as (temporary, descriptor):
        _write(descriptor, content)
        _finish(temporary, descriptor, mode)
        temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def replacing(path: Path, *, mode: int = PRIVATE) -> Iterator[Path]:
    """An empty file beside `path` to write to, which takes its place at the end of the block.

    Whoever reads `path` finds the old content or the new one, and the new one is on disk
    when the block has ended. If the block raises, `path` is as it was. The file is its
    owner's alone until it has `mode`, whatever the umask. A link under either name is
    replaced, never followed.

    Raises `UnavailableError` where the file cannot be written, or was exchanged for another.
    """
    with _written_beside(path) as (temporary, descriptor):
        yield temporary
        _finish(temporary, descriptor, mode)
        temporary.replace(path)
        sync_folder(path.parent)


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file that did not exist; on disk on return. It is never overwritten.

    Raises `FileExistsError` if there is one, `UnavailableError` where it cannot be written.
    """
    with _written_beside(path) as (temporary, descriptor):
        _write(descriptor, content)
        _finish(temporary, descriptor, mode)
        os.link(temporary, path)  # unlike rename, refuses to replace
        sync_folder(path.parent)


def open_own(path: str, flags: int) -> int:
    """An opener for `open`: a new file is its owner's alone, and a link is refused."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)


def is_temporary(path: Path) -> bool:
    """Whether this is a file of `replacing` or `write_new` that a killed process left."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def sync_folder(folder: Path) -> None:
    """Make renames in this folder survive a power cut."""
    _sync(folder)


@contextmanager
def locked(path: Path, holding: str, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock file against other processes; it is freed when this one dies.

    `holding` names for people what is locked, as in `the run folder batch-L7`. Raises
    `UnavailableError` if another process holds it longer than `seconds`.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise UnavailableError(
            f"cannot lock {holding}: {error.strerror}", next_step="check who may write there"
        ) from None
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise UnavailableError(
                        f"another process holds {holding}",
                        next_step="wait until it has finished, then try again",
                    ) from None
                time.sleep(_BETWEEN_TRIES_SECONDS)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _written_beside(path: Path) -> Iterator[tuple[Path, int]]:
    """A new file in the folder of `path`, open for writing; gone at the end of the block, if
    it is still there."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    descriptor = -1
    try:
        descriptor = open_own(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.fchmod(descriptor, PRIVATE)
        yield temporary, descriptor
    except FileExistsError:
        raise
    except OSError as error:
        raise UnavailableError(
            f"cannot write {path}: {error.strerror or error}",
            next_step="check the free space, and who may write there, then run it again",
        ) from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _finish(temporary: Path, descriptor: int, mode: int) -> None:
    """On disk, with its mode; the name must still be that of the file that was opened."""
    os.fchmod(descriptor, mode)
    os.fsync(descriptor)
    ours, named = os.fstat(descriptor), temporary.stat(follow_symlinks=False)
    if (ours.st_dev, ours.st_ino) != (named.st_dev, named.st_ino):
        raise OSError(f"{temporary.name} was exchanged for another file")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
