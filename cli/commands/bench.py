"""`touchstone bench`: speed beside a baseline in the same run."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.support.checkout import require_checkout
from cli.support.console import SafeConsole, err, fail, out, print_json

if TYPE_CHECKING:
    from benchmarks.detection.evaluation.report import DetectionReport
    from benchmarks.faults.suite import FaultReport
    from benchmarks.speed.result import Result

QUICK_ITEMS = 20_000
QUICK_SEEDS = 3
WORLDS_WIDTH = 180


class Benchmark(StrEnum):
    """The names of `benchmarks.registry`, as they are typed."""

    VERIFY = "verify"
    ISSUE = "issue"
    LABELS = "labels"
    STREAM = "stream"
    API = "api"
    GROWTH = "growth"
    TRUST_LIST = "trust-list"
    FIRE = "fire"
    DETECT = "detect"


class Worlds(StrEnum):
    """The values of `benchmarks.detection.split.Worlds`, and the seeds of the benchmark's own
    world, on which other rules are run too."""

    BENCHMARK = "benchmark"
    DRAWN = "drawn"
    PRESETS = "presets"
    ALL = "all"
    SEEDS = "seeds"


class Engine(StrEnum):
    """Whose speed `stream` measures."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


@dataclass(frozen=True, slots=True)
class DetectionRun:
    """What to run and where to write; None for the defaults."""

    items: int | None = None
    seeds: int | None = None
    export: Path | None = None
    html: Path | None = None
    worlds: Worlds = Worlds.ALL


def register(app: typer.Typer) -> None:
    """Add `bench`."""
    app.command()(bench)


def bench(
    name: Annotated[Benchmark, typer.Argument(help="What to measure.")],
    engine: Annotated[
        Engine | None,
        typer.Option(help="With `stream`: which engine. Kafka and PostgreSQL are started for it."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A short look: fewer, smaller runs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    items: Annotated[
        int | None, typer.Option(min=1_000, help="With `detect`: packs for each seed.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=3, max=12, help="With `detect`: how many worlds.")
    ] = None,
    worlds: Annotated[
        Worlds,
        typer.Option(help="With `detect`: a row for each of these worlds, and the worst."),
    ] = Worlds.ALL,
    export: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="With `detect`: write scans, truth, attacks and alerts there."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="With `detect`: write a report with plots.")
    ] = None,
) -> None:
    """Measure one thing beside its baseline, interleaved, and print the ratio.

    [bold]fire[/] measures faults, not speed: it kills workers, brokers, database
    and service while scans arrive, and counts what was lost or differs from the
    replay.

    [bold]detect[/] runs the product in many simulated worlds, a row for each:
    [bold]--worlds drawn[/] (--seeds of them), [bold]presets[/] (each kind that no
    fit sees), the [bold]benchmark[/] world, or [bold]all[/], which is the default;
    100,000 packs each. Beside it stands what an offline reference finds at the same
    false alerts, which learns for some minutes first; with [bold]--quick[/] there is
    none. [bold]--items 20000 --seeds 3[/] is a first look.

    [bold]detect --worlds seeds[/] scores our detector and the rules that others use
    in the benchmark's own world: ten seeds of 1,000,000 packs take about an hour on
    two cores.

    Example: [bold]touchstone bench verify --json[/]

    Example: [bold]touchstone bench stream --engine kafka --quick[/]

    Exit code 0 whether the target was reached or not: these machines are noisy.
    """
    require_checkout("benchmarks", "touchstone bench", instead=f"make bench NAME={name}")
    if engine is not None and name is not Benchmark.STREAM:
        fail(
            f"--engine belongs to `touchstone bench stream`; `{name}` runs no engine",
            next_step=f"touchstone bench {name}, or touchstone bench stream --engine {engine}",
        )
    run = DetectionRun(items, seeds, export, html, worlds)
    if name is not Benchmark.DETECT and run != DetectionRun():
        fail(
            "--items, --seeds, --worlds, --export and --html belong to `touchstone bench detect`",
            next_step=f"touchstone bench {name}",
        )
    if name is Benchmark.DETECT:
        _bench_detection(run, quick=quick, as_json=as_json)
        return
    if name is Benchmark.FIRE:
        report = _measured(name, quick=quick)
        print_json(report) if as_json else _show_faults(report)
        return
    result = _measured("stream-kafka" if engine is Engine.KAFKA else name, quick=quick)
    if as_json:
        print_json(result)
    else:
        _show(result)


def _measured(name: str, *, quick: bool) -> Any:
    """Run a benchmark; each step is printed on stderr with the seconds since it began."""
    from benchmarks.registry import BENCHMARKS, measure

    began = time.monotonic()

    def say(sentence: str) -> None:
        err.print(f"{time.monotonic() - began:6.0f} s  {sentence}")

    if BENCHMARKS[name].reports_progress:
        return measure(name, quick=quick, say=say)
    with err.status(f"measuring {name} …"):
        return measure(name, quick=quick, say=say)


def _show_faults(report: "FaultReport") -> None:
    out.print("fire", style="bold", end="  ")
    out.print(report.machine)
    for one in report.scenarios:
        out.print(
            f"  {one.name:<28} {one.faults:>4} faults {one.scans:>9,} scans  {one.lost} lost,"
            f" {one.counted_twice} twice, {one.differing_lines} lines differ  ",
            end="",
        )
        out.print(
            "unharmed" if one.unharmed else "HARMED", style="" if one.unharmed else "bold red"
        )
        for key, value in one.details.items():
            out.print(f"      {key}: {value}")


def _show(result: "Result") -> None:
    out.print(result.name, style="bold", end="  ")
    out.print(result.machine)
    out.print(f"  ours     {result.ours:>12,.1f} {result.unit}")
    out.print(f"  baseline {result.baseline:>12,.1f} {result.unit}")
    reached = "reached" if result.ratio >= result.target else "not reached"
    out.print(
        f"  ratio    {result.ratio:>12.3f}  (target {result.target}: {reached}; {result.runs} runs)"
    )
    for key, value in result.details.items():
        out.print(f"  {key}: {value}")


def _bench_detection(run: DetectionRun, *, quick: bool, as_json: bool) -> None:
    """Simulate, assess, score, print."""
    if run.worlds is not Worlds.SEEDS:
        _bench_worlds(run, run.worlds, quick=quick, as_json=as_json)
        return
    from benchmarks.detection.evaluation.html_report import page

    report = _measured_detection(run, quick=quick)
    if run.html is not None:
        run.html.parent.mkdir(parents=True, exist_ok=True)
        run.html.write_text(page(report), encoding="utf-8")
        err.print(f"report   {run.html}")
    print_json(report) if as_json else _show_detection(report)


def _measured_detection(run: DetectionRun, *, quick: bool) -> "DetectionReport":
    from authenticity.detection.policy import DEFAULT_POLICY
    from benchmarks.detection.evaluation.assemble_report import measure
    from benchmarks.detection.evaluation.export import export
    from benchmarks.detection.split import DEFAULT_ITEMS, share_out

    workers = os.cpu_count() or 1
    items = run.items or (QUICK_ITEMS if quick else DEFAULT_ITEMS)
    try:
        seeds = share_out(run.seeds or (QUICK_SEEDS if quick else 10))
    except ValueError as error:
        fail(str(error), next_step="touchstone bench detect --worlds seeds --seeds 3")
    keep = None if run.export is None else partial(export, folder=run.export, workers=workers)
    with _detection_progress(items, len(seeds.all)) as progress:
        return measure(
            seeds, items, DEFAULT_POLICY, workers=workers, keep=keep,
            progress=lambda seed, packs: progress(f"seed {seed}", packs),
        )  # fmt: skip


def _bench_worlds(run: DetectionRun, worlds: Worlds, *, quick: bool, as_json: bool) -> None:
    """Run the product in each of these worlds, print a row for each."""
    from authenticity.detection.policy import DEFAULT_POLICY
    from benchmarks.detection import split
    from benchmarks.detection.evaluation.measure_worlds import measure_worlds
    from benchmarks.detection.evaluation.reference import FIT_ITEMS, learn_reference
    from benchmarks.detection.evaluation.world_tables import world_tables

    if run.export is not None or run.html is not None:
        fail(
            "--export and --html are of the benchmark's own seeds",
            next_step="touchstone bench detect --worlds seeds, with them; or --json without",
        )
    items = run.items or (QUICK_ITEMS if quick else split.DEFAULT_WORLD_ITEMS)
    drawn = run.seeds or (QUICK_SEEDS if quick else len(split.DRAWN_TEST))
    tested = tuple(split.tested_worlds(split.Worlds(worlds), drawn))
    workers = os.cpu_count()
    reference = None
    if not quick:
        fit = split.drawn_worlds("fit")
        with _detection_progress(FIT_ITEMS, len(fit)) as progress:
            reference = learn_reference(
                fit, workers=workers,
                progress=lambda world, packs: progress(f"{world.title}, for the reference", packs),
            )  # fmt: skip
    with _detection_progress(items, len(tested)) as progress:
        report = measure_worlds(
            tested, items, DEFAULT_POLICY,
            reference=reference, workers=workers, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report)
        return
    out.print(f"detect  {report.machine}; {items:,} items a world; policy {report.policy}")
    for table in world_tables(report):
        SafeConsole(width=max(out.width, WORLDS_WIDTH)).print(table)


@contextmanager
def _detection_progress(items: int, worlds: int) -> Iterator[Callable[[str, int], None]]:
    """A bar on a terminal, a line for each world elsewhere; told of a world and packs done."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )  # fmt: skip
    begun: set[str] = set()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("simulating", total=items * worlds)

        def progress(world: str, packs: int) -> None:
            if world not in begun:
                begun.add(world)
                bar.update(task, description=world)
                if not err.is_terminal:
                    err.print(f"{world}, {len(begun)} of {worlds} …")
            bar.advance(task, packs)

        yield progress


def _show_detection(report: "DetectionReport") -> None:
    from benchmarks.detection.evaluation.tables import WIDTH, tables

    out.print("detect", style="bold", end="  ")
    out.print(report.machine)
    out.print(
        f"{report.items:,} items a seed; fit {_listed(report.fit)}, validate"
        f" {_listed(report.validate)}, test {_listed(report.test)}; policy {report.policy}"
    )
    wide = SafeConsole(width=max(out.width, WIDTH))
    for table in tables(report, intervals=False):
        wide.print(table)


def _listed(seeds: tuple[int, ...]) -> str:
    return " ".join(map(str, seeds))
