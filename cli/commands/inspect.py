"""`touchstone inspect`: what the text of a code says, without asking who signed it."""

import sys
from typing import Annotated

import typer

from cli.support.console import EXIT_BAD_ANSWER, print_json
from cli.support.input_lines import lines_of


def register(app: typer.Typer) -> None:
    """Add `inspect`."""
    app.command()(inspect)


def inspect(
    text: Annotated[
        str,
        typer.Argument(metavar="TEXT", help="The code, or - for one code a line on stdin."),
    ],
) -> None:
    """Read a code strictly and print its parts as JSON. No signature is checked.

    Takes a GS1 Digital Link URI, a GS1 element string (FNC1 as the control
    character GS, or after a symbology identifier such as ]d2), or the form in
    round brackets. With -, prints one object for every line, in order.

    Prints the keys ais, order, item, canonical, form and host; for a refused text
    error (the name of the fault), detail (in words) and offset (the character).
    Ends with 1 if any text was refused.

    Example: touchstone inspect "(01)09520123456788(21)AB2"

    Example: touchstone inspect - < codes.txt
    """
    if text != "-":
        described = _describe(text)
        print_json(described)
        refused = "error" in described
    else:
        refused = False
        for line in lines_of(sys.stdin.buffer):
            described = _describe_bytes(line)
            print_json(described)
            refused |= "error" in described
    if refused:
        raise typer.Exit(EXIT_BAD_ANSWER)


def _describe(text: str) -> dict[str, object]:
    from authenticity.errors import CodeError
    from authenticity.gs1.code import read_code

    try:
        code = read_code(text)
    except CodeError as error:
        return _refusal(error.fault, str(error), error.offset)
    return {
        "ais": dict(code.ais),
        "order": [ai for ai, _ in code.ais],
        "item": code.item,
        "canonical": code.canonical,
        "form": code.form,
        "host": code.host,
    }


def _describe_bytes(line: bytes) -> dict[str, object]:
    """As `_describe`; bytes that are no text are refused like any other non-code."""
    from authenticity.errors import CodeFault

    try:
        return _describe(line.decode())
    except UnicodeDecodeError as error:
        offset = len(line[: error.start].decode())
        return _refusal(CodeFault.BAD_CHARACTER, "these bytes are not UTF-8", offset)


def _refusal(fault: str, detail: str, offset: int) -> dict[str, object]:
    return {"error": fault, "detail": detail, "offset": offset}
