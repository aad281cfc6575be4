"""How scans are published while a scenario goes on."""

import threading
import time
from collections.abc import Callable
from typing import Final

from benchmarks.faults.site import Site

_PORTION: Final = 1_000


def publish_in_portions(site: Site) -> None:
    """All scans; the batches in the middle of them, late for some and early for others."""
    scans = site.traffic.scans
    for start in range(0, len(scans), _PORTION):
        site.publish_scans(scans[start : start + _PORTION])
        if start <= len(scans) // 2 < start + _PORTION:
            site.publish_batches()
        time.sleep(0.1)


def publish_at_rate(site: Site, per_second: int) -> None:
    """All scans at a steady rate, ten portions a second."""
    began = time.monotonic()
    portion = max(1, per_second // 10)
    for start in range(0, len(site.traffic.scans), portion):
        site.publish_scans(site.traffic.scans[start : start + portion])
        time.sleep(max(0.0, began + (start + portion) / per_second - time.monotonic()))


def in_background(work: Callable[[], None]) -> Callable[[], None]:
    """Start `work` in a thread; the returned function waits for its end and raises its error."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="publishing", daemon=True)
    thread.start()

    def wait() -> None:
        thread.join()
        if failed:
            raise failed[0]

    return wait
