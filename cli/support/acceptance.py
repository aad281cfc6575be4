"""Whether the engine takes a statement: asked before it is published, and told after."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from authenticity.errors import BatchError, TouchstoneError, UnlistedSignerError
from cli.support.console import EXIT_UNAVAILABLE, EXIT_WRONG_USE, fail, warn
from cli.support.standing_statements import IncompleteList, StandingStatements

if TYPE_CHECKING:
    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement
    from authenticity.records.part_statement import SignedPart
    from authenticity.trust.trust_list import TrustList
    from keys.keyring import KeyRecord

PUBLISH_LIST: Final = (
    "touchstone keys export-trust-list --out trust.jws, then touchstone trust publish trust.jws, "
    "then this command again"
)
_POLL_S: Final = 0.2
_SHOWN: Final = 3


class Registration(StrEnum):
    """What became of published statements, as far as this command can tell.

    `REGISTERED`: the engine holds them. `UNSEEN`: published, and no ledger is here to look at.
    `OUTRANKED`: the engine holds another statement before one of them. `INCOMPLETE`: a part of
    a serial list is missing. `PENDING`: published, not yet taken. `REFUSED`: not taken.
    """

    REGISTERED = "registered"
    UNSEEN = "published"
    OUTRANKED = "outranked"
    INCOMPLETE = "list-incomplete"
    PENDING = "pending"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why published statements do not all stand as published. `code`: the command's exit code,
    0 for a warning."""

    state: Registration
    reason: str
    next_step: str
    code: int = 0

    def tell(self) -> None:
        """On stderr; ends the command unless it is a warning."""
        if self.code:
            fail(self.reason, next_step=self.next_step, code=self.code)
        warn(self.reason, next_step=self.next_step)


def refuse_unlisted_key(
    issuer: str,
    key: "KeyRecord",
    gtin: str,
    standing: StandingStatements,
    keys: Path,
    *,
    wait_s: float,
    anyway: bool,
) -> None:
    """Refuse to sign with a key that verifiers and engines do not know yet, or for a product
    that they do not believe its issuer about: asked before anything is signed.

    The list is that of `refuse_what_no_engine_takes`. Raises `BatchError`; with `anyway`, or
    before the first list, it is a warning.
    """

    def refusal(trust_list: "TrustList") -> BatchError | None:
        holder = trust_list.issuer_of(gtin)
        if holder is not None and holder.id == issuer and trust_list.lists(holder.id, key.public):
            return None
        listed = holder is not None and holder.id == issuer
        what = (
            f"the key in slot {key.slot} of {issuer}" if listed else f"{issuer} as holder of {gtin}"
        )
        return UnlistedSignerError(
            f"trust list {trust_list.version} lacks {what}, so what is signed now is doubted "
            "wherever that list is in force, and no engine registers its batch",
            next_step=PUBLISH_LIST,
        )

    refused = _refused_by_list(refusal, standing, keys, 0 if anyway else wait_s)
    if refused is None:
        return
    if isinstance(refused, _NoListError) or anyway:
        warn(str(refused), next_step=refused.next_step)
        return
    raise BatchError(
        str(refused),
        next_step=f"{refused.next_step}; or sign all the same with --before-publication",
    )


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
    engine gets `wait_s` to take it. Raises `BatchError`; with `anyway` it is a warning, if a
    later list could help.
    """
    from authenticity.records.batch_statement import check_content

    for each in found:
        check_content(each)
    refused = _refused_by_list(
        lambda trust_list: _refusal(found, parts(), trust_list),
        standing,
        keys,
        0 if anyway else wait_s,
    )
    if refused is None:
        return
    if isinstance(refused, _NoListError):
        warn(str(refused), next_step=refused.next_step)
        return
    reason = f"the engine would not take this: {refused}"
    if not isinstance(refused, UnlistedSignerError):
        raise BatchError(reason, next_step=refused.next_step)
    if anyway:
        warn(reason, next_step=refused.next_step)
        return
    raise BatchError(
        reason,
        next_step=f"{refused.next_step}: {PUBLISH_LIST}; or publish all the same with "
        "--before-publication",
    )


class _NoListError(BatchError):
    """No trust list is in force or exported."""


def _refused_by_list(
    refusal: "Callable[[TrustList], BatchError | None]",
    standing: StandingStatements,
    keys: Path,
    wait_s: float,
) -> BatchError | None:
    """What `refusal` says under the list in force, else under the one exported last, once a
    list that is on its way has had `wait_s`; None if it is nothing."""
    exported = _exported(keys)
    deadline = time.monotonic() + wait_s
    while True:
        in_force = _in_force(standing)
        trust_list = in_force or exported
        if trust_list is None:
            return _NoListError(
                "no trust list has been exported yet, or is in force, so nobody can verify what is "
                "signed now, and no engine takes a statement",
                next_step=PUBLISH_LIST,
            )
        refused = refusal(trust_list)
        if refused is None:
            return None
        on_its_way = (
            exported is not None
            and in_force is not None
            and (exported.version > in_force.version and not refusal(exported))
        )
        if not on_its_way or time.monotonic() >= deadline:
            return refused
        time.sleep(_POLL_S)


def tell_outcome(
    found: "Sequence[BatchStatement]",
    standing: StandingStatements,
    wait_s: float,
    again: str,
    show: "Callable[[Batch], None]",
    *,
    lists: bool = False,
) -> None:
    """Wait for the engine, and say what stands: `show` each batch. Ends the command with an
    error if a statement was refused, or is not taken yet, or, where serial `lists` were
    published too, if a part of one is missing."""
    shown, problems = what_stands(found, standing, wait_s, again, lists=lists)
    for batch in shown:
        show(batch)
    for problem in problems:
        problem.tell()


def what_stands(
    found: "Sequence[BatchStatement]",
    standing: StandingStatements,
    wait_s: float,
    again: str,
    *,
    lists: bool,
) -> "tuple[Sequence[Batch], Sequence[Problem]]":
    """The batches that stand with the engine after `wait_s`, and why others do not; warnings
    come first. `again` is the command that published these."""
    outcome = standing.outcome(found, wait_s)
    if outcome is None:
        problem = Problem(
            Registration.UNSEEN,
            "published; whether the engine takes it cannot be seen from here: there is no ledger "
            f"in {standing.where.root}, or it cannot be read",
            "touchstone batches list, where the engine runs",
        )
        return [each.batch for each in found], [problem]
    problems = [
        Problem(
            Registration.OUTRANKED, _outranked(*each), f"{again} --sign-again, to state it anew"
        )
        for each in outcome.outranked
    ]
    problems += [_incomplete(each, again, EXIT_UNAVAILABLE * lists) for each in outcome.incomplete]
    problems.sort(key=lambda each: each.code)
    if outcome.refused:
        ids = _named([each for each, _ in outcome.refused])
        reason, _, step = outcome.refused[0][1].partition(" (next: ")
        first = f"{step.removesuffix(')')}; then: " if step else ""
        reason = f"the engine refused {ids}: {reason}"
        problems.append(Problem(Registration.REFUSED, reason, f"{first}{again}", EXIT_WRONG_USE))
    if outcome.pending:
        problem = Problem(
            Registration.PENDING,
            f"published; not yet taken by the engine: {_named(outcome.pending)}",
            "see that the engine runs (touchstone up), and `touchstone batches list`; repeating "
            f"this does no harm: {again}",
            EXIT_UNAVAILABLE,
        )
        problems.append(problem)
    shown = [each.batch for each in outcome.taken]
    return [*shown, *(stands.batch for _, stands in outcome.outranked)], problems


def _incomplete(found: "IncompleteList", again: str, code: int) -> Problem:
    batch = found.batch
    register = again.removesuffix(" --sign-again") if code else "touchstone batches register DIR"
    return Problem(
        Registration.INCOMPLETE,
        f"{found.held:,} of {batch.parts:,} parts of the serial list of batch {batch.batch_id} are "
        "with the engine; packs of the missing ones read `caution`",
        f"{register}, once the engine runs. If that ends in the same, another part by the same key "
        f"is in the way: `touchstone keys rotate {batch.issuer}`, export and publish the trust "
        f"list, then {register} --sign-again",
        code,
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
