"""The report as tables for a terminal."""

from collections.abc import Iterator
from typing import Final

from rich.table import Table

from benchmarks.detection.evaluation.bootstrap import Estimate
from benchmarks.detection.evaluation.report import DetectionReport, DetectorReport
from benchmarks.detection.evaluation.run_worlds import CAMPAIGN, OURS

WIDTH: Final = 160
"""What the tables need, in characters, without intervals."""


def tables(report: DetectionReport, *, intervals: bool) -> Iterator[Table]:
    """Detectors, families, rules at their own recall, the product alone, targets."""
    yield _detectors(report, intervals=intervals)
    yield _families(report, intervals=intervals)
    yield _comparisons(report)
    yield _product(report)
    yield _targets(report)


def _detectors(report: DetectionReport, *, intervals: bool) -> Table:
    table = Table(title="detectors, test seeds", title_justify="left")
    for heading in (
        "detector", "false / 10,000 item scans", "worst region", "recall / ceiling",
        "precision 1e-5", "1e-3", "0.48", "partial AUC", "delay h, 90 %",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "detector" else "right")
    for each in report.detectors:
        parts = [part.per_10000.value or 0.0 for part in each.false.by_region]
        delay = each.delay
        table.add_row(
            each.name,
            figure(each.false.per_10000, 2, intervals),
            f"{max(parts, default=0.0):.2f}",
            figure(each.of_ceiling, 3, intervals),
            *(figure(p.precision, 4, intervals) for p in each.precision),
            figure(each.partial_area, 3, intervals),
            f"{delay.hours_median:.0f}, {delay.hours_90:.0f}" if delay else "–",
        )
    return table


def _families(report: DetectionReport, *, intervals: bool) -> Table:
    rules = _best_rules(report)
    table = Table(title="attacked codes by family: caught / detectable", title_justify="left")
    for heading in ("family", "codes", "detectable", "ceiling", OURS, "+ campaign"):
        table.add_column(
            heading, justify="left" if heading == "family" else "right", no_wrap=heading == "family"
        )
    for rule in rules:
        table.add_column(rule.name, justify="right")
    by_name = {each.name: each for each in report.detectors}
    shown = [by_name[OURS], by_name[CAMPAIGN], *rules]
    for number, family in enumerate(by_name[OURS].families):
        held_out = " (held out)" if family.family == report.held_out else ""
        table.add_row(
            family.family + held_out,
            f"{family.codes:,}",
            f"{family.detectable:,}",
            "–" if family.ceiling is None else f"{family.ceiling:.3f}",
            *(figure(each.families[number].of_ceiling, 3, intervals) for each in shown),
        )
    return table


def _best_rules(report: DetectionReport) -> list[DetectorReport]:
    rules = [each for each in report.detectors if each.name not in (OURS, CAMPAIGN)]
    return rules[:-1]  # the last is the oracle: it catches all that is detectable, by definition


def _comparisons(report: DetectionReport) -> Table:
    table = Table(title="at each rule's own recall", title_justify="left")
    for heading in (
        "rule", "recall", "its false rate", "ours", "precision ratio at 1e-5", "at 1e-3",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    for each in report.comparisons:
        sign = "≥ " if each.at_least else ""
        table.add_row(
            each.rule,
            f"{each.recall:.3f}",
            f"{each.rule_false_rate:.2e}",
            "not reached" if each.our_false_rate is None else f"{each.our_false_rate:.2e}",
            "–" if each.ratio_1e5 is None else f"{sign}{each.ratio_1e5:,.1f}",
            "–" if each.ratio_1e3 is None else f"{sign}{each.ratio_1e3:,.1f}",
        )
    return table


def _product(report: DetectionReport) -> Table:
    product = report.product
    table = Table(title="the product alone", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    if product.calibration:
        table.add_row("Brier score", f"{product.calibration.brier:.5f}")
        table.add_row("calibration error", f"{product.calibration.error:.5f}")
        suspicious = product.calibration.error_suspicious
        table.add_row("the same, from 1 % on", "–" if suspicious is None else f"{suspicious:.4f}")
    table.add_row("alerts retracted", _of(product.retracted, product.raised))
    answered = sum(each.item_scans for each in product.false_pack_answers)
    verified = sum(each.verified for each in product.false_pack_answers)
    table.add_row('false packs answered "verified, not scanned before"', _of(verified, answered))
    table.add_row(
        "genuine items ever given a bad standing",
        _of(product.genuine_ever_bad, product.genuine_codes),
    )
    table.add_row("and in the end", _of(product.genuine_bad_in_the_end, product.genuine_codes))
    table.add_row(
        "poisoned items ever given a bad standing", _of(product.poisoned_ever_bad, product.poisoned)
    )
    table.add_row("replays that differ", _of(product.replays_differing, product.replayed))
    for entity in product.entities:
        table.add_row(
            f"alerts on batches and scanners, right: {entity.kind}",
            _of(entity.right, entity.alerts),
        )
    table.add_row("detection, µs a scan on one core", f"{product.us_per_scan:.1f}")
    table.add_row(
        "bytes: two scans, 100,000 scans",
        f"{product.bytes_two_scans:.0f}, {product.bytes_100000_scans:,}",
    )
    return table


def _targets(report: DetectionReport) -> Table:
    table = Table(title="targets", title_justify="left")
    for heading in ("target", "", "measured", "reached", "missed by"):
        table.add_column(heading, justify="left" if heading in ("target", "reached") else "right")
    for target in report.target_results:
        table.add_row(
            target.name,
            target.target,
            "–" if target.value is None else f"{target.value:,.4g}",
            "yes" if target.reached else "[bold red]no[/]",
            "" if target.reached or target.missed_by is None else f"{target.missed_by:,.4g}",
        )
    return table


def figure(estimate: Estimate, digits: int, intervals: bool) -> str:
    """Value, with its interval if asked for, or a dash."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    if not intervals:
        return f"{estimate.value:.{digits}f}"
    low, high = f"{estimate.low:.{digits}f}", f"{estimate.high:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({low}–{high})"


def _of(some: int, among: int) -> str:
    return f"{some:,} of {among:,}"
