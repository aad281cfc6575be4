"""`touchstone trust publish`: hand a new trust list to what is running."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from authenticity.trust.trust_list import read_trust_list
from cli.support.console import out
from cli.support.data import DataFolder
from cli.support.publishing import open_publisher
from cli.support.trust_list import load_roots, named_trust_list, read_trust_file

trust_app = typer.Typer(help="The trust list of a running installation.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add `trust`."""
    app.add_typer(trust_app, name="trust")


@trust_app.callback()
def _group() -> None:
    """Without it typer would make the only command the group itself."""


@trust_app.command("publish")
def publish_trust_list(
    file: Annotated[Path, typer.Argument(help="Signed trust list, as keys export writes it.")],
    data: Annotated[Path | None, typer.Option(help="Data folder of the installation.")] = None,
) -> None:
    """Hand a new trust list to the engine and the service; no restart is needed.

    Example: [bold]touchstone trust publish trust.jws[/]
    """
    from events.publisher import Record
    from events.topics import TRUST, TRUST_KEY

    folder = DataFolder.find(data)
    document = read_trust_file(file)
    with named_trust_list(file):
        trust_list = read_trust_list(document, load_roots(folder), at=datetime.now(UTC))
    publisher = open_publisher(folder)
    try:
        publisher.publish([Record(TRUST, TRUST_KEY, document)]).result(30)
    finally:
        publisher.close()
    out.print(f"published trust list version {trust_list.version}")
