"""`touchstone export`: the final state of a ledger, as sorted NDJSON."""

from pathlib import Path
from typing import Annotated

import typer

from cli.support.console import write_lines
from cli.support.data import DataFolder
from cli.support.open_ledger import existing_ledger
from cli.support.policies import policy_in_force


def register(app: typer.Typer) -> None:
    """Add `export`."""
    app.command()(export)


def export(
    data: Annotated[Path | None, typer.Option(help="Data folder of the installation.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy in TOML.")] = None,
) -> None:
    """Print the final standings and alerts of a ledger, its engine running or stopped.

    The same lines as [bold]touchstone replay[/] prints for the same scans.

    Example: [bold]touchstone export --data ./touchstone-data > state.ndjson[/]
    """
    from ledger.administration import Snapshot
    from stream.export import lines_of

    folder = DataFolder.find(data)
    chosen = policy_in_force(folder, policy)
    with Snapshot(existing_ledger(folder)) as ledger:
        write_lines(lines_of(ledger.alerts(), ledger.histories(), ledger.batch_registry(), chosen))
