"""One measurement beside its baseline, and how to take it fairly on a noisy machine."""

from collections.abc import Callable
from statistics import median

from msgspec import Struct, field

Details = dict[str, float | int | str]


class Result(Struct, frozen=True, rename={"baseline": "pair", "target": "aim"}):
    """What `touchstone bench NAME --json` prints, under the published keys `pair` and `aim`.

    `ours` and `baseline` are rates or sizes in `unit`; `ratio` is ours / baseline, to be
    compared with `target`; each is the median of `runs` interleaved runs.
    """

    name: str
    unit: str
    ours: float
    baseline: float
    ratio: float
    target: float
    runs: int
    machine: str
    details: Details = field(default_factory=dict)


def interleaved(
    ours: Callable[[], float], baseline: Callable[[], float], runs: int
) -> tuple[float, float, float]:
    """The medians of ours, of the baseline, and of the ratio of each run.

    A run takes both, one right after the other and in turn first, so that whatever else the
    machine does falls on both alike.
    """
    taken: list[tuple[float, float]] = []
    for number in range(runs):
        if number % 2:
            other = baseline()
            taken.append((ours(), other))
        else:
            mine = ours()
            taken.append((mine, baseline()))
    return (
        median(mine for mine, _ in taken),
        median(other for _, other in taken),
        median(mine / other for mine, other in taken),
    )
