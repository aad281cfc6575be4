"""How long a group of workers stood still, as its committed offsets tell."""

import threading
import time
from typing import Final

from authenticity.errors import UnavailableError
from benchmarks.faults.site import Progress, Site

_LOOK_EVERY_S: Final = 0.25


class PauseWatch:
    """Looks at the group's progress until the block ends.

    `longest_pause_s`: the longest time in which scans waited and none of them was passed;
    a look every quarter of a second cannot tell shorter ones. `looks`: how often it could.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self.longest_pause_s = 0.0
        self.looks = 0
        self._last = Progress(passed=-1, waiting=0)
        self._since = time.monotonic()

    def __enter__(self) -> "PauseWatch":
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        """A time in which the group could not be asked counts as one in which it stood."""
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
        self.looks += 1
