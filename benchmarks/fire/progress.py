"""How long a group of workers stood still, as its committed offsets tell."""

import threading
import time
from types import TracebackType
from typing import Final

from authenticity.errors import UnavailableError
from benchmarks.fire.site import Site

_LOOK_EVERY_S: Final = 0.25


class Watched:
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

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        passed, since = -1, time.monotonic()
        while not self._over.wait(_LOOK_EVERY_S):
            try:
                progress = self._site.progress()
            except UnavailableError:
                continue
            self.looks += 1
            now = time.monotonic()
            if progress.passed != passed or progress.waiting == 0:
                passed, since = progress.passed, now
            self.longest_pause_s = max(self.longest_pause_s, now - since)
