"""The whole benchmark: run every world, then put the figures of the test seeds together."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from authenticity.detection.policy import Policy
from benchmarks.detection.evaluation.aims import aims
from benchmarks.detection.evaluation.campaigns import subject_reports, with_subjects
from benchmarks.detection.evaluation.cost import Cost, cost_of
from benchmarks.detection.evaluation.curves import calibration, roc
from benchmarks.detection.evaluation.judging import Spoken
from benchmarks.detection.evaluation.report import (
    DetectionReport,
    DetectorReport,
    OurReport,
    SeedReport,
    SubjectReport,
    VerdictsTold,
)
from benchmarks.detection.evaluation.running import (
    CAMPAIGN,
    DETECTORS,
    ORACLE,
    OURS,
    Lesson,
    WorldResult,
    contenders,
    run_seeds,
)
from benchmarks.detection.evaluation.scoring import (
    Row,
    compare,
    detector_report,
    honest_scores,
    rows_of,
)
from benchmarks.detection.evaluation.tally import FalseAlerts, Tally
from benchmarks.detection.split import HELD_OUT, Seeds
from benchmarks.result import machine
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
    each world's result while its alerts are at hand."""
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
    total = Tally(DETECTORS)
    for result in tested.values():
        total.add(result.tally)
    detectors = [_detector(name, place, tested, total) for place, name in enumerate(DETECTORS)]
    detectors.insert(1, _with_campaign(tested, total))
    shipped = detectors[1]
    points = _whole_curve(total)
    compared = (
        compare(shipped, points, rule, total.honest)
        for rule in detectors[2:]
        if rule.name != ORACLE
    )
    comparisons = tuple(each for each in compared if each is not None)
    alone = _ours(total, subject_reports(list(tested.values())), cost)
    return DetectionReport(
        machine(),
        items,
        seeds.fit,
        seeds.validate,
        seeds.test,
        str(HELD_OUT),
        policy.version,
        total.scans,
        total.honest.looks,
        total.honest.scans,
        total.honest.codes,
        tuple(_seed(seeds, result) for result in results.values()),
        tuple(detectors),
        comparisons,
        alone,
        tuple(aims(shipped, alone, comparisons)),
    )


def _detector(
    name: str, place: int, results: Mapping[int, WorldResult], total: Tally
) -> DetectorReport:
    rows = {
        seed: _rows(result, [case.spoken[place] for case in result.tally.cases])
        for seed, result in results.items()
    }
    says = _SAYS.get(name) or next(each.says for each in contenders(Lesson()) if each.name == name)
    return detector_report(name, says, rows, total.false[name], total.honest)


def _with_campaign(results: Mapping[int, WorldResult], total: Tally) -> DetectorReport:
    rows: dict[int, list[Row]] = {}
    alerts = FalseAlerts()
    for seed, result in results.items():
        spoken, false = with_subjects(result)
        rows[seed] = _rows(result, spoken)
        alerts.add(false)
    return detector_report(CAMPAIGN, _SAYS[CAMPAIGN], rows, alerts, total.honest)


def _rows(result: WorldResult, spoken: Sequence[Spoken]) -> list[Row]:
    return rows_of(result.attacks, result.tally.cases, spoken)


def _whole_curve(total: Tally) -> list[tuple[float, float]]:
    scores = (
        case.spoken[0].score
        for case in total.cases
        if case.family in COPYING and case.detectable_ms is not None
    )
    copied = Counter(float(f"{score:.4g}") for score in scores if score is not None)
    return roc(honest_scores(total.false[OURS], total.honest), copied)


def _ours(total: Tally, subjects: tuple[SubjectReport, ...], cost: Cost) -> OurReport:
    told: Counter[str] = Counter()
    verified: Counter[str] = Counter()
    for case in total.cases:
        told[case.family] += case.told
        verified[case.family] += case.told_verified
    poisoned = [case for case in total.cases if case.family == AttackFamily.POISONING]
    return OurReport(
        calibration(total.calibration),
        total.raised,
        total.retracted,
        tuple(
            VerdictsTold(name, many, verified[name]) for name, many in sorted(told.items()) if many
        ),
        total.honest.codes,
        total.honest.bad,
        total.honest.bad_end,
        len(poisoned),
        sum(case.bad for case in poisoned),
        sum(case.bad_end for case in poisoned),
        total.replayed,
        total.differing,
        subjects,
        cost.us_per_scan,
        total.two_scan_bytes / total.two_scan_codes if total.two_scan_codes else 0.0,
        cost.bytes_of_many,
    )


def _seed(seeds: Seeds, result: WorldResult) -> SeedReport:
    tally = result.tally
    part = "fit" if result.seed in seeds.fit else "test"
    copied = [c for c in tally.cases if c.family in COPYING and c.detectable_ms is not None]
    caught = sum(case.spoken[0].stands for case in copied)
    looks = tally.honest.looks
    return SeedReport(
        result.seed,
        "validate" if result.seed in seeds.validate else part,
        tally.scans,
        tally.honest.codes,
        len(tally.cases),
        tally.false[OURS].codes / looks * 10_000 if looks else None,
        caught / len(copied) if copied else None,
    )
