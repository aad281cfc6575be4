"""Files that only their owner may read: keys, the keyring, passphrases.

Written whole or not at all, see `keys.durable_files`.
"""

import os
import stat
from pathlib import Path
from typing import Final

from authenticity.errors import KeyFileError
from keys.durable_files import write_new

FILE_BYTES_LIMIT: Final = 16_777_216
PRIVATE_FILE: Final = 0o600
_FOR_OTHERS: Final = 0o077


def read_guarded(
    path: Path,
    *,
    any_folder: bool = False,
    follow_links: bool = False,
    if_missing: str = "restore it, or point at another folder",
) -> bytes:
    """The file's bytes, if nobody but its owner can read or change it.

    Its folder must be private too, unless `any_folder`, and it must be no link, unless
    `follow_links` (both as secrets are mounted into containers). Raises `KeyFileError` for
    a missing, exposed, oversized or foreign file; `if_missing` is the next step for a missing one.
    """
    if not any_folder:
        refuse_exposed_folder(path.parent)
    links = 0 if follow_links else os.O_NOFOLLOW
    try:
        descriptor = os.open(path, os.O_RDONLY | links | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFileError(f"there is no file {path}", next_step=if_missing) from None
    except OSError as error:
        raise KeyFileError(
            f"cannot open {path}: {error.strerror}", next_step="check who owns it, and its mode"
        ) from None
    facts = os.fstat(descriptor)
    if stat.S_ISDIR(facts.st_mode):
        os.close(descriptor)
        raise KeyFileError(f"{path} is a folder", next_step="name the file that was meant")
    with os.fdopen(descriptor, "rb") as file:
        _refuse_exposed(path, facts)
        if facts.st_size > FILE_BYTES_LIMIT:
            raise KeyFileError(
                f"{path} has {facts.st_size:,} bytes: that is no file of ours",
                next_step="name the file that was meant, or restore it",
            )
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


def write_new_private(path: Path, content: bytes) -> None:
    """Write a 0600 file that did not exist; on disk on return.

    Raises `KeyFileError` if there already is one: it is never overwritten.
    """
    try:
        write_new(path, content, mode=PRIVATE_FILE)
    except FileExistsError:
        raise KeyFileError(
            f"{path} exists and will not be overwritten", next_step="move it away first"
        ) from None


def _refuse_exposed(path: Path, facts: os.stat_result) -> None:
    if facts.st_mode & _FOR_OTHERS:
        raise KeyFileError(
            f"others can read {path} (mode {stat.S_IMODE(facts.st_mode):04o})",
            next_step=f"chmod 600 {path} – and replace its secret if somebody may have read it",
        )
    if facts.st_uid not in (os.geteuid(), 0):
        raise KeyFileError(
            f"{path} belongs to another user (uid {facts.st_uid})",
            next_step=f"copy it to a file of your own, or run as uid {facts.st_uid}",
        )
