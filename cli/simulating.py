"""`touchstone simulate`: traffic with ground truth, from a seed."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.console import err, out, print_json


def register(app: typer.Typer) -> None:
    """Add `simulate`."""
    app.command()(simulate)


def simulate(
    items: Annotated[int, typer.Option("--items", min=1, max=100_000_000, help="Packs.")],
    out_file: Annotated[
        Path, typer.Option("--out", help="Scans, NDJSON, by arrival.", dir_okay=False)
    ],
    truth_file: Annotated[
        Path | None,
        typer.Option("--truth", help="What really happened; default: NAME.truth.ndjson."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed, the same bytes.")] = 1,
    makers: Annotated[
        int, typer.Option("--makers", min=1, max=100, help="Ed25519 and P-256 in turn.")
    ] = 2,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Days of sale.")] = 30,
    attack_rate: Annotated[
        float, typer.Option("--attack-rate", min=0, max=1, help="Attacks for each pack.")
    ] = 0.005,
    scan_rate: Annotated[
        float,
        typer.Option("--scan-rate", min=0, max=1, help="Share of packs a consumer scans."),
    ] = 0.3,
    start: Annotated[
        datetime, typer.Option("--start", formats=["%Y-%m-%d"], help="First day, UTC.")
    ] = datetime(2026, 1, 1),  # noqa: DTZ001 - made UTC below; the command line has no zone
    quiet: Annotated[bool, typer.Option("--no-noise", help="Right places, clocks, order.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Make scans of simulated packs, honest and attacked, with a truth file
    that labels each.

    Beside the scans stand what a replay needs: the trust list, its roots,
    the batches. The makers are made up and their keys follow from the seed:
    never trust them elsewhere.

    Example: [bold]touchstone simulate --items 10000 --seed 7 --out scans.ndjson[/]
    then [bold]touchstone replay scans.ndjson[/]
    """
    from datetime import UTC

    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from producers.simulate import SimulationFiles
    from producers.simulate import simulate as write_simulation
    from producers.simulation.behaviour import Rates
    from producers.simulation.noise import SILENCE, Noise
    from producers.simulation.traffic import Scenario

    scenario = Scenario(
        seed=seed,
        items=items,
        makers=makers,
        days=days,
        attack_rate=attack_rate,
        start=start.replace(tzinfo=UTC),
        rates=Rates(consumer=scan_rate),
        noise=SILENCE if quiet else Noise(),
    )
    files = SimulationFiles(out_file, truth_file or out_file.with_suffix(".truth.ndjson"))
    columns = (
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("packs"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=items)
        counts = write_simulation(
            scenario,
            files,
            processes=os.cpu_count() or 1,
            progress=lambda packs: bar.advance(task, packs),
        )
    if as_json:
        paths = {
            name: str(getattr(files, name))
            for name in ("scans", "truth", "trust", "roots", "batches")
        }
        print_json({"seed": seed, "counts": counts, "files": paths})
        return
    attacks = ", ".join(f"{number} {family}" for family, number in counts.attacks.items())
    out.print(f"{counts.scans:,} scans of {items:,} packs in {counts.batches:,} batches")
    out.print(f"attacks: {attacks or 'none'}")
    out.print(f"scans    {files.scans}\ntruth    {files.truth}\ntrust    {files.trust}")
    out.print(f"roots    {files.roots}\nbatches  {files.batches}")
