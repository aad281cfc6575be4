"""The benchmarks by the name that is typed after `touchstone bench`."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

Say = Callable[[str], None]
"""Takes one sentence of progress."""


class Benchmark(NamedTuple):
    """`module` has `measure(*, quick)`; with `reports_progress`, `measure(*, quick, say)`."""

    module: str
    reports_progress: bool = False


DETECT: Final = "detect"
"""Takes options of its own: see `benchmarks.detection.evaluation.assemble_report`."""
STREAM_ON_KAFKA: Final = "stream-kafka"
"""Typed as `touchstone bench stream --engine kafka`."""

BENCHMARKS: Final = {
    "verify": Benchmark("benchmarks.speed.verify"),
    "issue": Benchmark("benchmarks.speed.issue"),
    "labels": Benchmark("benchmarks.speed.labels"),
    "stream": Benchmark("benchmarks.speed.stream"),
    STREAM_ON_KAFKA: Benchmark("benchmarks.speed.stream_kafka", reports_progress=True),
    "api": Benchmark("benchmarks.speed.api"),
    "growth": Benchmark("benchmarks.speed.growth"),
    "trust-list": Benchmark("benchmarks.speed.trust_list"),
    "fire": Benchmark("benchmarks.faults.suite", reports_progress=True),
}
"""`fire` is the fault benchmark (`benchmarks.faults`)."""


def measure(name: str, *, quick: bool, say: Say) -> Any:
    """Run one of `BENCHMARKS`; a `speed.result.Result`, or a `faults.suite.FaultReport`."""
    benchmark = BENCHMARKS[name]
    entry_point = import_module(benchmark.module).measure
    if benchmark.reports_progress:
        return entry_point(quick=quick, say=say)
    return entry_point(quick=quick)
