"""`touchstone bench`: speed beside a peer or the bare limit, in the same run."""

import time
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.bench_detect import DetectionRun, bench_detection
from cli.support.console import err, fail, out, print_json

if TYPE_CHECKING:
    from benchmarks.faults.report import Fire
    from benchmarks.result import Result


class Benchmark(StrEnum):
    """One module of `benchmarks/` each."""

    VERIFY = "verify"
    ISSUE = "issue"
    LABELS = "labels"
    STREAM = "stream"
    API = "api"
    GROWTH = "growth"
    FIRE = "fire"
    DETECT = "detect"


class Engine(StrEnum):
    """Whose speed `stream` measures."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


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
        int | None, typer.Option(min=3, max=10, help="With `detect`: how many worlds.")
    ] = None,
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
    """Measure one thing beside its pair, interleaved, and print the ratio.

    [bold]fire[/] is another matter: it kills workers, brokers, database and service while
    scans arrive, and counts what was lost or differs from the replay.

    [bold]detect[/] has no pair, but many: it simulates worlds, and scores our detector and the
    rules that others use against the truth. Ten seeds of 1,000,000 packs take about an hour on
    two cores; [bold]--items 50000 --seeds 3[/] is a first look.

    Example: [bold]touchstone bench verify --json[/]

    Example: [bold]touchstone bench stream --engine kafka --quick[/]

    Exit code 0 whether the aim was reached or not: these machines are noisy.
    """
    if engine is not None and name is not Benchmark.STREAM:
        fail(
            f"--engine belongs to `touchstone bench stream`; `{name}` runs no engine",
            next_step=f"touchstone bench {name}, or touchstone bench stream --engine {engine}",
        )
    run = DetectionRun(items, seeds, export, html)
    if name is not Benchmark.DETECT and run != DetectionRun():
        fail(
            "--items, --seeds, --export and --html belong to `touchstone bench detect`",
            next_step=f"touchstone bench {name}",
        )
    if name is Benchmark.DETECT:
        bench_detection(run, quick=quick, as_json=as_json)
        return
    if name is Benchmark.FIRE:
        fire = _with_progress("benchmarks.faults.report", quick=quick)
        print_json(fire) if as_json else _show_fire(fire)
        return
    if engine is Engine.KAFKA:
        result = _with_progress("benchmarks.speed.stream_kafka", quick=quick)
    else:
        with err.status(f"measuring {name} …"):
            result = import_module(f"benchmarks.{name}").measure(quick=quick)
    if as_json:
        print_json(result)
    else:
        _show(result)


def _with_progress(module: str, *, quick: bool) -> Any:
    """Minutes are long without a word: each step is said on stderr, with the time it began."""
    began = time.monotonic()

    def say(sentence: str) -> None:
        err.print(f"{time.monotonic() - began:6.0f} s  {sentence}", markup=False)

    return import_module(module).measure(quick=quick, say=say)


def _show_fire(fire: "Fire") -> None:
    out.print(f"[bold]fire[/]  {fire.machine}")
    for one in fire.scenarios:
        harm = "unharmed" if one.unharmed else "[bold red]HARMED[/]"
        out.print(
            f"  {one.name:<28} {one.faults:>4} faults {one.scans:>9,} scans  {one.lost} lost,"
            f" {one.counted_twice} twice, {one.differing_lines} lines differ  {harm}"
        )
        for key, value in one.details.items():
            out.print(f"      {key}: {value}")


def _show(result: "Result") -> None:
    out.print(f"[bold]{result.name}[/]  {result.machine}")
    out.print(f"  ours   {result.ours:>14,.1f} {result.unit}")
    out.print(f"  pair   {result.pair:>14,.1f} {result.unit}")
    reached = "reached" if result.ratio >= result.aim else "not reached"
    out.print(f"  ratio  {result.ratio:>14.3f}  (aim {result.aim}: {reached}; {result.runs} runs)")
    for key, value in result.details.items():
        out.print(f"  {key}: {value}")
