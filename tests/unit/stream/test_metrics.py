"""What an engine counts comes out in the text format that Prometheus reads."""

from prometheus_client.parser import text_string_to_metric_families

from stream.engine_stats import EngineStats
from stream.metrics import exposition


def _samples(stats: EngineStats) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(exposition(stats).decode())
        for sample in family.samples
    }


def test_fold_times_are_a_cumulative_histogram_with_their_sum() -> None:
    stats = EngineStats()
    for seconds in (0.004, 0.005, 0.3, 100.0):
        stats.folded_in(seconds)
    samples = _samples(stats)
    assert samples["touchstone_engine_fold_seconds_bucket", ("0.005",)] == 2
    assert samples["touchstone_engine_fold_seconds_bucket", ("0.25",)] == 2
    assert samples["touchstone_engine_fold_seconds_bucket", ("0.5",)] == 3
    assert samples["touchstone_engine_fold_seconds_bucket", ("30.0",)] == 3
    assert samples["touchstone_engine_fold_seconds_bucket", ("+Inf",)] == 4
    assert samples["touchstone_engine_fold_seconds_count", ()] == 4
    assert samples["touchstone_engine_fold_seconds_sum", ()] == 100.309


def test_every_number_of_the_stats_is_shown_but_the_failures_words() -> None:
    numbers = dict.fromkeys(EngineStats.__dataclass_fields__, 3) | {"failure": None}
    stats = EngineStats(**{**numbers, "fold_times": [3] * 13})  # type: ignore[arg-type]
    shown = {name.removesuffix("_total") for (name, _), value in _samples(stats).items() if value}
    for name in numbers.keys() - {"failure", "fold_times", "fold_seconds"}:
        assert f"touchstone_engine_{name}" in shown


def test_what_only_grows_is_a_counter() -> None:
    samples = _samples(EngineStats(scans=5, waiting=2, feed_delay_seconds=1.5))
    assert samples["touchstone_engine_scans_total", ()] == 5
    assert samples["touchstone_engine_waiting", ()] == 2
    assert samples["touchstone_engine_feed_delay_seconds", ()] == 1.5
