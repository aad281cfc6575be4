"""Recorded scans: the options that go with them, and the files that stand beside them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from authenticity.records.batch_registry import BatchRegistry, Membership
from cli.support.console import fail, warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement
    from authenticity.records.part_statement import SignedPart
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
    from cli.support.trust_list import load_recorded_trust_list
    from producers.issuing.declarations import read_parts, read_statements

    stem = None if scans == "-" else Path(scans).with_suffix("")
    trust_path = trust_list or (stem and stem.with_suffix(".trust.json"))
    if trust_path is None:
        fail("no trust list", next_step="say which with --trust-list FILE")
    batches_path = batches or (stem and stem.with_suffix(".batches.ndjson"))
    if batches is None and batches_path and not batches_path.exists():
        batches_path = None
    believed = load_recorded_trust_list(trust_path, roots, datetime.now(UTC))
    statements = read_statements(batches_path) if batches_path else []
    registry = BatchRegistry(_believed_batches(statements, believed))
    if batches_path and registry.has_parts:
        registry = registry.answered_by(_believed_parts(read_parts(batches_path), believed))
    return believed, registry


def _believed_parts(parts: "Iterable[SignedPart]", trust_list: "TrustList") -> Membership:
    """What the parts of serial lists in a file say, as an engine would have it; all are held in
    memory, some 5 bytes a serial."""
    from authenticity.errors import BatchError
    from authenticity.records.part_statement import check_part, rank_of_part
    from ledger.part_cache import LazyMembership, PartCache

    kept: dict[tuple[str, str, int], SignedPart] = {}
    refused: list[BatchError] = []
    for part in parts:
        try:
            check_part(part, trust_list)
        except BatchError as error:
            refused.append(error)
            continue
        before = kept.setdefault(part.name[:3], part)
        if rank_of_part(before) < rank_of_part(part):
            kept[part.name[:3]] = part
    if refused:
        warn(f"{len(refused):,} parts of serial lists are left out, the first: {refused[0]}")

    def read(issuer: str, batch_id: str, numbers: "Sequence[int]") -> list[tuple[bytes, bytes]]:
        found = [kept.get((issuer, batch_id, number)) for number in numbers]
        return [(part.name.digest, part.part.serials) for part in found if part is not None]

    return LazyMembership(read, PartCache(most_bytes=0))


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
    return (batch for each in stand for batch in each.batches)
