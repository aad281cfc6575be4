"""The detector's recall beside that of the offline reference, at the same false alerts."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from msgspec import Struct

from authenticity.gs1.item import ItemId
from benchmarks.detection.evaluation.bootstrap import Estimate
from benchmarks.detection.evaluation.code_assessment import SILENT
from benchmarks.detection.evaluation.counts import Case
from benchmarks.detection.evaluation.run_worlds import OURS, WorldResult
from benchmarks.detection.evaluation.scoring import (
    LOWEST,
    honest_scores,
    mean_of_ceiling,
    rows_of,
)

_PER: Final = 10_000


@dataclass(frozen=True, slots=True)
class ReferenceScores:
    """The reference's scores in one world: honest codes by score, and each copied code's."""

    honest: Counter[float]
    copied: Mapping[ItemId, float]


class AtFalseAlerts(Struct, frozen=True):
    """Recall where at most so many honest codes are alerted on, as `WorldRow.recall_of_items`
    defines it. `share` is the detector's as a share of the reference's; None if that is 0."""

    false_codes: int
    reference: Estimate
    detector: Estimate
    share: float | None


class BesideReference(Struct, frozen=True):
    """Both in one world: at the detector's own false alerts on codes, where it is used as it is;
    and at 1 and 2 for 10,000 item scans, where both are ranked by their scores."""

    own: AtFalseAlerts
    at_1: AtFalseAlerts
    at_2: AtFalseAlerts


def beside_reference(result: WorldResult, scores: ReferenceScores) -> BesideReference:
    """Over the same codes, those of the copied-serial families that could be known."""
    alerts, honest = result.counts.false[OURS], result.counts.honest
    ours = honest_scores(alerts, honest)

    def recall_of(is_caught: Callable[[Case], bool]) -> Estimate:
        outcomes = [SILENT._replace(stands=is_caught(case)) for case in result.counts.cases]
        return mean_of_ceiling(rows_of(result.attacks, result.counts.cases, outcomes))

    def reference_at(codes: int) -> Estimate:
        least = threshold_at(scores.honest, codes)
        return recall_of(lambda case: scores.copied.get(case.item, LOWEST) > max(least, LOWEST))

    def detector_at(codes: int) -> Estimate:
        least = max(threshold_at(ours, codes), LOWEST)
        return recall_of(lambda case: _score(case) > least)

    def at_rate(rate: int) -> AtFalseAlerts:
        codes = rate * honest.item_scans // _PER
        return _compared(codes, reference_at(codes), detector_at(codes))

    as_it_is = recall_of(lambda case: case.outcomes[0].stands)
    own = _compared(alerts.codes, reference_at(alerts.codes), as_it_is)
    return BesideReference(own, at_rate(1), at_rate(2))


def _score(case: Case) -> float:
    """Rounded as the scores of honest codes are."""
    score = case.outcomes[0].score
    return LOWEST if score is None else float(f"{score:.4g}")


def _compared(codes: int, reference: Estimate, detector: Estimate) -> AtFalseAlerts:
    if not reference.value or detector.value is None:
        return AtFalseAlerts(codes, reference, detector, None)
    return AtFalseAlerts(codes, reference, detector, detector.value / reference.value)


def threshold_at(honest: Counter[float], codes: int) -> float:
    """The least score above which no more than `codes` honest codes lie; -inf if all may."""
    above = 0
    for score in sorted(honest, reverse=True):
        above += honest[score]
        if above > codes:
            return score
    return -inf
