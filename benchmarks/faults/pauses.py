"""How long a group of workers stood still, measured by its committed offsets."""

import threading
import time
from typing import Final

from authenticity.errors import UnavailableError
from benchmarks.faults.site import Progress, Site

_EVERY_S: Final = 0.25


class PauseWatch:
    """Reads the group's progress every quarter of a second until the block ends.

    `longest_pause_s`: the longest time in which scans waited and none was passed; pauses below
    the interval are not seen. `readings`: how often the progress could be read.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pause watch", daemon=True)
        self.longest_pause_s = 0.0
        self.readings = 0
        self._last = Progress(passed=-1, waiting=0)
        self._since = time.monotonic()

    def __enter__(self) -> "PauseWatch":
        self._read()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._read()

    def _read(self) -> None:
        """While the broker cannot be asked, the group counts as standing still."""
        try:
            progress = self._site.progress()
        except UnavailableError:
            return
        now = time.monotonic()
        if self._last.waiting:
            self.longest_pause_s = max(self.longest_pause_s, now - self._since)
        if progress.passed != self._last.passed or not progress.waiting:
            self._since = now
        self._last = progress
        self.readings += 1
