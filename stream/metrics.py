"""An engine's numbers for Prometheus: in the service's /metrics, or on a worker's own port.

| name | what |
|---|---|
| `touchstone_engine_scans_total` | scans folded |
| `touchstone_engine_folds_total` | transactions of the ledger |
| `touchstone_engine_conflicts_total` | items that met another writer and were folded again |
| `touchstone_engine_dead_letters_total` | records that could not be processed |
| `touchstone_engine_signatures_checked_total`, `…_remembered_total` | by computing, from memory |
| `touchstone_engine_fold_seconds` | histogram: time to decode, verify and fold one batch of scans |
| `touchstone_engine_waiting` | scans in the log and not in the ledger (with Kafka: the lag of this worker's partitions) |
| `touchstone_engine_trust_version` | the trust list in force; 0 while it waits for the first |
| `touchstone_engine_feed_delay_seconds` | age of the oldest alert change not yet in the `alerts` topic |
| `touchstone_engine_running` | 1; 0 once an engine beside the service has stopped |
"""  # noqa: E501 - a table

from collections.abc import Iterator
from itertools import accumulate
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from authenticity.errors import UnavailableError
from stream.engine_stats import FOLD_BOUNDS_S, EngineStats

_COUNTERS: Final = {
    "scans": "Scans folded",
    "folds": "Transactions of the ledger",
    "conflicts": "Items that met another writer and were folded again",
    "dead_letters": "Records that could not be processed",
    "signatures_checked": "Signatures checked by computing",
    "signatures_remembered": "Signatures known from before",
}
_GAUGES: Final = {
    "waiting": "Scans in the log and not in the ledger",
    "trust_version": "The trust list in force; 0 before the first",
    "feed_delay_seconds": "Age of the oldest alert change not in the alerts topic",
}
_PREFIX: Final = "touchstone_engine_"


def engine_metrics(stats: EngineStats, *, running: bool = True) -> Iterator[Metric]:
    """Every metric as it stands."""
    for name, about in _COUNTERS.items():
        yield CounterMetricFamily(_PREFIX + name, about, float(getattr(stats, name)))
    for name, about in _GAUGES.items():
        yield GaugeMetricFamily(_PREFIX + name, about, float(getattr(stats, name)))
    yield GaugeMetricFamily(_PREFIX + "running", "Whether the engine is at work", float(running))
    bounds = [*map(str, FOLD_BOUNDS_S), "+Inf"]
    so_far = accumulate(map(float, stats.fold_times))
    yield HistogramMetricFamily(
        _PREFIX + "fold_seconds",
        "Seconds to decode, verify and fold a batch of scans",
        list(zip(bounds, so_far, strict=True)),
        stats.fold_seconds,
    )


def exposition(stats: EngineStats) -> bytes:
    """The same in Prometheus' text format."""
    return generate_latest(_registry(stats))


def serve_metrics(stats: EngineStats, host: str, port: int) -> WSGIServer:
    """Show them, and this process's memory and time, from a thread of its own.

    Keep the port from the public. `shutdown` and `server_close` end it; it does not hold
    up the end of the process. Raises `UnavailableError` if the port is taken.
    """
    registry = _registry(stats)
    ProcessCollector(registry=registry)
    try:
        server, _thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UnavailableError(
            f"cannot show metrics on {host} port {port}: {error.strerror or error}",
            next_step="choose another --metrics-port; worker i takes the port i above it",
        ) from error
    return server


class _OfEngine(Collector):
    def __init__(self, stats: EngineStats) -> None:
        self._stats = stats

    def describe(self) -> list[Metric]:
        """Nothing is known beforehand: registering must not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The counters as they stand now."""
        return engine_metrics(self._stats)


def _registry(stats: EngineStats) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_OfEngine(stats))
    return registry
