"""Recorded scans: the options that go with them, and the files that stand beside them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from authenticity.records.batch_registry import BatchRegistry
from cli.support.console import fail

if TYPE_CHECKING:
    from authenticity.trust.trust_list import TrustList

MOST_REFUSALS_SHOWN = 10

TrustListFile = Annotated[
    Path | None,
    typer.Option("--trust-list", help="Default: beside the scans, as simulate writes it."),
]
RootsFile = Annotated[Path | None, typer.Option(help="Root keys that vouch for the trust list.")]
BatchesFile = Annotated[
    Path | None, typer.Option(help="NDJSON of batch headers. Default: beside the scans, if there.")
]


def recorded_beside(
    scans: str, trust_list: Path | None, roots: Path | None, batches: Path | None
) -> tuple["TrustList", BatchRegistry]:
    """The trust list and the batches to check these scans against: those named, else those that
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
