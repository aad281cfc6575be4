"""`touchstone replay` and `touchstone export`: what is known in the end, as sorted NDJSON."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from authenticity.detection.policy import DEFAULT_POLICY, Policy
from authenticity.detection.policy_file import read_policy
from authenticity.errors import ConfigurationError
from authenticity.records.batch_registry import BatchRegistry
from cli.support.console import err, fail
from cli.support.data import DataFolder
from cli.support.ledgers import existing_ledger

if TYPE_CHECKING:
    from authenticity.trust.trust_list import TrustList
    from stream.replay import Replay

MOST_REFUSALS_SHOWN = 10

TrustListFile = Annotated[
    Path | None,
    typer.Option("--trust-list", help="Default: beside the scans, as simulate writes it."),
]
RootsFile = Annotated[Path | None, typer.Option(help="Root keys that vouch for the trust list.")]
BatchesFile = Annotated[
    Path | None, typer.Option(help="NDJSON of batch headers. Default: beside the scans, if there.")
]


def register(app: typer.Typer) -> None:
    """Add `replay` and `export`."""
    app.command()(replay)
    app.command()(export)


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
    _write(engine.final_lines())
    engine.close()
    _tell_refusals(engine)


def recorded_beside(
    scans: str, trust_list: Path | None, roots: Path | None, batches: Path | None
) -> tuple["TrustList", BatchRegistry]:
    """The trust list and the batches to judge these scans by: those named, else those that
    stand beside the file."""
    from cli.support.trust_list import load_trust_list
    from producers.issuing.declarations import read_batches

    stem = None if scans == "-" else Path(scans).with_suffix("")
    trust_path = trust_list or (stem and stem.with_suffix(".trust.json"))
    if trust_path is None:
        fail("no trust list", next_step="say which with --trust-list FILE")
    batches_path = batches or (stem and stem.with_suffix(".batches.ndjson"))
    if batches is None and batches_path and not batches_path.exists():
        batches_path = None
    believed = load_trust_list(trust_path, roots, datetime.now(UTC))
    return believed, BatchRegistry(read_batches(batches_path) if batches_path else ())


def export(
    data: Annotated[Path | None, typer.Option(help="Data folder of the installation.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy in TOML.")] = None,
) -> None:
    """Print the final standings and alerts of a ledger, its engine running or stopped.

    The same lines as [bold]touchstone replay[/] prints for the same scans.

    Example: [bold]touchstone export --data ./touchstone-data > state.ndjson[/]
    """
    from ledger.administration import Snapshot
    from stream.export import lines_of

    folder = DataFolder.find(data)
    chosen = policy_in_force(folder, policy)
    with Snapshot(existing_ledger(folder)) as ledger:
        _write(lines_of(ledger.alerts(), ledger.histories(), ledger.batch_registry(), chosen))


def policy_in_force(folder: DataFolder, given: Path | None) -> Policy:
    """The policy of an installation, unless another file is given."""
    return load_policy(given or (folder.policy if folder.policy.exists() else None))


def load_policy(path: Path | None) -> Policy:
    """The policy in this file, or the default."""
    if path is None:
        return DEFAULT_POLICY
    try:
        return read_policy(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read the policy {path}: {error}",
            next_step="name a TOML file; `touchstone policy` prints one to begin with",
        ) from error


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
            raise ConfigurationError(f"cannot read the scans {scans}: {error}") from error
        yield _lines(file)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    for line in file:
        yield line.rstrip(b"\r\n")


def _write(lines: Iterable[bytes]) -> None:
    write = sys.stdout.buffer.write
    for line in lines:
        write(line + b"\n")
    sys.stdout.buffer.flush()


def _tell_refusals(engine: "Replay") -> None:
    if not engine.refused:
        return
    for number, reason in engine.refused[:MOST_REFUSALS_SHOWN]:
        err.print(f"line {number}: {reason}", markup=False)
    fail(
        f"{len(engine.refused):,} lines were no scans; {engine.scans:,} were folded",
        next_step="an engine would keep such lines as dead letters",
        code=1,
    )
