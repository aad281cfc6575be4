"""Rates and percentiles: what a benchmark makes of the points it saw."""

import threading

import pytest

from authenticity.errors import UnavailableError
from benchmarks.speed.pipeline.progress import Point, Progress, percentile, steady_rate
from tests.support.patience import PATIENCE_S


def _progress(*points: Point) -> Progress:
    progress = Progress()
    for point in points:
        progress.add(point)
    return progress


def test_a_rate_leaves_out_the_start_and_what_was_done_by_the_first_point() -> None:
    points = [
        Point(0.0, 0),
        Point(9.0, 0),
        Point(10.0, 500),
        Point(11.0, 1_500),
        Point(12.0, 2_500),
    ]
    assert steady_rate(points) == 1_000


def test_a_rate_ends_with_the_last_progress() -> None:
    points = [Point(1.0, 10), Point(2.0, 110), Point(3.0, 110), Point(50.0, 110)]
    assert steady_rate(points) == 100


def test_one_point_of_progress_is_no_rate() -> None:
    with pytest.raises(ValueError, match="two points"):
        steady_rate([Point(0.0, 0), Point(1.0, 500), Point(2.0, 500)])


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 10), (51, 11), (95, 19), (96, 20), (100, 20)]
)
def test_a_percentile_is_the_nearest_rank(percent: float, value: float) -> None:
    assert percentile(list(range(20, 0, -1)), percent) == value


def test_points_are_counted_from_what_was_done_before() -> None:
    progress = _progress(Point(1.0, 100), Point(2.0, 150), Point(3.0, 400))
    assert progress.points(above=100) == [Point(2.0, 50), Point(3.0, 300)]


def test_waiting_ends_as_soon_as_enough_is_done() -> None:
    progress = _progress(Point(1.0, 1))
    threading.Timer(0.05, lambda: progress.add(Point(2.0, 7))).start()
    progress.wait_for(7, PATIENCE_S)
    assert progress.scans == 7


def test_waiting_for_a_program_that_ended_does_not_last() -> None:
    progress = _progress(Point(1.0, 3))
    progress.end()
    with pytest.raises(UnavailableError, match=r"3 of 10 scans .*then it ended"):
        progress.wait_for(10, 60)


def test_waiting_is_bounded() -> None:
    with pytest.raises(UnavailableError, match="0 of 1 scans"):
        Progress().wait_for(1, 0.01)
