"""Recorded scans: the options that go with them, and the files that stand beside them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from authenticity.records.batch_registry import BatchRegistry
from cli.support.console import fail, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement
    from authenticity.trust.trust_list import TrustList

MOST_REFUSALS_SHOWN = 10

TrustListFile = Annotated[
    Path | None,
    typer.Option("--trust-list", help="Default: beside the scans, as simulate writes it."),
]
RootsFile = Annotated[Path | None, typer.Option(help="Root keys that vouch for the trust list.")]
BatchesFile = Annotated[
    Path | None,
    typer.Option(help="Batch statements, one a line. Default: beside the scans, if there."),
]


def recorded_beside(
    scans: str, trust_list: Path | None, roots: Path | None, batches: Path | None
) -> tuple["TrustList", BatchRegistry]:
    """The trust list and the batches to check these scans against: those named, else those that
    stand beside the file."""
    from cli.support.trust_list import load_trust_list
    from producers.issuing.declarations import read_statements

    stem = None if scans == "-" else Path(scans).with_suffix("")
    trust_path = trust_list or (stem and stem.with_suffix(".trust.json"))
    if trust_path is None:
        fail("no trust list", next_step="say which with --trust-list FILE")
    batches_path = batches or (stem and stem.with_suffix(".batches.ndjson"))
    if batches is None and batches_path and not batches_path.exists():
        batches_path = None
    believed = load_trust_list(trust_path, roots, datetime.now(UTC))
    statements = read_statements(batches_path) if batches_path else []
    return believed, BatchRegistry(_believed_batches(statements, believed))


def _believed_batches(
    statements: "Sequence[BatchStatement]", trust_list: "TrustList"
) -> "Iterator[Batch]":
    """The batches that stand, as an engine would have them; unsigned ones of files that 0.1.0
    wrote too, with a warning, where no signed statement is about the same batch."""
    from authenticity.errors import BatchError
    from authenticity.records.batch_statement import check_statement
    from ledger.batch_cache import standing_after

    believed: list[BatchStatement] = []
    refused: list[BatchError] = []
    for each in statements:
        try:
            believed.append(check_statement(each, trust_list) if each.is_signed else each)
        except BatchError as error:
            refused.append(error)
    stand = standing_after({}, believed).changed
    if unsigned := sum(not each.is_signed for each in stand):
        warn(f"{unsigned:,} batches are not signed: taken as they are, which no engine does")
    if refused:
        warn(f"{len(refused):,} batch statements are left out, the first: {refused[0]}")
    return (each.batch for each in stand)
