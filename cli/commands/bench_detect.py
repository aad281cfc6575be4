"""`touchstone bench detect`: how well are copies caught, beside every rule that others use?"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.support.console import err, fail, out, print_json

if TYPE_CHECKING:
    from benchmarks.detection.evaluation.running import WorldResult

QUICK_ITEMS = 20_000
QUICK_SEEDS = 3


@dataclass(frozen=True, slots=True)
class DetectionRun:
    """What to run and where to write; None and 0 for the defaults."""

    items: int | None = None
    seeds: int | None = None
    export: Path | None = None
    html: Path | None = None


def bench_detection(run: DetectionRun, *, quick: bool, as_json: bool) -> None:
    """Simulate, judge, score, print."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from authenticity.detection.policy import DEFAULT_POLICY
    from benchmarks.detection.evaluation.assembly import measure
    from benchmarks.detection.evaluation.export import export
    from benchmarks.detection.evaluation.html_report import page
    from benchmarks.detection.evaluation.terminal import WIDTH, tables
    from benchmarks.detection.split import DEFAULT_ITEMS, share_out

    workers = os.cpu_count() or 1
    items = run.items or (QUICK_ITEMS if quick else DEFAULT_ITEMS)
    count = run.seeds or (QUICK_SEEDS if quick else 10)
    try:
        seeds = share_out(count)
    except ValueError as error:
        fail(str(error), next_step="touchstone bench detect --seeds 3")
    folder = run.export

    def keep(result: "WorldResult") -> None:
        if folder is not None:
            export(result, folder, workers=workers)

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("simulating", total=items * len(seeds.all))
        begun: set[int] = set()

        def progress(seed: int, packs: int) -> None:
            if seed not in begun:
                begun.add(seed)
                bar.update(task, description=f"seed {seed}")
                if not err.is_terminal:
                    err.print(f"seed {seed}, {len(begun)} of {len(seeds.all)} …")
            bar.advance(task, packs)

        report = measure(
            seeds,
            items,
            DEFAULT_POLICY,
            workers=workers,
            keep=keep if folder else None,
            progress=progress,
        )
    if run.html is not None:
        run.html.parent.mkdir(parents=True, exist_ok=True)
        run.html.write_text(page(report), encoding="utf-8")
        err.print(f"report   {run.html}", markup=False)
    if as_json:
        print_json(report)
        return
    out.print(f"[bold]detect[/]  {report.machine}")
    out.print(
        f"{report.items:,} items a seed; fit {_listed(report.fit)}, validate"
        f" {_listed(report.validate)}, test {_listed(report.test)}; policy {report.policy}"
    )
    wide = Console(width=max(out.width, WIDTH), highlight=False)
    for table in tables(report, intervals=False):
        wide.print(table)


def _listed(seeds: tuple[int, ...]) -> str:
    return " ".join(map(str, seeds))
