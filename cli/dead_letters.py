"""`touchstone dead-letters`: records that could not be processed. Nothing is thrown away."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import fail, out, print_json
from cli.data import DataFolder

if TYPE_CHECKING:
    from ledger.administration import LedgerAdministration

Data = Annotated[Path | None, typer.Option(help="Data folder of the installation.")]

letters_app = typer.Typer(
    help="Records that could not be processed: nothing is thrown away.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add `dead-letters`."""
    app.add_typer(letters_app, name="dead-letters")


@letters_app.command("list")
def list_dead_letters(
    data: Data = None,
    after: Annotated[int, typer.Option(help="Only those with a higher number.")] = 0,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what could not be processed, and why.

    Example: [bold]touchstone dead-letters list[/]
    """
    letters = _administration(data).dead_letters(after=after, limit=limit)
    for letter in letters:
        if as_json:
            print_json(
                {
                    "number": letter.number, "source": letter.source,
                    "position": letter.position, "reason": letter.reason,
                    "at": letter.at, "bytes": letter.bytes,
                }
            )  # fmt: skip
        else:
            out.print(
                f"{letter.number:>6}  {letter.bytes:>9,} bytes  {letter.reason}", markup=False
            )
    if not letters and not as_json:
        out.print("none")


@letters_app.command("show")
def show_dead_letter(
    number: Annotated[int, typer.Argument(help="As list shows it.")], data: Data = None
) -> None:
    """Write the bytes of one record to stdout, as they came.

    Example: [bold]touchstone dead-letters show 17 > record.bin[/]
    """
    letters = _administration(data).dead_letters(after=number - 1, limit=1)
    if not letters or letters[0].number != number:
        fail(f"there is no dead letter {number}", next_step="touchstone dead-letters list")
    sys.stdout.buffer.write(letters[0].raw)
    sys.stdout.buffer.flush()


def _administration(data: Path | None) -> "LedgerAdministration":
    from ledger.administration import LedgerAdministration
    from ledger.opening import migrate

    folder = DataFolder.find(data)
    if not folder.ledger.exists():
        fail(f"there is no ledger in {folder.root}", next_step="start the engine: touchstone up")
    migrate(folder.ledger)
    return LedgerAdministration(folder.ledger)
