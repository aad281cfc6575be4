"""The targets, as they were set before anything was measured, and what was reached."""

from collections.abc import Iterator, Sequence

from authenticity.history.history import MAXIMUM_BYTES
from benchmarks.detection.evaluation.report import (
    Comparison,
    DetectorReport,
    ProductReport,
    TargetResult,
)


def target_results(
    ours: DetectorReport, product: ProductReport, comparisons: Sequence[Comparison]
) -> Iterator[TargetResult]:
    """One result for each target. What could not be measured is not reached."""
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
    verified = sum(each.verified for each in product.false_pack_answers)
    yield _at_most('fakes told "verified, not scanned before"', 0, float(verified))
    error = product.calibration.error if product.calibration else None
    yield _at_most("calibration error", 0.02, error)
    yield _at_most("poisoned items that ever looked bad", 0, float(product.poisoned_ever_bad))
    yield _at_most("replays that differ", 0, float(product.replays_differing))
    yield _at_most("detection, µs a scan on one core", 20.0, product.us_per_scan)
    yield _at_most("bytes, item with two scans", 300.0, product.bytes_two_scans)
    yield _at_most(
        "bytes, item with 100,000 scans", float(MAXIMUM_BYTES), float(product.bytes_100000_scans)
    )


def _at_most(name: str, limit: float, value: float | None) -> TargetResult:
    reached = value is not None and value <= limit
    missed_by = None if value is None else max(0.0, value - limit)
    return TargetResult(name, f"≤ {limit:,g}", value, reached, missed_by)


def _at_least(name: str, limit: float, value: float | None) -> TargetResult:
    reached = value is not None and value >= limit
    missed_by = None if value is None else max(0.0, limit - value)
    return TargetResult(name, f"≥ {limit:,g}", value, reached, missed_by)


def _hundredth(per_10000: float | None) -> float | None:
    return None if per_10000 is None else per_10000 / 100
