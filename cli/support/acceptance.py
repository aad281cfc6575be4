"""Whether the engine takes a statement: asked before it is published, and told after."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from authenticity.errors import BatchError, TouchstoneError
from cli.support.console import EXIT_UNAVAILABLE, fail, warn
from cli.support.standing_statements import StandingStatements

if TYPE_CHECKING:
    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement
    from authenticity.records.part_statement import SignedPart
    from authenticity.trust.trust_list import TrustList

PUBLISH_LIST: Final = (
    "touchstone keys export-trust-list --out trust.jws, then touchstone trust publish trust.jws, "
    "then this command again"
)
_POLL_S: Final = 0.2
_SHOWN: Final = 3


def refuse_what_no_engine_takes(
    found: "Sequence[BatchStatement]",
    standing: StandingStatements,
    keys: Path,
    *,
    wait_s: float,
    anyway: bool,
    parts: "Callable[[], Iterable[SignedPart]]" = tuple,
) -> None:
    """Refuse statements, and parts of serial lists, that the engine would make dead letters of,
    by its own check. `parts` gives the same ones at each call.

    It is made under the trust list in force, or, where no ledger says which that is, under the
    one that the key store exported last. A list that was exported later may be on its way: the
    engine gets `wait_s` to take it. Raises `BatchError`; with `anyway` it is a warning, unless
    no list would help.
    """
    from authenticity.records.batch_statement import check_content

    for each in found:
        check_content(each)
    exported = _exported(keys)
    deadline = time.monotonic() + wait_s
    while True:
        in_force = _in_force(standing)
        trust_list = in_force or exported
        if trust_list is None:
            warn("no trust list is in force or exported yet, so no engine takes this statement",
                 next_step=PUBLISH_LIST)  # fmt: skip
            return
        refusal = _refusal(found, parts(), trust_list)
        if refusal is None:
            return
        if exported is None or in_force is None or exported.version <= in_force.version:
            break
        if time.monotonic() >= deadline or _refusal(found, parts(), exported):
            break
        time.sleep(_POLL_S)
    reason = f"the engine would not take this under trust list {trust_list.version}: {refusal}"
    if anyway:
        warn(reason, next_step=refusal.next_step)
        return
    raise BatchError(
        reason,
        next_step=f"{refusal.next_step or PUBLISH_LIST}; or publish all the same with "
        "--before-publication",
    )


def tell_outcome(
    found: "Sequence[BatchStatement]",
    standing: StandingStatements,
    wait_s: float,
    again: str,
    show: "Callable[[Batch], None]",
) -> None:
    """Wait for the engine, and say what stands: `show` each batch. Ends the command with an
    error if a statement was refused, or is not taken yet."""
    outcome = standing.outcome(found, wait_s)
    if outcome is None:
        for each in found:
            show(each.batch)
        warn(
            "published; whether the engine takes it cannot be seen from here: there is no ledger "
            f"in {standing.where.root}, or it cannot be read",
            next_step="touchstone batches list, where the engine runs",
        )
        return
    for each in outcome.taken:
        show(each.batch)
    for each, stands in outcome.outranked:
        show(stands.batch)
        warn(_outranked(each, stands), next_step=f"{again} --sign-again, to state it anew")
    if outcome.refused:
        ids = _named([each for each, _ in outcome.refused])
        fail(f"the engine refused {ids}: {outcome.refused[0][1]}", next_step=f"then: {again}")
    if outcome.pending:
        fail(
            f"published; not yet taken by the engine: {_named(outcome.pending)}",
            next_step="see that the engine runs (touchstone up), and `touchstone batches list`; "
            f"repeating this does no harm: {again}",
            code=EXIT_UNAVAILABLE,
        )


def _outranked(statement: "BatchStatement", stands: "BatchStatement") -> str:
    batch, other = statement.batch, stands.batch
    return (
        f"batch {batch.batch_id} is unchanged: the engine holds revision {other.revision} by slot "
        f"{stands.key_slot} ({other.status}), which stands before revision {batch.revision} by "
        f"slot {statement.key_slot} ({batch.status})"
    )


def _named(statements: "Sequence[BatchStatement]") -> str:
    shown = ", ".join(each.batch.batch_id for each in statements[:_SHOWN])
    more = len(statements) - _SHOWN
    return f"batch {shown}" + (f" and {more:,} more" if more > 0 else "")


def _refusal(
    found: "Sequence[BatchStatement]", parts: "Iterable[SignedPart]", trust_list: "TrustList"
) -> BatchError | None:
    from authenticity.records.batch_statement import check_statement
    from authenticity.records.part_statement import check_part

    at = datetime.now(UTC)
    try:
        for each in found:
            check_statement(each, trust_list, at=at)
        for part in parts:
            check_part(part, trust_list, at=at)
    except BatchError as error:
        return error
    return None


def _in_force(standing: StandingStatements) -> "TrustList | None":
    """The list in the ledger, if the pinned roots vouch for it today."""
    from authenticity.trust.trust_list import read_trust_list
    from cli.support.trust_list import load_roots

    document = standing.trust_list()
    if document is None:
        return None
    try:
        return read_trust_list(document, load_roots(standing.where), at=datetime.now(UTC))
    except TouchstoneError:
        return None


def _exported(keys: Path) -> "TrustList | None":
    from keys.keyring import KEYRING_FILE
    from keys.store import KeyStore

    if not (keys / KEYRING_FILE).exists():
        return None
    try:
        return KeyStore(keys).exported_list(at=datetime.now(UTC))
    except TouchstoneError:
        return None
