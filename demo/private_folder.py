"""A folder that belongs to another user, where that user can reach it, for one process."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path


class PrivateFolder:
    """Below the system's folder for temporary files, of mode 0700.

    A process that is killed cannot remove it. So its owner holds a lock on a file in it,
    and whoever makes the next one removes those of the same name that nobody holds.
    """

    def __init__(self, name: str, user: str) -> None:
        _remove_abandoned(name)
        self.path = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self._lock = os.open(self.path / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        shutil.chown(self.path, user)

    def remove(self) -> None:
        """With everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_abandoned(name: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{name}-*"):
        with suppress(OSError):  # not ours, or somebody holds it
            lock = os.open(folder / "owner.lock", os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
