"""Our detector with its second stage: what alerts on batches and scanners add, code by code."""

from collections import Counter
from dataclasses import replace
from typing import Final

from authenticity.detection.findings import FindingKind
from authenticity.gs1.item import ItemId
from benchmarks.detection.evaluation.entities import SubjectAlert
from benchmarks.detection.evaluation.judging import Spoken
from benchmarks.detection.evaluation.report import SubjectReport
from benchmarks.detection.evaluation.running import OURS, WorldResult
from benchmarks.detection.evaluation.tally import Case, FalseAlerts
from simulation.attacks import AttackFamily
from simulation.score import SIGNS

_ABOUT_ALL: Final = frozenset({str(FindingKind.CAMPAIGN)})


def with_subjects(result: WorldResult) -> tuple[list[Spoken], FalseAlerts]:
    """For each case in the tally's order what both stages together said; and their false
    alerts, those on batches and scanners that no attacked code speaks for among them."""
    naming: dict[ItemId, list[SubjectAlert]] = {}
    for alert in result.subjects:
        for item in alert.items:
            naming.setdefault(item, []).append(alert)
    spoken = [_spoken(case, naming.get(case.item, [])) for case in result.tally.cases]
    attacked = {case.item for case in result.tally.cases}
    false = [alert for alert in result.subjects if not alert.items & attacked]
    campaigns = [alert for alert in result.subjects if alert.kinds & _ABOUT_ALL]
    named = {item for alert in campaigns for item in alert.items} - attacked
    ours = result.tally.false[OURS]
    kinds = ours.by_kind + Counter(kind for alert in false for kind in alert.kinds)
    named -= result.tally.falsely
    return spoken, replace(ours, by_kind=kinds, subjects=len(false), named=len(named))


def _spoken(case: Case, naming: list[SubjectAlert]) -> Spoken:
    mine = case.spoken[0]
    signs = _ABOUT_ALL | frozenset(map(str, SIGNS[AttackFamily(case.family)]))
    telling = [alert for alert in naming if alert.kinds & signs and alert.stands]
    if not telling or (mine.stands and mine.known is not None and mine.known == case.known_at):
        return mine
    first_ms = min(alert.first_ms for alert in telling)
    known_ms = None
    if case.detectable_ms is not None:
        known_ms = max(first_ms, case.detectable_ms)
    if mine.stands and mine.known_ms is not None and known_ms is not None:
        known_ms = min(known_ms, mine.known_ms)
    kinds = mine.kinds.union(*(alert.kinds for alert in telling))
    return mine._replace(stands=True, known_ms=known_ms, kinds=kinds)


def subject_reports(results: list[WorldResult]) -> tuple[SubjectReport, ...]:
    """Alerts on batches and scanners by kind; right, if a code that speaks for it is attacked."""
    alerts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    for result in results:
        attacked = {case.item for case in result.tally.cases}
        for alert in result.subjects:
            alerts.update(alert.kinds)
            standing.update(alert.kinds if alert.stands else ())
            right.update(alert.kinds if alert.items & attacked else ())
    return tuple(
        SubjectReport(kind, alerts[kind], right[kind], standing[kind]) for kind in sorted(alerts)
    )
