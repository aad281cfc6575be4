"""From counts to figures: recall and its ceiling, precision, false alerts, delay, curves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from authenticity.gs1.item import ItemId
from benchmarks.detection.evaluation.bootstrap import (
    ROUNDS,
    UNKNOWN,
    Estimate,
    Floats,
    between,
    generator,
    rate,
    rate_rounds,
    share,
    share_rounds,
)
from benchmarks.detection.evaluation.code_assessment import DetectorOutcome
from benchmarks.detection.evaluation.counts import Case, FalseAlerts, Honest
from benchmarks.detection.evaluation.curves import (
    FPR_LIMIT,
    Point,
    false_rate_at,
    partial_area,
    roc,
)
from benchmarks.detection.evaluation.report import (
    PREVALENCES,
    Comparison,
    Delay,
    DetectorReport,
    FalseReport,
    FamilyReport,
    Precision,
    Share,
)
from simulation.attacks import COPYING
from simulation.ceiling import AttackRecord

_PER: Final = 10_000.0
_AREA_ROUNDS: Final = 200
LOWEST: Final = -1e9
"""The score of a code that a rule has nothing to say of."""
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Row:
    """One attacked code under one detector; `outcome` None if it left no scan.

    Codes are told apart by seed and item.
    """

    family: str
    attack_id: str
    ceiling: float | None
    case: Case | None
    outcome: DetectorOutcome | None

    @property
    def detectable(self) -> bool:
        """Whether anybody could have known."""
        return self.case is not None and self.case.detectable_ms is not None

    @property
    def caught(self) -> bool:
        """A telling alert that stands in the end, on what could be known."""
        return self.detectable and self.outcome is not None and self.outcome.stands

    @property
    def early(self) -> bool:
        """An alert before anybody could know."""
        if self.case is None or self.outcome is None or self.outcome.first_ms is None:
            return False
        known_ms = self.case.detectable_ms
        return known_ms is None or self.outcome.first_ms < known_ms


def rows_of(
    attacks: Iterable[AttackRecord], cases: Sequence[Case], outcomes: Sequence[DetectorOutcome]
) -> list[Row]:
    """One row for each code that was attacked, scanned or not, of one seed."""
    known: dict[ItemId, tuple[Case, DetectorOutcome]] = {
        case.item: (case, outcome) for case, outcome in zip(cases, outcomes, strict=True)
    }
    rows = [
        Row(str(attack.family), attack.id, item.ceiling, *known.pop(item.item, (None, None)))
        for attack in attacks
        for item in attack.items
    ]
    rows += [
        Row(case.family, case.attack_id, None, case, outcome) for case, outcome in known.values()
    ]
    return rows


def detector_report(
    name: str,
    says: str,
    rows_by_seed: Mapping[int, Sequence[Row]],
    alerts: FalseAlerts,
    honest: Honest,
) -> DetectorReport:
    """All figures of one detector. Only the score of a detector with degrees gives a curve."""
    rows = [row for of_seed in rows_by_seed.values() for row in of_seed]
    recall, recall_rounds = _mean_recall(rows)
    copied = Counter(
        float(f"{row.outcome.score:.4g}")
        for row in rows
        if row.family in COPYING and row.detectable and row.outcome
        if row.outcome.score is not None
    )
    scores = honest_scores(alerts, honest)
    points = roc(scores, copied) if scores else []
    return DetectorReport(
        name,
        says,
        false_report(alerts, honest),
        recall,
        mean_of_ceiling(rows),
        tuple(_precision(p, recall, recall_rounds, alerts, honest) for p in PREVALENCES),
        _area(scores, copied, points),
        tuple(_low_part(points)),
        _delay(rows),
        tuple(_families(rows_by_seed)),
    )


def honest_scores(alerts: FalseAlerts, honest: Honest) -> Counter[float]:
    """Of all honest codes; those that were scanned once have the lowest there is. Empty for a
    detector without degrees."""
    if not alerts.scores:
        return Counter()
    return alerts.scores + Counter({LOWEST: max(0, honest.codes - alerts.scores.total())})


def false_report(alerts: FalseAlerts, honest: Honest) -> FalseReport:
    """False alerts overall and by part. Parts take the number of their scans as given."""
    return FalseReport(
        alerts.codes,
        alerts.entities,
        alerts.standing,
        _per_10000(alerts, honest),
        rate(alerts.codes + alerts.entities, honest.scans, per=_PER),
        rate(alerts.codes + alerts.named, honest.codes),
        _parts(alerts.by_region, honest.by_region),
        _parts(alerts.by_source, honest.by_source),
        _parts(alerts.by_cause, honest.by_cause),
        dict(sorted(alerts.by_kind.items())),
    )


def _per_10000(alerts: FalseAlerts, honest: Honest) -> Estimate:
    """By resampling codes: those scanned equally often, with an alert or without, are alike,
    and how often such a code is drawn is Poisson distributed."""
    total = alerts.codes + alerts.entities
    if not total or not honest.item_scans:
        return rate(total, honest.item_scans, per=_PER)
    draw = generator()
    item_scans, hits = np.zeros(ROUNDS), draw.poisson(alerts.entities, ROUNDS).astype(np.float64)
    for many, codes in honest.by_item_scans.items():
        alerted = min(codes, alerts.by_item_scans[many])
        drawn = draw.poisson(alerted, ROUNDS)
        hits += drawn
        item_scans += many * (drawn + draw.poisson(codes - alerted, ROUNDS))
    return between(total / honest.item_scans * _PER, hits / item_scans * _PER)


def _parts(alerts: Counter[str], scans: Counter[str]) -> tuple[Share, ...]:
    return tuple(
        Share(part, alerts[part], many, rate(alerts[part], many, per=_PER))
        for part, many in sorted(scans.items(), key=lambda each: (-each[1], each[0]))
    )


def _columns(rows: Sequence[Row]) -> tuple[Floats, Floats, Floats]:
    """Caught, detectable, scanned: 1 or 0 for each row."""
    return (
        np.array([float(row.caught) for row in rows]),
        np.array([float(row.detectable) for row in rows]),
        np.array([float(row.case is not None and row.case.item_scans > 0) for row in rows]),
    )


def _by_copying_family(rows: Sequence[Row]) -> list[list[Row]]:
    return [some for family in sorted(COPYING) if (some := [r for r in rows if r.family == family])]


def _mean_recall(rows: Sequence[Row]) -> tuple[Estimate, Floats]:
    """Over the copied-serial families, of caught among scanned codes."""
    draw = generator()
    values: list[float] = []
    rounds: list[Floats] = []
    for some in _by_copying_family(rows):
        caught, _, scanned = _columns(some)
        if scanned.sum():
            values.append(float(caught.sum() / scanned.sum()))
            rounds.append(share_rounds(caught, scanned, draw))
    if not values:
        return UNKNOWN, np.full(ROUNDS, np.nan)
    mean = np.nanmean(np.array(rounds), axis=0)
    return between(float(np.mean(values)), mean), mean


def mean_of_ceiling(rows: Sequence[Row]) -> Estimate:
    """Over the copied-serial families, of caught among detectable codes."""
    draw = generator()
    values: list[float] = []
    rounds: list[Floats] = []
    for some in _by_copying_family(rows):
        caught, detectable, _ = _columns(some)
        if detectable.sum():
            values.append(float(caught.sum() / detectable.sum()))
            rounds.append(share_rounds(caught, detectable, draw))
    if not values:
        return UNKNOWN
    filled = [np.where(np.isfinite(each), each, 0.0) for each in rounds]
    return between(float(np.mean(values)), np.mean(np.array(filled), axis=0))


def precision_at(prevalence: float, recall: float, false_rate: float) -> float | None:
    """Bayes: of codes that are alerted on, the share that is copied."""
    true, false = prevalence * recall, (1 - prevalence) * false_rate
    return true / (true + false) if true + false else None


def _precision(
    prevalence: float, recall: Estimate, recalls: Floats, alerts: FalseAlerts, honest: Honest
) -> Precision:
    if recall.value is None or not honest.codes:
        return Precision(prevalence, UNKNOWN)
    false_codes = alerts.codes + alerts.named
    value = precision_at(prevalence, recall.value, false_codes / honest.codes)
    if value is None:
        return Precision(prevalence, UNKNOWN)
    true = prevalence * recalls
    false = (1 - prevalence) * rate_rounds(false_codes, honest.codes, generator())
    with np.errstate(invalid="ignore", divide="ignore"):
        return Precision(prevalence, between(value, true / (true + false)))


def _area(honest: Counter[float], copied: Counter[float], points: Sequence[Point]) -> Estimate:
    """Honest scores below those that any false positive rate up to the limit needs are taken
    together; each round draws anew how many codes had each score."""
    if not honest or not copied:
        return UNKNOWN
    draw = generator()
    leading: Counter[float] = Counter()
    for score in sorted(honest, reverse=True):
        if leading.total() > 4 * FPR_LIMIT * honest.total() + 10:
            break
        leading[score] = honest[score]
    rest = honest.total() - leading.total()
    areas = []
    for _ in range(_AREA_ROUNDS):
        drawn = Counter({score: int(draw.poisson(n)) for score, n in leading.items()})
        drawn[LOWEST] += rest
        found = Counter({score: int(draw.poisson(n)) for score, n in copied.items()})
        areas.append(partial_area(roc(drawn, found)) if found.total() else float("nan"))
    return between(partial_area(points), np.array(areas))


def _low_part(points: Sequence[Point]) -> Iterable[Point]:
    for number, (x, y) in enumerate(points):
        yield x, y
        if x > 2 * FPR_LIMIT or number > 2_000:
            return


def _delay(rows: Sequence[Row]) -> Delay | None:
    hours: list[float] = []
    scans: list[float] = []
    for row in rows:
        if row.caught and row.family in COPYING and row.case and row.outcome:
            if row.outcome.known_ms is None or row.case.detectable_ms is None:
                continue
            hours.append((row.outcome.known_ms - row.case.detectable_ms) / _HOUR_MS)
            if row.outcome.known is not None and row.case.known_at is not None:
                scans.append(float(row.outcome.known - row.case.known_at))
    if not hours:
        return None
    scans = scans or [0.0]
    return Delay(
        median(hours),
        float(np.quantile(hours, 0.9)),
        median(scans),
        float(np.quantile(scans, 0.9)),
    )


def _families(rows_by_seed: Mapping[int, Sequence[Row]]) -> Iterable[FamilyReport]:
    rows = [row for of_seed in rows_by_seed.values() for row in of_seed]
    for family in sorted({row.family for row in rows}):
        some = [row for row in rows if row.family == family]
        caught, detectable, scanned = _columns(some)
        attacks: dict[tuple[int, str], list[Row]] = {}
        for seed, of_seed in rows_by_seed.items():
            for row in of_seed:
                if row.family == family:
                    attacks.setdefault((seed, row.attack_id), []).append(row)
        ceilings = [row.ceiling for row in some if row.ceiling is not None]
        yield FamilyReport(
            family,
            len(some),
            int(scanned.sum()),
            int(detectable.sum()),
            int(caught.sum()),
            sum(row.early for row in some),
            sum(ceilings) / len(ceilings) if ceilings else None,
            share(caught, np.ones(len(some))),
            share(caught, detectable),
            len(attacks),
            sum(any(row.detectable for row in attack) for attack in attacks.values()),
            sum(any(row.caught for row in attack) for attack in attacks.values()),
        )


def compare(
    ours: DetectorReport, our_points: Sequence[Point], rule: DetectorReport, honest: Honest
) -> Comparison | None:
    """Ours beside a rule at the rule's recall of what was detectable; None if it has none.

    Our threshold moves along `our_points`, the whole ROC curve of our score, to where it
    catches as much; as it is shipped if that is better and catches no less.
    """
    recall = pooled_recall(rule)
    if not recall or not honest.codes:
        return None
    theirs = rule.false.of_codes.value or 0.0
    mine = false_rate_at(our_points, recall)
    if pooled_recall(ours) >= recall:
        shipped = ours.false.of_codes.value or 0.0
        mine = shipped if mine is None else min(mine, shipped)
    if mine is None:
        return Comparison(rule.name, recall, theirs, None, False, None, None)
    least = 3.0 / honest.codes
    ratios = [_ratio(p, recall, mine or least, theirs or least) for p in (1e-5, 1e-3)]
    return Comparison(rule.name, recall, theirs, mine, mine == 0, *ratios)


def pooled_recall(detector: DetectorReport) -> float:
    """Of all copied codes that were detectable, whatever their family."""
    copied = [family for family in detector.families if family.family in COPYING]
    detectable = sum(family.detectable for family in copied)
    return sum(family.caught for family in copied) / detectable if detectable else 0.0


def _ratio(prevalence: float, recall: float, ours: float, theirs: float) -> float | None:
    mine = precision_at(prevalence, recall, ours)
    other = precision_at(prevalence, recall, theirs)
    return mine / other if mine and other else None
