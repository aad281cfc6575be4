"""Our detector with its second stage: what alerts on batches and scanners add to each code."""

from collections import Counter
from dataclasses import replace
from typing import Final

from authenticity.detection.findings import FindingKind
from authenticity.gs1.item import ItemId
from benchmarks.detection.evaluation.code_assessment import DetectorOutcome
from benchmarks.detection.evaluation.counts import Case, FalseAlerts
from benchmarks.detection.evaluation.entity_alerts import EntityAlert
from benchmarks.detection.evaluation.report import EntityReport
from benchmarks.detection.evaluation.run_worlds import OURS, WorldResult
from simulation.attacks import AttackFamily
from simulation.score import EVIDENCE_KINDS

_ABOUT_ALL: Final = frozenset({str(FindingKind.CAMPAIGN)})


def with_entities(result: WorldResult) -> tuple[list[DetectorOutcome], FalseAlerts]:
    """The outcome of both stages together for each case, in the order of the counts; and their
    false alerts, including those on batches and scanners that no attacked code supports."""
    naming: dict[ItemId, list[EntityAlert]] = {}
    for alert in result.entities:
        for item in alert.items:
            naming.setdefault(item, []).append(alert)
    outcomes = [_outcome(case, naming.get(case.item, [])) for case in result.counts.cases]
    attacked = {case.item for case in result.counts.cases}
    false = [alert for alert in result.entities if not alert.items & attacked]
    campaigns = [alert for alert in result.entities if alert.kinds & _ABOUT_ALL]
    named = {item for alert in campaigns for item in alert.items} - attacked
    ours = result.counts.false[OURS]
    kinds = ours.by_kind + Counter(kind for alert in false for kind in alert.kinds)
    named -= result.counts.falsely_alerted
    return outcomes, replace(ours, by_kind=kinds, entities=len(false), named=len(named))


def _outcome(case: Case, naming: list[EntityAlert]) -> DetectorOutcome:
    mine = case.outcomes[0]
    evidence = _ABOUT_ALL | frozenset(map(str, EVIDENCE_KINDS[AttackFamily(case.family)]))
    telling = [alert for alert in naming if alert.kinds & evidence and alert.stands]
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


def entity_reports(results: list[WorldResult]) -> tuple[EntityReport, ...]:
    """Alerts on batches and scanners by kind; right, if a code that supports it is attacked."""
    alerts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    for result in results:
        attacked = {case.item for case in result.counts.cases}
        for alert in result.entities:
            alerts.update(alert.kinds)
            standing.update(alert.kinds if alert.stands else ())
            right.update(alert.kinds if alert.items & attacked else ())
    return tuple(
        EntityReport(kind, alerts[kind], right[kind], standing[kind]) for kind in sorted(alerts)
    )
