"""A progress bar on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.support.console import err


@contextmanager
def progress(total: int, word: str, *, silent: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if somebody is watching; the function takes how many are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = silent or not err.is_terminal
    with Progress(*columns, console=err, disable=hidden, transient=True) as bar:
        task = bar.add_task(word, total=total)
        yield lambda done: bar.update(task, completed=done)
