"""How far a program is, over time; rates and percentiles from it."""

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from authenticity.errors import UnavailableError


class Point(NamedTuple):
    """So many scans done at this second of the monotonic clock."""

    at_s: float
    scans: int


def steady_rate(points: Sequence[Point]) -> float:
    """Scans a second from the first sign of progress to the last.

    What was done by the first point does not count, nor does what led up to it: starting,
    joining the group, the first fetch. Points without progress at the end do not count
    either. Raises `ValueError` if there are no two points of progress.
    """
    moved = [
        point
        for point, before in zip(points, [Point(0, 0), *points], strict=False)
        if point.scans > before.scans
    ]
    if len(moved) < 2:
        raise ValueError("a rate needs two points of progress")
    first, last = moved[0], moved[-1]
    return (last.scans - first.scans) / (last.at_s - first.at_s)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many per cent do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


class Progress:
    """Points as they come, from any thread."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._ended = False
        self._changed = threading.Condition()

    def add(self, point: Point) -> None:
        """The newest; scans never go back."""
        with self._changed:
            self._points.append(point)
            self._changed.notify_all()

    def end(self) -> None:
        """No more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def points(self, above: int = 0, up_to: int | None = None) -> list[Point]:
        """Those with more than `above` scans, counted from there, until `up_to` is reached."""
        with self._changed:
            taken = []
            for point in self._points:
                if point.scans > above:
                    taken.append(Point(point.at_s, point.scans - above))
                    if up_to is not None and point.scans >= up_to:
                        break
            return taken

    @property
    def scans(self) -> int:
        """As last heard."""
        with self._changed:
            return self._points[-1].scans if self._points else 0

    def wait_for(self, scans: int, within_s: float) -> None:
        """Until so many are done. Raises `UnavailableError` at the end, or after `within_s`."""
        began = time.monotonic()
        with self._changed:
            while (seen := self._points[-1].scans if self._points else 0) < scans:
                left = began + within_s - time.monotonic()
                if left <= 0 or self._ended:
                    raise UnavailableError(
                        f"{seen:,} of {scans:,} scans after {time.monotonic() - began:.0f} s"
                        + (", then it ended" if self._ended else ""),
                        next_step="read what it wrote; try again on an idle machine",
                    )
                self._changed.wait(left)
