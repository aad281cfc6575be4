"""`touchstone bench detect`: run every world, then report the figures of the test seeds."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from authenticity.detection.policy import Policy
from benchmarks.detection.evaluation.campaigns import entity_reports, with_entities
from benchmarks.detection.evaluation.code_assessment import DetectorOutcome
from benchmarks.detection.evaluation.cost import Cost, cost_of
from benchmarks.detection.evaluation.counts import FalseAlerts, WorldCounts
from benchmarks.detection.evaluation.curves import calibration, roc
from benchmarks.detection.evaluation.report import (
    DetectionReport,
    DetectorReport,
    EntityReport,
    FalsePackAnswers,
    ProductReport,
    SeedReport,
)
from benchmarks.detection.evaluation.run_worlds import (
    CAMPAIGN,
    DETECTORS,
    ORACLE,
    OURS,
    Learned,
    WorldResult,
    other_detectors,
    run_seeds,
)
from benchmarks.detection.evaluation.scoring import (
    Row,
    compare,
    detector_report,
    honest_scores,
    rows_of,
)
from benchmarks.detection.evaluation.targets import target_results
from benchmarks.detection.split import HELD_OUT, Seeds
from benchmarks.machine import machine
from simulation.attacks import COPYING, AttackFamily

_SAYS = {
    OURS: "fused evidence of each code's own history, calibrated",
    CAMPAIGN: "and alerts on batches and scanners, for the codes that speak for them",
}


def measure(
    seeds: Seeds,
    items: int,
    policy: Policy,
    *,
    workers: int | None = None,
    keep: Callable[[WorldResult], None] | None = None,
    progress: Callable[[int, int], None] = lambda _seed, _packs: None,
) -> DetectionReport:
    """`progress` is called with the seed and the packs done since the last call, `keep` with
    each world's result before its alerts are dropped."""
    results = run_seeds(seeds, items, policy, workers=workers, keep=keep, progress=progress)
    return report_of(seeds, items, policy, results, cost_of(seeds.test[0], items, policy))


def report_of(
    seeds: Seeds,
    items: int,
    policy: Policy,
    results: Mapping[int, WorldResult],
    cost: Cost,
) -> DetectionReport:
    """The figures of the test seeds, and a line for every seed."""
    tested = {seed: results[seed] for seed in seeds.test}
    total = WorldCounts(DETECTORS)
    for result in tested.values():
        total.add(result.counts)
    detectors = [_detector(name, place, tested, total) for place, name in enumerate(DETECTORS)]
    detectors.insert(1, _with_campaign(tested, total))
    shipped = detectors[1]
    points = _whole_curve(total)
    rules = [detector for detector in detectors[2:] if detector.name != ORACLE]
    compared = [compare(shipped, points, rule, total.honest) for rule in rules]
    comparisons = tuple(each for each in compared if each is not None)
    product = _product(total, entity_reports(list(tested.values())), cost)
    return DetectionReport(
        machine(),
        items,
        seeds.fit,
        seeds.validate,
        seeds.test,
        str(HELD_OUT),
        policy.version,
        total.scans,
        total.honest.item_scans,
        total.honest.scans,
        total.honest.codes,
        tuple(_seed(seeds, result) for result in results.values()),
        tuple(detectors),
        comparisons,
        product,
        tuple(target_results(shipped, product, comparisons)),
    )


def _detector(
    name: str, place: int, results: Mapping[int, WorldResult], total: WorldCounts
) -> DetectorReport:
    rows = {
        seed: _rows(result, [case.outcomes[place] for case in result.counts.cases])
        for seed, result in results.items()
    }
    others = {each.name: each.says for each in other_detectors(Learned())}
    says = _SAYS.get(name) or others[name]
    return detector_report(name, says, rows, total.false[name], total.honest)


def _with_campaign(results: Mapping[int, WorldResult], total: WorldCounts) -> DetectorReport:
    rows: dict[int, list[Row]] = {}
    alerts = FalseAlerts()
    for seed, result in results.items():
        outcomes, false = with_entities(result)
        rows[seed] = _rows(result, outcomes)
        alerts.add(false)
    return detector_report(CAMPAIGN, _SAYS[CAMPAIGN], rows, alerts, total.honest)


def _rows(result: WorldResult, outcomes: Sequence[DetectorOutcome]) -> list[Row]:
    return rows_of(result.attacks, result.counts.cases, outcomes)


def _whole_curve(total: WorldCounts) -> list[tuple[float, float]]:
    scores = (
        case.outcomes[0].score
        for case in total.cases
        if case.family in COPYING and case.detectable_ms is not None
    )
    copied = Counter(float(f"{score:.4g}") for score in scores if score is not None)
    return roc(honest_scores(total.false[OURS], total.honest), copied)


def _product(total: WorldCounts, entities: tuple[EntityReport, ...], cost: Cost) -> ProductReport:
    answered: Counter[str] = Counter()
    verified: Counter[str] = Counter()
    for case in total.cases:
        answered[case.family] += case.answered
        verified[case.family] += case.answered_verified
    poisoned = [case for case in total.cases if case.family == AttackFamily.POISONING]
    return ProductReport(
        calibration(total.calibration),
        total.raised,
        total.retracted,
        tuple(
            FalsePackAnswers(name, count, verified[name])
            for name, count in sorted(answered.items())
            if count
        ),
        total.honest.codes,
        total.honest.bad,
        total.honest.bad_end,
        len(poisoned),
        sum(case.bad for case in poisoned),
        sum(case.bad_end for case in poisoned),
        total.replayed,
        total.differing,
        entities,
        cost.us_per_scan,
        total.two_scan_bytes / total.two_scan_codes if total.two_scan_codes else 0.0,
        cost.bytes_of_many,
    )


def _seed(seeds: Seeds, result: WorldResult) -> SeedReport:
    counts = result.counts
    part = "fit" if result.seed in seeds.fit else "test"
    copied = [c for c in counts.cases if c.family in COPYING and c.detectable_ms is not None]
    caught = sum(case.outcomes[0].stands for case in copied)
    item_scans = counts.honest.item_scans
    return SeedReport(
        result.seed,
        "validate" if result.seed in seeds.validate else part,
        counts.scans,
        counts.honest.codes,
        len(counts.cases),
        counts.false[OURS].codes / item_scans * 10_000 if item_scans else None,
        caught / len(copied) if copied else None,
    )
