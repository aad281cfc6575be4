"""`python -m cli.parent_death_guard [--remove DIR] ARGUMENTS…`.

The command, tied to the process that started it.

Standard input is the tether: when its other end is gone, whatever became of the parent,
the command is told to end (SIGTERM), and is ended if it does not within ten seconds. A
folder that the parent would have removed is then removed here.
"""

import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Final

_ENDS_WITHIN_S: Final = 10.0


class ParentDeathGuard:
    """Watches standard input in a thread of its own."""

    def __init__(self, folder: Path | None) -> None:
        self.cut = threading.Event()
        self._folder = folder
        threading.Thread(target=self._watch, name="tether", daemon=True).start()

    def clean(self) -> None:
        """Remove the folder, if nobody else will."""
        if self._folder is not None and self.cut.is_set():
            shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self) -> None:
        while os.read(0, 1_024):
            pass
        self.cut.set()
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
    from cli.main import main as command

    try:
        command()
    finally:
        guard.clean()


if __name__ == "__main__":
    main()
