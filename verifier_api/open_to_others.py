"""Whether anybody but its owner could have put a file where it is."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


def open_to_others(path: Path, file: BinaryIO) -> Path | None:
    """What others may write: the file, opened as `file`, or a folder above it; else None.

    Of a folder that all may write the sticky bit is enough, as of /tmp: there only its owner
    may replace a file. Raises `OSError` for a folder that cannot be looked at.
    """
    if os.fstat(file.fileno()).st_mode & _WRITABLE:
        return path
    for folder in sorted({*path.absolute().parents, *path.resolve().parents}, reverse=True):
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return folder
    return None
