"""Counters and clocks for Prometheus, in a registry of their own.

| name | labels | what |
|---|---|---|
| `touchstone_http_requests_total` | route, method, status | requests answered |
| `touchstone_http_request_seconds` | route | time to the end of the response |
| `touchstone_answers_total` | standing, provisional | answers given |
| `touchstone_scans_recorded_total` | outcome (recorded, refused) | scans handed to the log |
| `touchstone_ledger_failures_total` | | look-ups given up: ledger slow or dead |
| `touchstone_trust_list_version` | | the list in force |
| `touchstone_trust_list_expires_timestamp_seconds` | | its end |
| `touchstone_alert_streams` | | open event streams |
| `touchstone_engine_*` | | whatever the engine of this process counts |
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from authenticity.standing import Standing

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
EngineStats = Callable[[], Mapping[str, float]]

_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5)


class Metrics:
    """What this service counts. Labels come from closed sets, never from requests."""

    def __init__(self, engine: EngineStats | None = None) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "touchstone_http_requests", "Requests", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "touchstone_http_request_seconds",
            "Seconds to the end of the response",
            ("route",),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        answers = Counter(
            "touchstone_answers", "Answers", ("standing", "provisional"), registry=registry
        )
        self._answers = {
            (standing, provisional): answers.labels(standing.value, str(provisional).lower())
            for standing in Standing
            for provisional in (False, True)
        }
        self._recorded = Counter(
            "touchstone_scans_recorded", "Scans handed to the log", ("outcome",), registry=registry
        )
        self._ledger = Counter("touchstone_ledger_failures", "Look-ups given up", registry=registry)
        self.trust_version = Gauge(
            "touchstone_trust_list_version", "Version of the list in force", registry=registry
        )
        self.trust_expires = Gauge(
            "touchstone_trust_list_expires_timestamp_seconds", "Its end", registry=registry
        )
        self.streams = Gauge("touchstone_alert_streams", "Open event streams", registry=registry)
        self._by_route: dict[tuple[str, str, int], Counter] = {}
        self._seconds_of: dict[str, Histogram] = {}
        if engine is not None:
            registry.register(_EngineCollector(engine))

    def requested(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request ended. `route` is a path template."""
        key = (route, method, status)
        counter = self._by_route.get(key)
        if counter is None:
            counter = self._by_route[key] = self._requests.labels(route, method, str(status))
            self._seconds_of.setdefault(route, self._seconds.labels(route))
        counter.inc()
        self._seconds_of[route].observe(seconds)

    def answered(self, standing: Standing, *, provisional: bool) -> None:
        """One answer was given."""
        self._answers[standing, provisional].inc()

    def recorded(self, scans: int, refused: int = 0) -> None:
        """So many scans were acknowledged by the log, so many were not."""
        self._recorded.labels("recorded").inc(scans)
        self._recorded.labels("refused").inc(refused)

    def ledger_failed(self) -> None:
        """A look-up was given up."""
        self._ledger.inc()

    def exposition(self) -> bytes:
        """Prometheus text format."""
        exposed: bytes = generate_latest(self._registry)
        return exposed


class _EngineCollector(Collector):
    def __init__(self, stats: EngineStats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, value in self._stats().items():
            yield GaugeMetricFamily(f"touchstone_engine_{name}", name.replace("_", " "), value)
