"""How a program under measurement tells how far it is, and ends with the one that asks.

Faust replaces `sys.stdout`, so `report` writes to the file descriptor itself.
"""

import os
import threading
import time


def report(scans: int) -> None:
    """Scans done so far, and when (seconds of the monotonic clock, the same for all processes)."""
    os.write(1, b"%r %d\n" % (time.monotonic(), scans))


def end_with_standard_input() -> None:
    """End this process at once when the other end of standard input is gone."""
    threading.Thread(target=_wait_for_the_end, name="parent-death-guard", daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 1_024):
        pass
    os._exit(1)
