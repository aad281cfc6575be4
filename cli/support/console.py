"""The output of the command: results on stdout, everything else on stderr.

Exit codes, the same for every command: 0 done, or a good answer; 1 a bad answer
(doubtful, differences found); 2 wrong use or refused input; 3 something outside
failed and trying again can help; 130 interrupted.
"""

import sys
from collections.abc import Callable, Iterable
from typing import NoReturn

import msgspec
import typer
from rich.console import Console

from authenticity.errors import TouchstoneError, UnavailableError

EXIT_BAD_ANSWER = 1
EXIT_WRONG_USE = 2
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON value on one line of stdout, flushed, so that a pipe sees it at once."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def write_lines(lines: Iterable[bytes]) -> None:
    """Each line on stdout, with its end, flushed once."""
    write = sys.stdout.buffer.write
    for line in lines:
        write(line + b"\n")
    sys.stdout.buffer.flush()


def fail(message: str, *, next_step: str = "", code: int = EXIT_WRONG_USE) -> NoReturn:
    """Say what went wrong and what to do next on stderr, and end."""
    err.print("[bold red]error:[/] ", end="")
    err.print(message, markup=False)
    if next_step:
        err.print("[bold]next:[/]  ", end="")
        err.print(next_step, markup=False)
    raise typer.Exit(code)


def exit_with_translated_errors(command: Callable[[], None]) -> int:
    """Run `command`; print our errors, and return the exit code that fits them or Ctrl-C."""
    try:
        command()
    except TouchstoneError as error:
        code = EXIT_UNAVAILABLE if isinstance(error, UnavailableError) else EXIT_WRONG_USE
        try:
            fail(str(error), next_step=error.next_step, code=code)
        except typer.Exit as ended:
            return ended.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return 0
