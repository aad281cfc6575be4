"""The report of `touchstone bench detect` as one value, printed as tables, JSON or HTML.

Python names and JSON keys differ in some places: keys that were published stay as they are
(`rename=`).
"""

from typing import Final

from msgspec import Struct

from benchmarks.detection.evaluation.bootstrap import Estimate
from benchmarks.detection.evaluation.curves import Calibration

PREVALENCES: Final = (1e-5, 1e-3, 0.48)
"""Shares of false codes among those scanned; the last as found in one INTERPOL-led operation."""


class Share(Struct, frozen=True):
    """False alerts in one part of the traffic, among its genuine scans."""

    part: str
    alerts: int
    scans: int
    per_10000: Estimate


class FalseReport(Struct, frozen=True, rename={"entities": "subjects"}):
    """False alerts of one detector, ever raised, per 10,000 genuine scans outside the maker's
    own chain; `per_10000_of_all` counts the readings of cases among the scans.

    `codes` are alerts on honest codes, `entities` alerts on batches and scanners that no
    attacked code supports. `of_codes` is the share of honest codes, among those with an item
    scan, that were alerted on or support an alert on their batch, even a right one. A code
    counts for every cause among its scans up to the alert, and for region and source of the
    scan that raised it.
    """

    codes: int
    entities: int
    standing: int
    per_10000: Estimate
    per_10000_of_all: Estimate
    of_codes: Estimate
    by_region: tuple[Share, ...]
    by_source: tuple[Share, ...]
    by_cause: tuple[Share, ...]
    by_kind: dict[str, int]


class FamilyReport(Struct, frozen=True):
    """One attack family under one detector, code by code and attack by attack.

    `codes` were attacked, `scanned` have an item scan, `detectable` could have been known from
    their scans, `caught` of these have a standing alert in the end; `early` had an alert
    before the attack was detectable. `ceiling` is the mean probability, from the attack's own
    numbers, that a code's scans reveal it; `of_ceiling` is caught / detectable.
    """

    family: str
    codes: int
    scanned: int
    detectable: int
    caught: int
    early: int
    ceiling: float | None
    recall: Estimate
    of_ceiling: Estimate
    attacks: int
    attacks_detectable: int
    attacks_caught: int


class Delay(Struct, frozen=True):
    """From when the attack could be known to the alert: median and 90 % quantile."""

    hours_median: float
    hours_90: float
    scans_median: float
    scans_90: float


class Precision(Struct, frozen=True):
    """The share of true alerts where this share of scanned codes is copied."""

    prevalence: float
    precision: Estimate


class DetectorReport(Struct, frozen=True):
    """One detector on the test seeds.

    `recall` is the mean over the copied-serial families of caught among *scanned* codes,
    `of_ceiling` of caught among detectable ones. `partial_area`: under the ROC curve up to
    a false positive rate of 5e-4, as a share of the best; `roc`: that part of it.
    """

    name: str
    says: str
    false: FalseReport
    recall: Estimate
    of_ceiling: Estimate
    precision: tuple[Precision, ...]
    partial_area: Estimate
    roc: tuple[tuple[float, float], ...]
    delay: Delay | None
    families: tuple[FamilyReport, ...]


class Comparison(Struct, frozen=True):
    """Ours beside one rule, at the rule's own recall.

    `ratio` of precisions where one code in 100,000, and one in 1,000, is copied. Where our
    false positive rate there is 0 of `codes`, 3 / codes is taken (`at_least`). None if our
    score cannot reach the rule's recall.
    """

    rule: str
    recall: float
    rule_false_rate: float
    our_false_rate: float | None
    at_least: bool
    ratio_1e5: float | None
    ratio_1e3: float | None


class EntityReport(Struct, frozen=True):
    """Alerts on batches and scanners: `right` if a code that supports it is attacked."""

    kind: str
    alerts: int
    right: int
    standing: int


class FalsePackAnswers(Struct, frozen=True, rename={"item_scans": "looks"}):
    """Item scans of false packs after the attack was detectable, and how many of them were
    answered "verified, not scanned before"."""

    family: str
    item_scans: int
    verified: int


class ProductReport(
    Struct, frozen=True, rename={"false_pack_answers": "told", "entities": "subjects"}
):
    """What is measured of the product alone, without a detector to compare it with."""

    calibration: Calibration | None
    raised: int
    retracted: int
    false_pack_answers: tuple[FalsePackAnswers, ...]
    genuine_codes: int
    genuine_ever_bad: int
    genuine_bad_in_the_end: int
    poisoned: int
    poisoned_ever_bad: int
    poisoned_bad_in_the_end: int
    replayed: int
    replays_differing: int
    entities: tuple[EntityReport, ...]
    us_per_scan: float
    bytes_two_scans: float
    bytes_100000_scans: int


class SeedReport(Struct, frozen=True):
    """The main figures of one seed: they show how much seeds vary."""

    seed: int
    part: str
    scans: int
    honest_codes: int
    attacked_codes: int
    false_per_10000: float | None
    of_ceiling: float | None


class TargetResult(Struct, frozen=True, rename={"target": "aim"}):
    """One target and the measured value; `missed_by` in the target's unit, 0 if reached."""

    name: str
    target: str
    value: float | None
    reached: bool
    missed_by: float | None


class DetectionReport(
    Struct,
    frozen=True,
    rename={
        "honest_item_scans": "honest_looks", "product": "ours", "target_results": "aims",
    },
):  # fmt: skip
    """The whole report. Figures are of the test seeds unless they name another."""

    machine: str
    items: int
    fit: tuple[int, ...]
    validate: tuple[int, ...]
    test: tuple[int, ...]
    held_out: str
    policy: str
    scans: int
    honest_item_scans: int
    honest_scans: int
    honest_codes: int
    seeds: tuple[SeedReport, ...]
    detectors: tuple[DetectorReport, ...]
    comparisons: tuple[Comparison, ...]
    product: ProductReport
    target_results: tuple[TargetResult, ...]
