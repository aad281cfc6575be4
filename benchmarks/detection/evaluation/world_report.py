"""The figures of the product in many worlds: a row for each, and the worst of each figure."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from authenticity.gs1.item import SCANNER_PREFIX, EntityId, is_about_custodian
from benchmarks.detection.evaluation.bootstrap import Estimate
from benchmarks.detection.evaluation.campaigns import with_entities
from benchmarks.detection.evaluation.curves import NEAR_70, calibration
from benchmarks.detection.evaluation.detectors import Detector
from benchmarks.detection.evaluation.reference import LearnedOn
from benchmarks.detection.evaluation.reference_recall import (
    BesideReference,
    ReferenceScores,
    beside_reference,
)
from benchmarks.detection.evaluation.report import DetectorReport, FamilyReport, Share
from benchmarks.detection.evaluation.run_worlds import CAMPAIGN, OURS, WorldResult
from benchmarks.detection.evaluation.scoring import detector_report, rows_of
from simulation.attacks import COPYING, AttackFamily

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
    """Codes with a probability of 0.6 to 0.8, those of them that are copied, and the mean of the
    probabilities; None without codes."""

    codes: int
    copied: int
    said: float | None


class WorldRow(Struct, frozen=True):
    """One world. Rates of false alerts are for 10,000 honest item scans.

    `false` has alerts on codes and on entities, `false_of_items` those on codes alone.
    `by_cause` counts falsely alerted codes by behaviour and noise among their scans up to
    the alert, beside the item scans that have it; `by_kind` all kinds from medium on, on honest
    codes. `recall` and `recall_of_items` are shares of the `detectable` codes of the
    copied-serial families, means over these families. `owners` scanned a genuine pack that
    nobody copied, `owners_warned` read caution or worse at one of their own scans. `commercial`
    is the rule of that name. `near_70` is of codes in the end, `first_near_70` of the first scan
    after which a code had such a probability. `reference` is None where none was learned.
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
    first_near_70: Reliability
    commercial_false: Estimate
    commercial_recall: Estimate
    reference: BesideReference | None = None


class Worst(Struct, frozen=True):
    """The worst world in one figure."""

    figure: str
    world: str
    value: float


class WorldsReport(Struct, frozen=True):
    """All worlds that were run, in their order. `reference` says what the reference was learned
    on; None without one."""

    machine: str
    items: int
    policy: str
    worlds: tuple[WorldRow, ...]
    worst: tuple[Worst, ...]
    reference: LearnedOn | None = None


def row_of(
    name: str,
    part: str,
    result: WorldResult,
    commercial: Detector,
    scores: ReferenceScores | None = None,
) -> WorldRow:
    """The figures of one world whose counts are of ours and of this rule; with what the
    reference made of its codes, if there is one."""
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
        reliability(counts.calibration),
        reliability(counts.first_near_70),
        rule.false.per_10000,
        rule.of_ceiling,
        beside_reference(result, scores) if scores else None,
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


def reliability(counted: Counter[tuple[int, bool]]) -> Reliability:
    """Of codes by (probability in thousandths, copied)."""
    least, most = NEAR_70
    near = {key: codes for key, codes in counted.items() if least <= key[0] <= most}
    codes = sum(near.values())
    copied = sum(some for (_, is_copied), some in near.items() if is_copied)
    said = sum(thousandths * some for (thousandths, _), some in near.items())
    return Reliability(codes, copied, said / codes / 1000 if codes else None)


def together(parts: Iterable[Reliability]) -> Reliability:
    """All of them as one."""
    parts = list(parts)
    codes = sum(part.codes for part in parts)
    said = sum(part.said * part.codes for part in parts if part.said is not None)
    return Reliability(codes, sum(part.copied for part in parts), said / codes if codes else None)


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
    shares = _known([(row.reference.own.share, row) for row in rows if row.reference])
    found += [
        Worst("detector / reference", row.world, value)
        for value, row in sorted(shares, key=lambda each: each[0])[:1]
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
