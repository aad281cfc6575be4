"""Files that only their owner may read, written whole or not at all."""

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from authenticity.errors import KeyFileError

FILE_BYTES_LIMIT: Final = 16_777_216
LOCK_SECONDS: Final = 10.0
_FOR_OTHERS: Final = 0o077


def read_guarded(path: Path, *, any_folder: bool = False) -> bytes:
    """The file's bytes, if nobody but its owner can read or change it.

    Its folder must be private too and it must be no link, unless `any_folder` (as
    secrets are mounted into containers). Raises `KeyFileError` for a missing,
    exposed, oversized or foreign file.
    """
    if not any_folder:
        refuse_exposed_folder(path.parent)
    links = 0 if any_folder else os.O_NOFOLLOW
    try:
        descriptor = os.open(path, os.O_RDONLY | links | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFileError(
            f"there is no file {path}", next_step="restore it, or point at another folder"
        ) from None
    except OSError as error:
        raise KeyFileError(
            f"cannot open {path}: {error.strerror}", next_step="check who owns it, and its mode"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(file.fileno())
        _refuse_exposed(path, facts)
        if facts.st_size > FILE_BYTES_LIMIT:
            raise KeyFileError(f"{path} has {facts.st_size:,} bytes: that is no file of ours")
        return file.read(FILE_BYTES_LIMIT)


def refuse_exposed_folder(folder: Path) -> None:
    """Raise `KeyFileError` unless the folder is its owner's alone (0700)."""
    try:
        facts = folder.stat()
    except OSError as error:
        raise KeyFileError(
            f"cannot open the folder {folder}: {error.strerror}",
            next_step="run `touchstone keys init`, or name the right folder with --keys",
        ) from None
    if facts.st_mode & _FOR_OTHERS:
        raise KeyFileError(
            f"others can enter the folder {folder} (mode {stat.S_IMODE(facts.st_mode):04o})",
            next_step=f"chmod 700 {folder}",
        )


def make_private_folder(folder: Path) -> None:
    """Create the folder with 0700; one that exists must already be so."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        refuse_exposed_folder(folder)


def write_new(path: Path, content: bytes) -> None:
    """Write a 0600 file that did not exist; durable on return.

    Raises `KeyFileError` if there already is one: it is never overwritten.
    """
    with _written_beside(path, content) as temporary:
        try:
            os.link(temporary, path)  # unlike rename, refuses to replace
        except FileExistsError:
            raise KeyFileError(
                f"{path} exists and will not be overwritten", next_step="move it away first"
            ) from None
    _sync_folder(path.parent)


def replace(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write the file anew, atomically; durable on return."""
    with _written_beside(path, content) as temporary:
        temporary.chmod(mode)
        temporary.replace(path)
    _sync_folder(path.parent)


@contextmanager
def locked(path: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock file against other processes; it is freed when this one dies.

    Raises `KeyFileError` if another process holds it longer than `seconds`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise KeyFileError(
                        f"another process holds {path}",
                        next_step="wait until it has finished, then try again",
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    except OSError as error:
        raise KeyFileError(
            f"cannot write {path}: {error.strerror}",
            next_step="check the free space, and who may write there",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_exposed(path: Path, facts: os.stat_result) -> None:
    if facts.st_mode & _FOR_OTHERS:
        raise KeyFileError(
            f"others can read {path} (mode {stat.S_IMODE(facts.st_mode):04o})",
            next_step=f"chmod 600 {path} – and rotate the key if somebody may have read it",
        )
    if facts.st_uid not in (os.geteuid(), 0):
        raise KeyFileError(
            f"{path} belongs to another user (uid {facts.st_uid})",
            next_step=f"copy it to a file of your own, or run as uid {facts.st_uid}",
        )
