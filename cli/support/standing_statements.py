"""What stands of a batch in the engine's ledger, before a statement is made and after it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from authenticity.errors import ConfigurationError, UnavailableError
from cli.support.console import warn
from cli.support.data import DataFolder
from cli.support.open_ledger import ledger_is_there, open_administration

if TYPE_CHECKING:
    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement
    from ledger.administration import LedgerAdministration

WAIT_S: Final = 10.0
"""How long a command waits for the engine, unless told otherwise."""
_POLL_S: Final = 0.2
_DEAD_LETTERS_AT_ONCE: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IncompleteList:
    """A batch, and how many parts of its serial list the ledger holds: not all that it names."""

    batch: "Batch"
    held: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of published statements.

    `taken`: the ledger holds them. `outranked`: with what stands in place of each. `refused`:
    with the engine's reason. `pending`: neither in the ledger nor refused when the wait ended.
    `incomplete`: taken, but parts of their serial lists are not here.
    """

    taken: "Sequence[BatchStatement]" = ()
    outranked: "Sequence[tuple[BatchStatement, BatchStatement]]" = ()
    refused: "Sequence[tuple[BatchStatement, str]]" = ()
    pending: "Sequence[BatchStatement]" = ()
    incomplete: "Sequence[IncompleteList]" = ()


@dataclass
class StandingStatements:
    """The ledger as a maker's command asks it. One that is not there, or cannot be read, knows
    nothing, and is no reason not to publish: the log takes a recall while a database is down.
    """

    where: DataFolder
    readable: bool = field(init=False)

    def __post_init__(self) -> None:
        self.readable = ledger_is_there(self.where)
        self._last_dead_letter = self._ask(lambda ledger: ledger.last_dead_letter()) or 0

    def of(self, issuer: str, batch_id: str) -> "BatchStatement | None":
        """What stands of this batch; None if nothing does, or nobody can tell."""
        return self._ask(lambda ledger: ledger.statement(issuer, batch_id))

    def trust_list(self) -> bytes | None:
        """The document of the trust list in force; None as above."""
        return self._ask(lambda ledger: ledger.trust_list())

    def outcome(self, found: "Sequence[BatchStatement]", wait_s: float) -> Outcome | None:
        """What became of these, which were published after this was made, within so many
        seconds. None if nobody can tell."""
        return self._ask(lambda ledger: self._wait_for(ledger, found, wait_s))

    def _wait_for(
        self, ledger: "LedgerAdministration", found: "Sequence[BatchStatement]", wait_s: float
    ) -> Outcome:
        deadline = time.monotonic() + wait_s
        pending, outcome = list(found), Outcome()
        while True:
            outcome, pending = _seen(ledger, pending, outcome)
            if pending:
                outcome, pending = self._without_refused(ledger, pending, outcome)
            incomplete = () if pending else _incomplete(ledger, outcome)
            if not (pending or incomplete) or time.monotonic() >= deadline:
                return replace(outcome, pending=pending, incomplete=incomplete)
            time.sleep(_POLL_S)

    def _without_refused(
        self, ledger: "LedgerAdministration", pending: "list[BatchStatement]", outcome: Outcome
    ) -> "tuple[Outcome, list[BatchStatement]]":
        """Only dead letters in a ledger are seen: those of workers on Kafka are on a topic."""
        from authenticity.records.dead_letter import kept_bytes

        reasons: dict[bytes, str] = {}
        while letters := ledger.dead_letters(
            after=self._last_dead_letter, limit=_DEAD_LETTERS_AT_ONCE
        ):
            self._last_dead_letter = letters[-1].number
            reasons |= {kept_bytes(each.dead_letter): each.dead_letter.reason for each in letters}
        refused = [(each, reasons[each.raw]) for each in pending if each.raw in reasons]
        rest = [each for each in pending if each.raw not in reasons]
        return Outcome(outcome.taken, outcome.outranked, [*outcome.refused, *refused]), rest

    def _ask(self, question: "Callable[[LedgerAdministration], T]") -> T | None:
        if not self.readable:
            return None
        try:
            with open_administration(self.where) as ledger:
                return question(ledger)
        except (ConfigurationError, UnavailableError) as error:
            self.readable = False
            warn(f"what the engine holds cannot be read: {error}", next_step=error.next_step)
            return None


def _incomplete(ledger: "LedgerAdministration", outcome: Outcome) -> list[IncompleteList]:
    """Of what stands. On Kafka parts may come after their header."""
    stand = [each.batch for each in outcome.taken if each.batch.parts]
    held = [(batch, ledger.parts_held(batch)) for batch in stand]
    return [IncompleteList(batch, count) for batch, count in held if count < batch.parts]


def _seen(
    ledger: "LedgerAdministration", pending: "Sequence[BatchStatement]", outcome: Outcome
) -> "tuple[Outcome, list[BatchStatement]]":
    """With those that the ledger holds, or something later in their place; and the rest. The
    log is in order: after the first that is not there the others are not asked about."""
    from authenticity.records.batch_statement import later_statement

    taken, outranked = list(outcome.taken), list(outcome.outranked)
    for number, each in enumerate(pending):
        stands = ledger.statement(each.batch.issuer, each.batch.batch_id)
        if stands is None or later_statement(stands, each) != stands:
            return Outcome(taken, outranked, outcome.refused), list(pending[number:])
        if (stands.batch, stands.key_slot) == (each.batch, each.key_slot):
            taken.append(each)
        else:
            outranked.append((each, stands))
    return Outcome(taken, outranked, outcome.refused), []
