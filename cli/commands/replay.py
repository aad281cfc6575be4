"""`touchstone replay`: the final state that recorded scans lead to, as sorted NDJSON."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from authenticity.errors import ConfigurationError
from cli.support.console import err, fail, write_lines
from cli.support.policies import load_policy
from cli.support.recorded_scans import (
    MOST_REFUSALS_SHOWN,
    BatchesFile,
    RootsFile,
    TrustListFile,
    recorded_beside,
)

if TYPE_CHECKING:
    from stream.replay import Replay


def register(app: typer.Typer) -> None:
    """Add `replay`."""
    app.command()(replay)


def replay(
    scans: Annotated[str, typer.Argument(help="NDJSON, one scan a line; - reads stdin.")],
    trust_list: TrustListFile = None,
    roots: RootsFile = None,
    batches: BatchesFile = None,
    policy: Annotated[Path | None, typer.Option(help="Policy in TOML.")] = None,
) -> None:
    """Fold recorded scans in memory and print the final standings and alerts.

    The reference that every engine must equal, byte for byte. The order of the lines,
    and lines that stand twice, change nothing.

    Example: [bold]touchstone simulate --seed 1 --items 1000 --out scans.ndjson
    && touchstone replay scans.ndjson[/]

    Exit code 0, or 1 if some lines were no scans (they are named on stderr).
    """
    from stream.replay import Replay

    believed, batch_registry = recorded_beside(scans, trust_list, roots, batches)
    engine = Replay(believed, batch_registry, load_policy(policy))
    with _opened(scans) as lines:
        engine.feed(enumerate(lines, 1))
    write_lines(engine.final_lines())
    engine.close()
    _print_refusals(engine)


@contextmanager
def _opened(scans: str) -> Iterator[Iterable[bytes]]:
    """The lines of a file, with a progress bar on a terminal, or of stdin."""
    if scans == "-":
        yield _lines(sys.stdin.buffer)
        return
    from rich.progress import open as open_with_progress

    with ExitStack() as stack:
        try:
            file: BinaryIO = stack.enter_context(
                open_with_progress(
                    scans, "rb", description="folding", console=err, disable=not err.is_terminal
                )
            )
        except OSError as error:
            raise ConfigurationError(
                f"cannot read the scans {scans}: {error.strerror}",
                next_step="name a file of recorded scans, one JSON object a line",
            ) from None
        yield _lines(file)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    for line in file:
        yield line.rstrip(b"\r\n")


def _print_refusals(engine: "Replay") -> None:
    if not engine.refused:
        return
    for number, reason in engine.refused[:MOST_REFUSALS_SHOWN]:
        err.print(f"line {number}: {reason}")
    fail(
        f"{len(engine.refused):,} lines were no scans; {engine.scans:,} were folded",
        next_step="an engine would keep such lines as dead letters",
        code=1,
    )
