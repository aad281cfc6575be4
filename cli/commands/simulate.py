"""`touchstone simulate`: traffic with ground truth, from a seed."""

import os
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.support.checkout import require_checkout
from cli.support.console import err, out, print_json

if TYPE_CHECKING:
    from simulation.files import SimulationCounts, SimulationFiles
    from simulation.traffic import Scenario
    from simulation.world_record import WorldRecord


class WorldName(StrEnum):
    """The names of `simulation.presets`: what decides everything that no option names."""

    SMALL = "small"
    BENCHMARK = "benchmark"
    DRAWN = "drawn"
    LOOK_AGAIN = "look-again"
    TUNNELS = "tunnels"
    WEEKLY = "weekly"
    BARE = "bare"
    FRESH_SESSIONS = "fresh-sessions"
    SINGLE_LOOKS = "single-looks"
    AID = "aid"
    BORDER = "border"
    ONE_GATEWAY = "one-gateway"
    COLLECTABLES = "collectables"


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
    world: Annotated[
        WorldName, typer.Option("--world", help="The defaults of what follows; see above.")
    ] = WorldName.SMALL,
    makers: Annotated[
        int | None, typer.Option("--makers", min=1, max=100, help="Ed25519 and P-256 in turn.")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help="Days of sale.")
    ] = None,
    attack_rate: Annotated[
        float | None, typer.Option("--attack-rate", min=0, max=1, help="Attacks for each pack.")
    ] = None,
    families: Annotated[
        list[str] | None,
        typer.Option("--family", help="Only attacks of this family; may be repeated."),
    ] = None,
    scan_rate: Annotated[
        float | None,
        typer.Option("--scan-rate", min=0, max=1, help="Share of packs a consumer scans."),
    ] = None,
    read_miss: Annotated[
        float | None,
        typer.Option("--read-miss", min=0, max=1, help="Of every partner's reader."),
    ] = None,
    start: Annotated[
        datetime, typer.Option("--start", formats=["%Y-%m-%d"], help="First day, UTC.")
    ] = datetime(2026, 1, 1),  # noqa: DTZ001 - made UTC below; the command line has no zone
    quiet: Annotated[bool, typer.Option("--no-noise", help="Right places, clocks, order.")] = False,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Scans and truth as Parquet too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Make scans of simulated packs, honest and attacked, with a truth file
    that labels each.

    Worlds, of which those from look-again on are kept out of every fit:

    \b
    [bold]small[/]           two makers, 30 days, many attacks
    [bold]benchmark[/]       the world of the detection benchmark, always the same
    [bold]drawn[/]           another world for each seed, from wide priors
    [bold]look-again[/]      tunnels as in the benchmark; owners look when they please
    [bold]tunnels[/]         the same with 19 % of sessions behind tunnels
    [bold]weekly[/]          long-term medicine, one look a week for months
    [bold]bare[/]            no partner shares readings, 10 % GPS
    [bold]fresh-sessions[/]  a new session at every scan
    [bold]single-looks[/]    hardly any second look at a pack
    [bold]aid[/]             an aid programme: one nurse's phone scans hundreds of packs
    [bold]border[/]          phones flip between two countries' carriers
    [bold]one-gateway[/]     a country's phones share the networks of one city
    [bold]collectables[/]    packs are sold on and on, and shown in offers

    Beside the scans stand the records of the attacks, what a replay needs (the
    trust list, its roots, the batches), and the settings of the world. The makers
    are made up and their keys follow from the seed: never trust them elsewhere.

    Example: [bold]touchstone simulate --items 10000 --seed 7 --out scans.ndjson[/]
    then [bold]touchstone replay scans.ndjson[/]
    """
    require_checkout("simulation", "touchstone simulate", instead=".venv/bin/touchstone simulate")
    from datetime import UTC

    from simulation.files import SimulationFiles
    from simulation.noise import SILENCE
    from simulation.world_record import world_record

    parquet = parquet or out_file.suffix == ".parquet"
    if out_file.suffix == ".parquet":
        out_file = out_file.with_suffix(".ndjson")
    scenario = replace(
        _scenario(world, seed, items, families, scan_rate, read_miss),
        start=start.replace(tzinfo=UTC),
        **_given(makers=makers, days=days, attack_rate=attack_rate),
    )
    if quiet:
        scenario = replace(scenario, noise=SILENCE)
    files = SimulationFiles(out_file, truth_file or out_file.with_suffix(".truth.ndjson"))
    record = world_record(world, scenario, is_drawn=world is WorldName.DRAWN)
    counts = _write(scenario, files, record)
    paths = _paths(files, parquet=parquet)
    if as_json:
        print_json({"seed": seed, "counts": counts, "files": paths, "drawn": record.drawn})
        return
    for path, value in record.drawn.items():
        out.print(f"{path:38} {value}")
    out.print(f"{counts.scans:,} scans of {items:,} packs in {counts.batches:,} batches")
    out.print("attacks, and those that left a scan: " + (_attack_summary(counts) or "none"))
    for name, file in paths.items():
        out.print(f"{name.replace('_', ' '):13} {file}")


def _write(
    scenario: "Scenario", files: "SimulationFiles", record: "WorldRecord"
) -> "SimulationCounts":
    """On all processors, with a bar on a terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from simulation.files import simulate as write_simulation

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("packs"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=scenario.items)
        return write_simulation(
            scenario,
            files,
            world=record,
            processes=os.cpu_count() or 1,
            progress=lambda packs: bar.advance(task, packs),
        )


def _paths(files: "SimulationFiles", *, parquet: bool) -> dict[str, str]:
    """What was written, by name; with Parquet made of scans and truth where it is asked for."""
    names = ("scans", "truth", "attacks", "trust", "roots", "batches", "world")
    paths = {name: str(getattr(files, name)) for name in names}
    if parquet:
        from simulation.parquet import SCAN_SCHEMA, TRUTH_SCHEMA, as_parquet

        paths["scans_parquet"] = str(as_parquet(files.scans, SCAN_SCHEMA))
        paths["truth_parquet"] = str(as_parquet(files.truth, TRUTH_SCHEMA))
    return paths


def _scenario(
    world: WorldName,
    seed: int,
    items: int,
    families: list[str] | None,
    scan_rate: float | None,
    read_miss: float | None,
) -> "Scenario":
    """The preset, with what was asked for instead."""
    from simulation.attacks import FAMILIES, AttackFamily
    from simulation.chain import Chain
    from simulation.presets import scenario_named

    scenario = scenario_named(world, seed, items)
    if families:
        unknown = sorted(set(families) - set(FAMILIES))
        if unknown:
            known = ", ".join(FAMILIES)
            raise typer.BadParameter(f"{unknown[0]} is none of: {known}", param_hint="--family")
        scenario = replace(scenario, families=tuple(AttackFamily(name) for name in families))
    if scan_rate is not None:
        rates = replace(scenario.rates, consumer=scan_rate)
        scenario = replace(scenario, rates=rates, scan_rates=())
    if read_miss is not None:
        chain = replace(scenario.chain or Chain(), read_misses=(read_miss,))
        scenario = replace(scenario, chain=chain)
    return scenario


def _given(**options: Any) -> dict[str, Any]:
    """Those that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def _attack_summary(counts: "SimulationCounts") -> str:
    return ", ".join(
        f"{number} {family} ({counts.attacks.get(family, 0)})"
        for family, number in counts.launched.items()
    )
