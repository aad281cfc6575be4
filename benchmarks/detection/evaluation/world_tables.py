"""The report of many worlds as tables for a terminal."""

from collections.abc import Iterator
from typing import Final

from rich.table import Table

from benchmarks.detection.evaluation.tables import figure
from benchmarks.detection.evaluation.world_report import (
    Reliability,
    WorldRow,
    WorldsReport,
    together,
)

_USUAL: Final = frozenset(
    ("first look", "shipment", "sale", "retry", "late", "out-of-order", "clock-skew", "duplicate")
)
"""Behaviours and noise that most codes have: they explain no alert."""
_MOST_CAUSES: Final = 3


def world_tables(report: WorldsReport) -> Iterator[Table]:
    """A row for each world; beside the reference; calibration; alerts on entities; causes of
    false alerts; the worst."""
    yield _worlds(report)
    yield _beside_reference(report)
    yield _calibration(report)
    yield _entities(report)
    yield _causes(report)
    yield _worst(report)


def _worlds(report: WorldsReport) -> Table:
    table = _table(
        "the product in many worlds", "world", "item scans", "false / 10,000", "items alone",
        "recall, item", "+ campaign", "detectable", "owners warned", "delay, days", "reference",
        "detector / reference", "at 0.6-0.8", "commercial: false", "recall",
    )  # fmt: skip
    for row in report.worlds:
        table.add_row(
            f"{row.world} {row.seed}",
            f"{row.item_scans:,}",
            figure(row.false, 2, False),
            figure(row.false_of_items, 2, False),
            figure(row.recall_of_items, 2, False),
            figure(row.recall, 2, False),
            f"{row.detectable:,}",
            f"{row.owners_warned:,} of {row.owners:,}",
            "–" if row.delay_days is None else f"{row.delay_days:.1f}",
            figure(row.reference.own.reference, 2, False) if row.reference else "–",
            _share(row.reference.own.share if row.reference else None),
            f"{row.near_70.copied} of {row.near_70.codes}",
            figure(row.commercial_false, 2, False),
            figure(row.commercial_recall, 2, False),
        )
    return table


def _beside_reference(report: WorldsReport) -> Table:
    table = _table(
        "recall of copied codes: detector of reference, at the same false alerts on codes",
        "world", "as it is: false", "recall", "share", "1 for 10,000: false", "recall", "share",
        "2 for 10,000: false", "recall", "share",
    )  # fmt: skip
    for row in report.worlds:
        if row.reference is None:
            continue
        cells: list[str] = []
        for at in (row.reference.own, row.reference.at_1, row.reference.at_2):
            recall = f"{figure(at.detector, 2, False)} of {figure(at.reference, 2, False)}"
            cells += (f"{at.false_codes:,}", recall, _share(at.share))
        table.add_row(f"{row.world} {row.seed}", *cells)
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _calibration(report: WorldsReport) -> Table:
    table = _table(
        "codes with a probability of 0.6-0.8: copied of them, and the mean said",
        "world", "in the end", "said", "when first said", "said", "error from 1 % on",
    )  # fmt: skip
    for row in report.worlds:
        error = row.calibration_suspicious
        table.add_row(
            f"{row.world} {row.seed}",
            *_cells(row.near_70),
            *_cells(row.first_near_70),
            "–" if error is None else f"{error:.3f}",
        )
    for part in dict.fromkeys(row.part for row in report.worlds):
        rows = [row for row in report.worlds if row.part == part]
        end = together(row.near_70 for row in rows)
        first = together(row.first_near_70 for row in rows)
        table.add_row(f"all: {part}", *_cells(end), *_cells(first), "")
    return table


def _cells(found: Reliability) -> tuple[str, str]:
    return f"{found.copied:,} of {found.codes:,}", _share(found.said)


def _entities(report: WorldsReport) -> Table:
    table = _table(
        "alerts on entities: right, wrong (of the right ones, most codes honest)",
        "world", "batch", "route", "shop", "scanner",
    )  # fmt: skip
    for row in report.worlds:
        by_name = {each.about: each for each in row.entities}
        cells = [
            f"{each.right}, {each.wrong} ({each.mixed})" if each else "–"
            for each in map(by_name.get, ("batch", "route", "shop", "scanner"))
        ]
        table.add_row(f"{row.world} {row.seed}", *cells)
    return table


def _causes(report: WorldsReport) -> Table:
    table = _table(
        "what falsely alerted codes met, and kinds of alert on honest codes",
        "world", "causes: codes", "kinds: codes",
    )  # fmt: skip
    for row in report.worlds:
        kinds = sorted(row.by_kind.items(), key=lambda each: -each[1])
        table.add_row(
            f"{row.world} {row.seed}",
            ", ".join(causes_of(row)) or "–",
            ", ".join(f"{kind} {codes:,}" for kind, codes in kinds if kind != "copied") or "–",
        )
    return table


def causes_of(row: WorldRow) -> Iterator[str]:
    """The most frequent causes that not every code has."""
    ranked = sorted(row.by_cause, key=lambda share: -share.alerts)
    told = [share for share in ranked if share.alerts and share.part not in _USUAL]
    for share in told[:_MOST_CAUSES]:
        yield f"{share.part} {share.alerts:,}"


def _worst(report: WorldsReport) -> Table:
    table = _table("the worst world", "figure", "world", "value")
    for each in report.worst:
        table.add_row(each.figure, each.world, f"{each.value:,.3g}")
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=number == 0)
    return table
