"""`touchstone demo`: a live demonstration on this machine."""

import re
from pathlib import Path
from typing import Annotated

import typer

from cli.support.checkout import require_checkout
from cli.support.console import err, fail, out, print_json
from cli.support.open_engine import EngineKind
from cli.support.passphrase import refuse_in_environment

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0}
_LONGEST_S = 720.0


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command()(demo)


def demo(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Keep everything here; default: a temporary folder."),
    ] = None,
    for_time: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="End by itself, as 30s or 2m.")
    ] = None,
    rate: Annotated[
        float, typer.Option("--rate", min=10, max=2_000, help="Scans a second, roughly.")
    ] = 150,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65_535, help="Default: 8000 if it is free.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed, the same story.")] = 1,
    engine: Annotated[
        EngineKind, typer.Option(help="One process, or Kafka, Faust workers and PostgreSQL.")
    ] = EngineKind.EMBEDDED,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object at the end, nothing before it.")
    ] = False,
) -> None:
    """See it work: two makers, live scans, attacks, and the alerts that catch
    them.

    Keys, batches, engine and service are real; goods and people are made
    up. A second shows a day, so that weeks of trade pass while you watch:
    scans carry the times of that calendar. What was caught is counted
    against the truth about each attack, at the end too.

    Example: [bold]touchstone demo --for 30s[/]

    With [bold]--engine kafka[/] the same runs through a real Kafka and
    PostgreSQL, started on free ports of this machine for the occasion. It
    needs Java, Maven and PostgreSQL; Kafka itself is fetched once.

    Ctrl-C ends it, or its calendar after twelve minutes; nothing is left
    behind unless you gave a folder.
    """
    require_checkout("demo", "touchstone demo", instead="make run")
    refuse_in_environment()
    from demo.run import DemoOptions, run_demo

    options = DemoOptions(
        folder=folder,
        seconds=None if for_time is None else _seconds(for_time),
        rate=rate,
        port=port,
        seed=seed,
        as_json=as_json,
        kafka=engine is EngineKind.KAFKA,
    )
    summary = run_demo(options, out, err)
    if as_json:
        print_json(summary)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(s|m|min)?", text.strip())
    seconds = float(found[1]) * _UNITS[found[2] or ""] if found else 0.0
    if not 1 <= seconds <= _LONGEST_S:
        fail(f"--for {text}: not 1 second to 12 minutes", next_step="write it as 30s or 2m")
    return seconds
