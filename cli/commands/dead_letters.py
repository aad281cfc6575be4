"""`touchstone dead-letters`: records that could not be processed. Nothing is thrown away."""

from pathlib import Path
from typing import Annotated

import typer

from authenticity.errors import InputError
from cli.support.console import EXIT_BAD_ANSWER, err, out, print_json, write_record
from cli.support.data import DataFolder
from cli.support.dead_letter_sources import ListedDeadLetter, open_dead_letters
from cli.support.publishing import open_publisher

Data = Annotated[Path | None, typer.Option(help="Data folder of the installation.")]
_ACKNOWLEDGED_WITHIN_S = 60.0

dead_letters_app = typer.Typer(
    help="Records that could not be processed: nothing is thrown away.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add `dead-letters`."""
    app.add_typer(dead_letters_app, name="dead-letters")


@dead_letters_app.command("list")
def list_dead_letters(
    data: Data = None,
    after: Annotated[
        int, typer.Option(help="Only those with a higher number (embedded engine).")
    ] = 0,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what could not be processed, and why. Of those on Kafka, the newest.

    Example: [bold]touchstone dead-letters list[/]
    """
    with open_dead_letters(DataFolder.find(data)) as source:
        found = source.listed(after, limit)
    for listed in found:
        if as_json:
            print_json(
                {
                    "number": listed.number, "source": listed.source,
                    "position": listed.position, "reason": listed.reason,
                    "at": listed.at, "bytes": listed.bytes,
                }
            )  # fmt: skip
        else:
            out.print(f"{listed.number:>6}  {listed.bytes:>9,} bytes  {listed.reason}")
    if not found and not as_json:
        out.print("none")


@dead_letters_app.command("show")
def show_dead_letter(
    number: Annotated[str, typer.Argument(help="As list shows it.")], data: Data = None
) -> None:
    """Write the bytes of one record to stdout, as they came; to a terminal, escaped.

    Example: [bold]touchstone dead-letters show 17 > record.bin[/]
    """
    with open_dead_letters(DataFolder.find(data)) as source:
        _, raw = source.find(number)
    write_record(raw)


@dead_letters_app.command("republish")
def republish_dead_letters(
    numbers: Annotated[list[str], typer.Argument(help="As list shows them.")],
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a dead letter.")] = False,
) -> None:
    """Publish the bytes of dead letters again, once what stopped them is mended.

    Twice does no harm: the same scan, batch revision or trust list counts once. What
    this version still cannot read is left alone, with exit code 1.

    Example: [bold]touchstone dead-letters republish 17 18[/]
    """
    from events.republishing import record_again

    folder = DataFolder.find(data)
    refused = False
    publisher = open_publisher(folder)
    try:
        with open_dead_letters(folder) as source:
            for number in numbers:
                listed, raw = source.find(number)
                error: InputError | None = None
                try:
                    record = record_again(listed.topic, raw, listed.bytes)
                    publisher.publish([record]).result(_ACKNOWLEDGED_WITHIN_S)
                except InputError as refusal:
                    error, refused = refusal, True
                _print_republished(listed, error, as_json)
    finally:
        publisher.close()
    if refused:
        raise typer.Exit(EXIT_BAD_ANSWER)


def _print_republished(listed: ListedDeadLetter, error: InputError | None, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "number": listed.number, "published": error is None,
                "error": str(error) if error else None,
                "next_step": error.next_step if error else None,
            }
        )  # fmt: skip
    elif error is None:
        out.print(f"{listed.number:>6}  published on {listed.topic}")
    else:
        err.print(f"{listed.number:>6}  left alone: {error}", style="red")
