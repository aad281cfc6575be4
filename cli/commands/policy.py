"""`touchstone policy`: a policy, checked and printed whole."""

from pathlib import Path
from typing import Annotated

import typer

from cli.support.data import DataFolder
from cli.support.escaping import visible_json
from cli.support.policies import policy_in_force


def register(app: typer.Typer) -> None:
    """Add `policy`."""
    app.command()(policy)


def policy(
    file: Annotated[
        Path | None, typer.Argument(help="Policy in TOML. Default: the one in force.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data folder of the installation.")
    ] = None,
) -> None:
    """Check a policy file and print the policy whole, with every default.

    Example: [bold]touchstone policy > policy.toml[/]  or  [bold]touchstone policy strict.toml[/]
    """
    from authenticity.detection.policy_file import write_policy

    typer.echo(visible_json(write_policy(policy_in_force(DataFolder.find(data), file))), nl=False)
