"""Counters and clocks for Prometheus, in a registry of their own.

| name | labels | what |
|---|---|---|
| `touchstone_http_requests_total` | route, method, status | requests answered |
| `touchstone_http_request_seconds` | route | time to the end of the response |
| `touchstone_answers_total` | standing, provisional | answers given |
| `touchstone_scans_recorded_total` | outcome (recorded, refused) | scans handed to the log |
| `touchstone_ledger_failures_total` | | lookups given up: ledger slow or dead |
| `touchstone_trust_list_version` | | the list in force |
| `touchstone_trust_list_expires_timestamp_seconds` | | its end |
| `touchstone_alert_streams` | | open event streams |
| `touchstone_geo_file_built_timestamp_seconds` | file | build of the one in force |
| `touchstone_geo_file_problem` | file | 1: the file that is there cannot be used |
| `touchstone_build_info` | version | 1; the label is the installed program's version |
| `touchstone_engine_*` | | of the engine in this process, see `stream/metrics.py` |
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from authenticity.detection.standing import Standing
from authenticity.version import VERSION

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
EngineMetrics = Callable[[], Iterable[Metric]]

_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5)


class Metrics(Collector):
    """What this service counts. Labels come from closed sets, never from requests.

    Plain numbers, turned into metrics when they are asked for: one event loop counts, so
    the library's locks, which cost more than the counting, are not needed.
    """

    def __init__(self, engine: EngineMetrics | None = None) -> None:
        self._engine = engine
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, list[int]] = {}
        self._seconds_sum: dict[str, float] = {}
        self._answers: Counter[tuple[Standing, bool]] = Counter()
        self._recorded: Counter[str] = Counter({"recorded": 0, "refused": 0})
        self._ledger_failures = 0
        self.trust_version = 0
        self.trust_expires_s = 0.0
        self.streams = 0
        self.geo_built_s: Mapping[str, float] = {}
        self.geo_problems: Mapping[str, bool] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def requested(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request ended. `route` is a path template."""
        self._requests[route, method, status] += 1
        buckets = self._seconds.get(route)
        if buckets is None:
            buckets = self._seconds[route] = [0] * (len(_BUCKETS_S) + 1)
            self._seconds_sum[route] = 0.0
        buckets[bisect_left(_BUCKETS_S, seconds)] += 1
        self._seconds_sum[route] += seconds

    def answered(self, standing: Standing, *, provisional: bool) -> None:
        """One answer was given."""
        self._answers[standing, provisional] += 1

    def recorded(self, scans: int, refused: int = 0) -> None:
        """So many scans were acknowledged by the log, so many were not."""
        self._recorded["recorded"] += scans
        self._recorded["refused"] += refused

    def ledger_failed(self) -> None:
        """A lookup was given up."""
        self._ledger_failures += 1

    def exposition(self) -> bytes:
        """Prometheus text format."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing is known beforehand: registering must not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric as it stands."""
        yield InfoMetricFamily("touchstone_build", "Version", {"version": VERSION})
        yield from self._of_requests()
        answers = CounterMetricFamily(
            "touchstone_answers", "Answers", labels=("standing", "provisional")
        )
        for standing in Standing:
            for provisional in (False, True):
                labels = (standing.value, str(provisional).lower())
                answers.add_metric(labels, self._answers[standing, provisional])
        yield answers
        recorded = CounterMetricFamily(
            "touchstone_scans_recorded", "Scans handed to the log", labels=("outcome",)
        )
        for outcome, count in self._recorded.items():
            recorded.add_metric((outcome,), count)
        yield recorded
        yield CounterMetricFamily(
            "touchstone_ledger_failures", "Look-ups given up", self._ledger_failures
        )
        gauges = {
            "trust_list_version": self.trust_version,
            "trust_list_expires_timestamp_seconds": self.trust_expires_s,
            "alert_streams": self.streams,
        }
        for name, number in gauges.items():
            yield GaugeMetricFamily(f"touchstone_{name}", name.replace("_", " "), number)
        yield from self._of_geo_files()
        if self._engine is not None:
            yield from self._engine()

    def _of_geo_files(self) -> Iterator[Metric]:
        built = GaugeMetricFamily(
            "touchstone_geo_file_built_timestamp_seconds", "Build of a file", labels=("file",)
        )
        for name, seconds in self.geo_built_s.items():
            built.add_metric((name,), seconds)
        yield built
        problems = GaugeMetricFamily(
            "touchstone_geo_file_problem", "A file that cannot be used", labels=("file",)
        )
        for name, has_problem in self.geo_problems.items():
            problems.add_metric((name,), float(has_problem))
        yield problems

    def _of_requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "touchstone_http_requests", "Requests", labels=("route", "method", "status")
        )
        for (route, method, status), count in self._requests.items():
            requests.add_metric((route, method, str(status)), count)
        yield requests
        seconds = HistogramMetricFamily(
            "touchstone_http_request_seconds", "Seconds to the response's end", labels=("route",)
        )
        bounds = [*map(str, _BUCKETS_S), "+Inf"]
        for route, counts in self._seconds.items():
            so_far, buckets = 0, []
            for bound, count in zip(bounds, counts, strict=True):
                so_far += count
                buckets.append((bound, float(so_far)))
            seconds.add_metric((route,), buckets, self._seconds_sum[route])
        yield seconds
