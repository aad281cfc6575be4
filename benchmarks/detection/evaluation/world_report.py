"""The figures of the product in many worlds: a row for each, and the worst of each figure."""

from collections import Counter
from typing import Final

from msgspec import Struct

from authenticity.gs1.item import SCANNER_PREFIX, EntityId, is_about_custodian
from benchmarks.detection.evaluation.bootstrap import Estimate
from benchmarks.detection.evaluation.campaigns import with_entities
from benchmarks.detection.evaluation.curves import calibration
from benchmarks.detection.evaluation.detectors import Detector
from benchmarks.detection.evaluation.report import DetectorReport, FamilyReport, Share
from benchmarks.detection.evaluation.run_worlds import CAMPAIGN, OURS, WorldResult
from benchmarks.detection.evaluation.scoring import detector_report, rows_of
from simulation.attacks import COPYING, AttackFamily

NEAR_70: Final = (600, 800)
"""Thousandths: the probabilities that are checked against how often they were right."""
_HOURS: Final = 24.0


class EntityRow(Struct, frozen=True):
    """Alerts about one kind of entity: `batch`, `route`, `shop` or `scanner`.

    Right if at least one code that supports it is attacked. `mixed` are those of the right
    ones of whose supporting codes most are honest.
    """

    about: str
    right: int
    wrong: int
    mixed: int


class Reliability(Struct, frozen=True):
    """Codes with a probability of 0.6 to 0.8 in the end, and those of them that are copied."""

    codes: int
    copied: int


class WorldRow(Struct, frozen=True):
    """One world. Rates of false alerts are for 10,000 honest item scans.

    `false` has alerts on codes and on entities, `false_of_items` those on codes alone.
    `by_cause` counts falsely alerted codes by behaviour and noise among their scans up to
    the alert, beside the item scans that have it; `by_kind` all kinds from medium on, on honest
    codes. `recall` and `recall_of_items` are shares of the `detectable` codes of the
    copied-serial families, means over these families. `owners` scanned a genuine pack that
    nobody copied, `owners_warned` read caution or worse at one of their own scans. `commercial`
    is the rule of that name.
    """

    world: str
    part: str
    seed: int
    scans: int
    item_scans: int
    honest_codes: int
    false: Estimate
    false_of_items: Estimate
    by_cause: tuple[Share, ...]
    by_kind: dict[str, int]
    entities: tuple[EntityRow, ...]
    detectable: int
    recall: Estimate
    recall_of_items: Estimate
    families: tuple[FamilyReport, ...]
    owners: int
    owners_warned: int
    genuine_ever_bad: int
    delay_days: float | None
    poisoned: int
    poisoned_ever_bad: int
    false_packs_answered: int
    false_packs_verified: int
    calibration_suspicious: float | None
    near_70: Reliability
    commercial_false: Estimate
    commercial_recall: Estimate


class Worst(Struct, frozen=True):
    """The worst world in one figure."""

    figure: str
    world: str
    value: float


class WorldsReport(Struct, frozen=True):
    """All worlds that were run, in their order."""

    machine: str
    items: int
    policy: str
    worlds: tuple[WorldRow, ...]
    worst: tuple[Worst, ...]


def row_of(name: str, part: str, result: WorldResult, commercial: Detector) -> WorldRow:
    """The figures of one world whose counts are of ours and of this rule."""
    counts, honest = result.counts, result.counts.honest
    item = _report(result, OURS, 0)
    both = _report_of_both(result)
    rule = _report(result, commercial.name, 1)
    found = calibration(counts.calibration)
    poisoned = [case for case in counts.cases if case.family == AttackFamily.POISONING]
    return WorldRow(
        name,
        part,
        result.seed,
        counts.scans,
        honest.item_scans,
        honest.codes,
        both.false.per_10000,
        item.false.per_10000,
        item.false.by_cause,
        item.false.by_kind,
        entity_rows(result),
        sum(family.detectable for family in both.families if family.family in COPYING),
        both.of_ceiling,
        item.of_ceiling,
        both.families,
        honest.owners,
        honest.owners_warned,
        honest.bad,
        both.delay.hours_median / _HOURS if both.delay else None,
        len(poisoned),
        sum(case.bad for case in poisoned),
        sum(case.answered for case in counts.cases),
        sum(case.answered_verified for case in counts.cases),
        found.error_suspicious if found else None,
        _near_70(counts.calibration),
        rule.false.per_10000,
        rule.of_ceiling,
    )


def _report(result: WorldResult, name: str, place: int) -> DetectorReport:
    counts = result.counts
    outcomes = [case.outcomes[place] for case in counts.cases]
    rows = {result.seed: rows_of(result.attacks, counts.cases, outcomes)}
    return detector_report(name, "", rows, counts.false[name], counts.honest)


def _report_of_both(result: WorldResult) -> DetectorReport:
    outcomes, false = with_entities(result)
    rows = {result.seed: rows_of(result.attacks, result.counts.cases, outcomes)}
    return detector_report(CAMPAIGN, "", rows, false, result.counts.honest)


def entity_rows(result: WorldResult) -> tuple[EntityRow, ...]:
    """Alerts on entities by what they are about; those without an alert are left out."""
    attacked = {case.item for case in result.counts.cases}
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    mixed: Counter[str] = Counter()
    for alert in result.entities:
        about = about_of(alert.entity, alert.kinds)
        behind = len(alert.items & attacked)
        (right if behind else wrong)[about] += 1
        mixed[about] += 0 < 2 * behind < len(alert.items)
    names = sorted(right.keys() | wrong.keys())
    return tuple(EntityRow(name, right[name], wrong[name], mixed[name]) for name in names)


def about_of(entity: EntityId, kinds: frozenset[str]) -> str:
    """What an alert of these kinds on this entity is about."""
    if not is_about_custodian(entity):
        return "batch"
    if not entity.startswith(SCANNER_PREFIX):
        return "route"
    return "shop" if "campaign" in kinds else "scanner"


def _near_70(counted: Counter[tuple[int, bool]]) -> Reliability:
    least, most = NEAR_70
    near = {key: codes for key, codes in counted.items() if least <= key[0] <= most}
    copied = sum(codes for (_, is_copied), codes in near.items() if is_copied)
    return Reliability(sum(near.values()), copied)


def worst_of(rows: tuple[WorldRow, ...]) -> tuple[Worst, ...]:
    """For each figure the world in which it is worst; a figure that no world has is left out."""
    figures = {
        "false alerts for 10,000 item scans": [(row.false.value, row) for row in rows],
        "wrong share of alerts on entities": [(_wrong_share(row), row) for row in rows],
        "owners warned, %": [(_percent(row.owners_warned, row.owners), row) for row in rows],
        "median delay, days": [(row.delay_days, row) for row in rows],
    }
    found = [
        Worst(name, row.world, value)
        for name, values in figures.items()
        for value, row in sorted(_known(values), key=lambda each: -each[0])[:1]
    ]
    recalls = _known([(row.recall.value, row) for row in rows])
    found += [
        Worst("recall, item + campaign", row.world, value)
        for value, row in sorted(recalls, key=lambda each: each[0])[:1]
    ]
    return tuple(found)


def _known(values: list[tuple[float | None, WorldRow]]) -> list[tuple[float, WorldRow]]:
    return [(value, row) for value, row in values if value is not None]


def _wrong_share(row: WorldRow) -> float | None:
    wrong = sum(each.wrong for each in row.entities)
    alerts = wrong + sum(each.right for each in row.entities)
    return wrong / alerts if alerts else None


def _percent(some: int, among: int) -> float | None:
    return 100 * some / among if among else None
