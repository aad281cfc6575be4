"""The report as one HTML file that loads nothing."""

from collections.abc import Iterator, Sequence
from html import escape
from math import sqrt
from typing import Final

from rich.table import Table

from benchmarks.detection.evaluation.curves import FPR_LIMIT
from benchmarks.detection.evaluation.plots import COLOURS, Axis, Bar, Series, bars, chart
from benchmarks.detection.evaluation.report import DetectionReport, DetectorReport, Share
from benchmarks.detection.evaluation.run_worlds import CAMPAIGN, ORACLE, OURS
from benchmarks.detection.evaluation.scoring import pooled_recall
from benchmarks.detection.evaluation.tables import tables

_MOST_PARTS: Final = 14
_PROBABILITIES: Final = (0.0001, 0.001, 0.01, 0.1, 1.0)


def page(report: DetectionReport) -> str:
    """The whole document."""
    seeds = ", ".join(map(str, report.test))
    intro = (
        f"{report.scans:,} scans of {report.items:,} items a seed; test seeds {seeds}; policy"
        f" {escape(report.policy)}; {escape(report.machine)}. Intervals hold 95 %. The"
        " figures are defined in docs/reference/detection-benchmark.md."
    )
    parts = [f"<h1>Does it catch copies?</h1><p>{intro}</p>"]
    parts += [_table(table) for table in tables(report, intervals=True)]
    parts += [f"<section><h2>{title}</h2>{plot}</section>" for title, plot in _plots(report)]
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Touchstone detection benchmark</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _plots(report: DetectionReport) -> Iterator[tuple[str, str]]:
    by_name = {each.name: each for each in report.detectors}
    ours = by_name[OURS]
    yield "Copied codes caught, where false alerts are rare", _roc(report.detectors)
    if report.product.calibration:
        yield "Does 10 % mean one in ten?", _calibration(report)
    yield "Hours from when it could be known to the alert: median (bar) and 90 %", _delays(report)
    unit = "false alerts per 10,000 genuine scans"
    yield f"By cause: {unit}", _parts(unit, ours.false.by_cause)
    yield f"By region: {unit}", _parts(unit, ours.false.by_region, limit=5.0)
    yield f"By location source: {unit}", _parts(unit, ours.false.by_source, limit=5.0)
    rows = [_bar_of(each) for each in report.detectors if each.name != ORACLE]
    yield f"By detector: {unit} (logarithmic)", bars(unit, rows, limit=2.0, logarithmic=True)


def _roc(detectors: Sequence[DetectorReport]) -> str:
    limit = 2 * FPR_LIMIT
    x = Axis("share of honest codes alerted on", 0.0, limit, (0.0, FPR_LIMIT, limit))
    y = Axis("share of detectable copied codes", 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
    lines: list[Series] = []
    for each in detectors:
        if each.roc and each.name not in (CAMPAIGN, ORACLE):
            colour = COLOURS[len(lines) % len(COLOURS)]
            lines.append(Series(each.name, each.roc, (), colour))
    for each in detectors:
        rate, recall = each.false.of_codes.value, pooled_recall(each)
        if each.name != ORACLE and rate is not None and recall and rate <= limit:
            colour = next((line.colour for line in lines if line.name == each.name), "#78716c")
            name = f"{each.name}, as it is used"
            lines.append(Series(name, ((rate, recall),), (4.0,), colour))
    return chart("ROC curves at low false positive rates", x, y, lines)


def _calibration(report: DetectionReport) -> str:
    assert report.product.calibration is not None
    bins = report.product.calibration.bins
    x = Axis("probability said", 0.0001, 1.0, _PROBABILITIES, logarithmic=True)
    y = Axis("share that is copied", 0.0001, 1.0, _PROBABILITIES, logarithmic=True)
    points = tuple((each.said, each.true) for each in bins)
    radii = tuple(2.0 + min(9.0, sqrt(each.codes) / 16) for each in bins)
    line = Series("codes with this probability (area: how many)", points, radii, COLOURS[0])
    return chart("calibration of the clone probability", x, y, [line], diagonal=True)


def _delays(report: DetectionReport) -> str:
    rows = [
        Bar(each.name, each.delay.hours_median, each.delay.hours_median, each.delay.hours_90)
        for each in report.detectors
        if each.delay is not None and each.name != ORACLE
    ]
    return bars("delay in hours", rows)


def _parts(label: str, shares: Sequence[Share], *, limit: float | None = None) -> str:
    leading = sorted(shares, key=lambda each: (-(each.per_10000.value or 0.0), -each.scans))
    rows = [
        Bar(
            share.part,
            share.per_10000.value or 0.0,
            share.per_10000.low or 0.0,
            share.per_10000.high or 0.0,
            f"{share.alerts} alerts, {share.scans:,} scans",
        )
        for share in leading[:_MOST_PARTS]
    ]
    return bars(label, rows, limit=limit)


def _bar_of(detector: DetectorReport) -> Bar:
    estimate = detector.false.per_10000
    return Bar(detector.name, estimate.value or 0.0, estimate.low or 0.0, estimate.high or 0.0)


def _table(table: Table) -> str:
    headings = [escape(str(column.header)) for column in table.columns]
    columns = [[_plain(str(cell)) for cell in column.cells] for column in table.columns]
    rows = zip(*columns, strict=True)
    head = "".join(f"<th>{heading}</th>" for heading in headings) if table.show_header else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    title = escape(str(table.title))
    return f'<h2>{title}</h2><div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _plain(cell: str) -> str:
    return escape(cell.replace("[bold red]", "").replace("[/]", ""))


_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c1917;--paper:#fafaf9;--line:#d6d3d1;--soft:#78716c}
@media(prefers-color-scheme:dark){:root{--ink:#e7e5e4;--paper:#1c1917;--line:#44403c;--soft:#a8a29e}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px;display:grid;gap:8px 32px;
grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr))}
h1,main>p,main>h2,.scroll{grid-column:1/-1;margin:0}
h1{font-size:26px}h2{font-size:16px;margin:20px 0 4px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;width:100%}
td,th{padding:4px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left}th{color:var(--soft);font-weight:600}
svg{width:100%;height:auto;border-radius:6px}
"""
