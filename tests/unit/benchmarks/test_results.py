"""What a speed benchmark prints."""

import msgspec

from benchmarks.speed.result import Result, interleaved


def test_the_published_json_keys_stay() -> None:
    result = Result("verify", "codes/s", 9.0, 10.0, 0.9, 0.85, 3, "a machine")
    assert list(msgspec.json.decode(msgspec.json.encode(result))) == [
        "name", "unit", "ours", "pair", "ratio", "aim", "runs", "machine", "details",
    ]  # fmt: skip


def test_the_ratio_is_the_median_of_each_runs_own() -> None:
    ours, baseline = iter([10.0, 1.0, 40.0]), iter([10.0, 2.0, 10.0])
    assert interleaved(lambda: next(ours), lambda: next(baseline), 3) == (10.0, 10.0, 1.0)
