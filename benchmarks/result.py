"""One measurement beside its pair, and how to take it fairly on a noisy machine."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Result:
    """What `touchstone bench NAME --json` prints.

    `ours` and `pair` are rates or sizes in `unit`; `ratio` is ours / pair, to be compared
    with `aim`; each is the median of `runs` interleaved runs.
    """

    name: str
    unit: str
    ours: float
    pair: float
    ratio: float
    aim: float
    runs: int
    machine: str
    details: dict[str, float | int | str] = field(default_factory=dict)


def machine() -> str:
    """Processor, cores, Python: without these a figure means nothing."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123
            model = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def interleaved(
    ours: Callable[[], float], pair: Callable[[], float], runs: int
) -> tuple[float, float, float]:
    """Median of ours, of the pair, and of the ratios of neighbouring runs.

    Each run takes both, one right after the other and in turn first, so that whatever
    else the machine does falls on both alike.
    """
    pairs: list[tuple[float, float]] = []
    for number in range(runs):
        if number % 2:
            other = pair()
            pairs.append((ours(), other))
        else:
            mine = ours()
            pairs.append((mine, pair()))
    return (
        median(mine for mine, _ in pairs),
        median(other for _, other in pairs),
        median(mine / other for mine, other in pairs),
    )
