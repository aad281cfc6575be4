"""`touchstone bench`: speed beside a peer or the bare limit, in the same run."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from cli.console import err, out, print_json


class Benchmark(StrEnum):
    """One module of `benchmarks/` each."""

    VERIFY = "verify"
    ISSUE = "issue"
    LABELS = "labels"
    STREAM = "stream"
    API = "api"
    GROWTH = "growth"


def register(app: typer.Typer) -> None:
    """Add `bench`."""
    app.command()(bench)


def bench(
    name: Annotated[Benchmark, typer.Argument(help="What to measure.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="A short look: fewer, smaller runs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure one thing beside its pair, interleaved, and print the ratio.

    Example: [bold]touchstone bench verify --json[/]

    Exit code 0 whether the aim was reached or not: these machines are noisy.
    """
    with err.status(f"measuring {name.value} …"):
        result = import_module(f"benchmarks.{name.value}").measure(quick=quick)
    if as_json:
        print_json(result)
        return
    out.print(f"[bold]{result.name}[/]  {result.machine}")
    out.print(f"  ours   {result.ours:>14,.1f} {result.unit}")
    out.print(f"  pair   {result.pair:>14,.1f} {result.unit}")
    reached = "reached" if result.ratio >= result.aim else "not reached"
    out.print(f"  ratio  {result.ratio:>14.3f}  (aim {result.aim}: {reached}; {result.runs} runs)")
    for key, value in result.details.items():
        out.print(f"  {key}: {value}")
