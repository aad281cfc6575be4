"""The aims, as they were set before anything was measured, and what came of them."""

from collections.abc import Iterator, Sequence

from benchmarks.detection.evaluation.report import (
    Aim,
    Comparison,
    DetectorReport,
    OurReport,
)


def aims(
    ours: DetectorReport, alone: OurReport, comparisons: Sequence[Comparison]
) -> Iterator[Aim]:
    """One for each. What could not be measured is not reached."""
    overall = ours.false.per_10000.value
    yield _at_most("false alerts, % of genuine scans", 0.02, _hundredth(overall))
    regions = [_hundredth(part.per_10000.value) for part in ours.false.by_region]
    worst = max((value for value in regions if value is not None), default=None)
    yield _at_most("false alerts in the worst region, %", 0.05, worst)
    yield _at_least("share of the ceiling, copied serials", 0.95, ours.of_ceiling.value)
    ratios = [c.ratio_1e5 for c in comparisons]
    reachable = [ratio for ratio in ratios if ratio is not None]
    least = min(reachable, default=None) if len(reachable) == len(ratios) else None
    yield _at_least("precision beside the best rule, at its recall", 5.0, least)
    told = sum(each.verified for each in alone.told)
    yield _at_most('fakes told "verified, not scanned before"', 0, float(told))
    error = alone.calibration.error if alone.calibration else None
    yield _at_most("calibration error", 0.02, error)
    yield _at_most("poisoned items that ever looked bad", 0, float(alone.poisoned_ever_bad))
    yield _at_most("replays that differ", 0, float(alone.replays_differing))
    yield _at_most("detection, µs a scan on one core", 20.0, alone.us_per_scan)
    yield _at_most("bytes, item with two scans", 300.0, alone.bytes_two_scans)
    yield _at_most("bytes, item with 100,000 scans", 8_192.0, float(alone.bytes_100000_scans))


def _at_most(name: str, limit: float, value: float | None) -> Aim:
    reached = value is not None and value <= limit
    missed_by = None if value is None else max(0.0, value - limit)
    return Aim(name, f"≤ {limit:,g}", value, reached, missed_by)


def _at_least(name: str, limit: float, value: float | None) -> Aim:
    reached = value is not None and value >= limit
    missed_by = None if value is None else max(0.0, limit - value)
    return Aim(name, f"≥ {limit:,g}", value, reached, missed_by)


def _hundredth(per_10000: float | None) -> float | None:
    return None if per_10000 is None else per_10000 / 100
