"""`touchstone migrate`: the ledger's tables, and who may do what with them."""

from pathlib import Path
from typing import Annotated

import typer

from authenticity.errors import ConfigurationError
from cli.support.console import out
from cli.support.data import DataFolder


def register(app: typer.Typer) -> None:
    """Add `migrate`."""
    app.command()(migrate)


def migrate(
    data: Annotated[Path | None, typer.Option(help="Data folder of the installation.")] = None,
    print_grants: Annotated[
        bool, typer.Option("--print-grants", help="Print SQL for the roles instead.")
    ] = False,
    grant: Annotated[
        bool, typer.Option("--grant", help="Then run that SQL: the roles must be there.")
    ] = False,
    forget_secret: Annotated[
        bool,
        typer.Option(
            "--forget-secret",
            help="Then let the next service begin with another secret: the old one is lost.",
        ),
    ] = False,
    worker_role: Annotated[
        str, typer.Option(help="For grants: the role of the workers.")
    ] = "touchstone_worker",
    api_role: Annotated[
        str, typer.Option(help="For grants: the role of the service.")
    ] = "touchstone_api",
) -> None:
    """Bring the ledger's tables up to date, and end. It may run again, and several at once.

    For a ledger in PostgreSQL, TOUCHSTONE_LEDGER names the database, which must be there,
    and a user who may make tables in it: their owner from then on.

    Example: [bold]TOUCHSTONE_LEDGER=postgresql://owner@db:5432/touchstone touchstone migrate[/]

    Workers and service need less. [bold]--grant[/] gives their roles what they need, and
    no more; to read it first, or to have somebody else run it:
    [bold]touchstone migrate --print-grants | psql -d touchstone[/]

    The ledger knows which secret its scans were recorded under, and no service starts with
    another. [bold]--forget-secret[/] is for one that is lost: end all services first. People
    who scanned before will count twice.
    """
    if print_grants:
        from ledger.postgres.grants import grants

        for statement in grants(worker=worker_role, api=api_role):
            out.print(statement)
        return
    from ledger.opening import migrate as bring_up_to_date

    folder = DataFolder.find(data)
    folder.make_databases_private()
    ledger = folder.ledger
    revision = bring_up_to_date(ledger)
    out.print(f"{ledger}: up to date (revision {revision})")
    if grant:
        from ledger.postgres.grants import grant as run_grants

        if isinstance(ledger, Path):
            raise ConfigurationError(
                "a ledger in a file has no roles", next_step="leave out --grant"
            )
        run_grants(ledger, worker=worker_role, api=api_role)
        out.print(f"{ledger}: granted to {worker_role} and {api_role}")
    if forget_secret:
        from ledger.installation import forget_secret as forget

        known = forget(ledger)
        out.print(f"{ledger}: {'its secret is forgotten' if known else 'it knew of no secret'}")
