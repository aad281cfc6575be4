"""What is counted comes out in the text format that Prometheus reads."""

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from authenticity.detection.standing import Standing
from authenticity.version import VERSION
from verifier_api.metrics import Metrics


def _samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    text = metrics.exposition().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_and_timed_by_route() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.7, 9.0):
        metrics.requested("/v1/verify", "POST", 200, seconds)
    samples = _samples(metrics)
    assert samples["touchstone_http_requests_total", ("/v1/verify", "200", "POST")] == 4
    buckets = "touchstone_http_request_seconds_bucket"
    assert samples[buckets, ("/v1/verify", "0.001")] == 2
    assert samples[buckets, ("/v1/verify", "1.0")] == 3
    assert samples[buckets, ("+Inf", "/v1/verify")] == 4
    assert samples["touchstone_http_request_seconds_sum", ("/v1/verify",)] == 9.7015


def test_answers_scans_and_the_engine_are_counted() -> None:
    metrics = Metrics(lambda: [GaugeMetricFamily("touchstone_engine_waiting", "", 7.0)])
    metrics.answered(Standing.SUSPECT, provisional=False)
    metrics.recorded(3, 1)
    metrics.ledger_failed()
    samples = _samples(metrics)
    assert samples["touchstone_answers_total", ("false", "suspect")] == 1
    assert samples["touchstone_scans_recorded_total", ("refused",)] == 1
    assert samples["touchstone_ledger_failures_total", ()] == 1
    assert samples["touchstone_engine_waiting", ()] == 7


def test_the_version_is_shown_as_a_label() -> None:
    assert _samples(Metrics())["touchstone_build_info", (VERSION,)] == 1
