"""Reading a file that an operator or a program of theirs puts in place, whatever it is."""

import os
import stat
from pathlib import Path

from authenticity.errors import ConfigurationError
from verifier_api.open_to_others import open_to_others


def read_bounded(path: Path, limit_bytes: int) -> bytes:
    """The bytes of this file, of which later changes to it change nothing.

    Raises `ConfigurationError` for one that cannot be read, is no regular file, has more than
    `limit_bytes`, or that others may change or put another in the place of.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise ConfigurationError(
                    f"{path} is no file: it is a folder, a pipe or a device",
                    next_step="put a file in its place, by renaming it",
                )
            if (open_place := open_to_others(path, file)) is not None:
                raise _open(path, open_place)
            content = b"" if facts.st_size > limit_bytes else file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise ConfigurationError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}",
            next_step="check that the file is there, and who may read it",
        ) from None
    if max(facts.st_size, len(content)) > limit_bytes:
        size = max(facts.st_size, len(content))
        raise ConfigurationError(
            f"{path} has {size:,} bytes, and such a file has at most {limit_bytes:,}",
            next_step="check that it is the file that was meant, and whole",
        )
    return content


def _open(path: Path, place: Path) -> ConfigurationError:
    if place == path:
        return ConfigurationError(
            f"others may change {path}: whoever did decides where scans come from",
            next_step=f"put a copy from its publisher there, and run: chmod go-w {path}",
        )
    return ConfigurationError(
        f"others may put another file in the place of {path}: they may write {place}",
        next_step=f"put a copy from its publisher there, and run: chmod o-w {place}",
    )
