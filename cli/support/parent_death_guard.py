"""Our own commands as processes that end when the one that started them ends, however it ends.

`python -m cli.support.parent_death_guard [--remove DIR] ARGUMENTS…` runs `touchstone
ARGUMENTS…`: it ends in order, and a folder that the parent would have removed is removed.
"""

import os
import runpy
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_ENDS_WITHIN_S: Final = 10.0


def guarded_command(arguments: Sequence[str], *, remove: Path | None = None) -> list[str]:
    """The command line that runs `touchstone ARGUMENTS…` under the guard.

    Whoever starts it gives it a pipe as standard input, and closes the pipe when done. When
    the pipe breaks, the command gets SIGTERM, is ended if it still runs ten seconds later,
    and the folder `remove` is removed.
    """
    keep = ["--remove", str(remove)] if remove else []
    return [sys.executable, "-m", "cli.support.parent_death_guard", *keep, *arguments]


class ParentDeathGuard:
    """Watches standard input in a thread of its own; its end is the parent's."""

    def __init__(self, folder: Path | None) -> None:
        self.parent_died = threading.Event()
        self._folder = folder
        threading.Thread(target=self._watch, name="parent-death-guard", daemon=True).start()

    def clean(self) -> None:
        """Remove the folder, if nobody else will."""
        if self._folder is not None and self.parent_died.is_set():
            shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self) -> None:
        while os.read(0, 1_024):
            pass
        self.parent_died.set()
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_ENDS_WITHIN_S)
        self.clean()
        os._exit(1)


def main() -> None:
    """Run the command named by the arguments."""
    arguments = sys.argv[1:]
    folder = None
    if arguments[:1] == ["--remove"]:
        folder, arguments = Path(arguments[1]), arguments[2:]
    guard = ParentDeathGuard(folder)
    sys.argv = ["touchstone", *arguments]
    try:
        runpy.run_module("cli.main", run_name="__main__")
    finally:
        guard.clean()


if __name__ == "__main__":
    main()
