"""The output of the command: results on stdout, everything else on stderr.

Exit codes, the same for every command: 0 done, or a good answer; 1 a bad answer
(doubtful, differences found); 2 wrong use or refused input; 3 something outside
failed and trying again can help; 130 interrupted.
"""

import sys
import traceback
from collections.abc import Iterable
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column
from rich.text import Text
from typer.exceptions import TyperException
from typer.rich_utils import rich_abort_error, rich_format_error

from authenticity.errors import TouchstoneError, UnavailableError
from cli.support.escaping import visible, visible_json

EXIT_BAD_ANSWER = 1
EXIT_WRONG_USE = 2
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130


class SafeConsole(Console):
    """A console that shows what others wrote and obeys none of it.

    Every text, wherever it stands (a sentence, a cell of a table, a title), goes through
    `cli.support.escaping`. Markup and emoji codes are read only where a caller asks for it:
    `markup=True` is for texts that were written here.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(
            stderr=stderr, width=width, highlight=False, soft_wrap=True, markup=False, emoji=False
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """As Rich does, of the escaped text: its width is that of what is shown."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As Rich does; texts that were no strings before are escaped here."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text, lines=True), style, control)


def whole(header: str) -> Column:
    """A column of what other commands need, as ids: never cut, nor broken while it fits."""
    return Column(header, overflow="fold", no_wrap=True)


def folded(*headers: str) -> list[Column]:
    """Columns that give way to `whole` ones: their cells go on in the next line."""
    return [Column(header, overflow="fold") for header in headers]


def lines(*texts: str) -> Text:
    """A cell of several lines."""
    return Text("\n".join(visible(text) for text in texts))


out = SafeConsole()
err = SafeConsole(stderr=True)


def print_json(value: object) -> None:
    """One JSON value on one line of stdout, flushed, so that a pipe sees it at once."""
    sys.stdout.write(visible_json(msgspec.json.encode(value).decode()) + "\n")
    sys.stdout.flush()


def write_lines(lines: Iterable[bytes]) -> None:
    """Each line of JSON on stdout, with its end, flushed once."""
    write = sys.stdout.buffer.write
    for line in lines:
        plain = line.isascii() and b"\x7f" not in line
        write(line if plain else visible_json(line.decode()).encode())
        write(b"\n")
    sys.stdout.buffer.flush()


def write_record(raw: bytes) -> None:
    """Foreign bytes as they came, or, where a terminal would obey them, as escaped text."""
    if sys.stdout.isatty():
        sys.stdout.write(visible(raw.decode("utf-8", "backslashreplace")) + "\n")
        sys.stdout.flush()
        return
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()


def fail(message: str, *, next_step: str = "", code: int = EXIT_WRONG_USE) -> NoReturn:
    """Say what went wrong and what to do next on stderr, and end."""
    err.print("error: ", style="bold red", end="")
    err.print(message)
    if next_step:
        err.print("next:  ", style="bold", end="")
        err.print(next_step)
    raise typer.Exit(code)


def warn(message: str, *, next_step: str = "") -> None:
    """Say on stderr what may be wrong, and what to do about it; the command goes on."""
    err.print("warning: ", style="bold yellow", end="")
    err.print(message)
    if next_step:
        err.print("next:    ", style="bold", end="")
        err.print(next_step)


def exit_with_translated_errors(command: typer.Typer) -> int:
    """Run `command`; print errors, and return the exit code that fits them or Ctrl-C.

    What others wrote is escaped here too: in an error of usage, which repeats what stood on
    the command line, and in the traceback of a fault of ours.
    """
    try:
        ended = command(standalone_mode=False)
    except TyperException as error:
        shown = visible(error.format_message(), lines=True)
        error.format_message = lambda: shown  # type: ignore[method-assign]
        rich_format_error(error)  # type: ignore[arg-type]
        return error.exit_code
    except typer.Abort:
        rich_abort_error()
        return EXIT_BAD_ANSWER
    except TouchstoneError as error:
        code = EXIT_UNAVAILABLE if isinstance(error, UnavailableError) else EXIT_WRONG_USE
        try:
            fail(str(error), next_step=error.next_step, code=code)
        except typer.Exit as failed:
            return failed.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception:
        sys.stderr.write(visible(traceback.format_exc(), lines=True))
        return EXIT_BAD_ANSWER
    return ended if isinstance(ended, int) else 0
