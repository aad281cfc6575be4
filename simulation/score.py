"""Compares alerts with the truth: attacks caught and missed, and false alerts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from authenticity.detection.findings import FindingKind
from authenticity.gs1.item import ItemId
from simulation.attacks import COPYING, AttackFamily
from simulation.truth import Truth

_CLONE_EVIDENCE: Final = frozenset(
    {
        FindingKind.CLONE_SUSPECTED,
        FindingKind.CLONE_CONFIRMED,
        FindingKind.REUSED_AFTER_END,
        FindingKind.CAMPAIGN,
    }
)
_REFUSED: Final = frozenset({FindingKind.FORGED, FindingKind.UNSIGNED})
EVIDENCE_KINDS: Final[dict[AttackFamily, frozenset[FindingKind]]] = {
    **dict.fromkeys(COPYING, _CLONE_EVIDENCE),
    AttackFamily.COLLUDING: _CLONE_EVIDENCE | {FindingKind.COLLUDING},
    AttackFamily.FORGED: frozenset({FindingKind.FORGED}),
    AttackFamily.UNSIGNED: frozenset({FindingKind.UNSIGNED}),
    AttackFamily.STOLEN_KEY: frozenset({FindingKind.NEVER_ISSUED}),
    AttackFamily.GUESSING_FAST: _REFUSED | {FindingKind.PROBING},
    AttackFamily.GUESSING_SLOW: _REFUSED | {FindingKind.PROBING},
    AttackFamily.DIVERSION: frozenset({FindingKind.DIVERTED}),
    AttackFamily.RELABELLED: frozenset({FindingKind.WRONG_BATCH, FindingKind.WRONG_EXPIRY}),
    AttackFamily.POISONING: frozenset({FindingKind.POISONING}),
}
"""The finding kinds that count as evidence of each attack family."""


class Outcome(StrEnum):
    """What became of one attack, best first."""

    CAUGHT = "caught"
    NOTICED = "noticed"
    MISSED = "missed"
    NOT_DETECTABLE = "not-detectable"


@dataclass(slots=True)
class CodeRecord:
    """What the truth says of all scans of one code, gathered scan by scan."""

    attack: AttackFamily | None = None
    attack_id: str | None = None
    first_detectable_at: datetime | None = None
    oddities: set[str] = field(default_factory=set)

    def add(self, truth: Truth) -> None:
        """Add one line of the truth."""
        self.attack, self.attack_id = truth.attack, truth.attack_id
        self.first_detectable_at = truth.first_detectable_at
        self.oddities.update(truth.noise)
        self.oddities.add(truth.behaviour)


@dataclass(frozen=True, slots=True)
class Score:
    """`outcomes` counts attacks by family; `false_alerts` counts honest codes with an alert.

    `false_causes` counts the noise and the behaviour that those codes met.
    """

    outcomes: dict[AttackFamily, Counter[Outcome]]
    false_alerts: int
    false_kinds: Counter[str]
    false_causes: Counter[str]
    honest_codes: int

    def of(self, outcome: Outcome) -> int:
        """Attacks of every family with this outcome."""
        return sum(counted[outcome] for counted in self.outcomes.values())

    @property
    def attacks(self) -> int:
        """Attacks of every family."""
        return sum(counted.total() for counted in self.outcomes.values())


def gather(truths: Iterable[Truth]) -> dict[ItemId, CodeRecord]:
    """One record for each code that was scanned."""
    records: dict[ItemId, CodeRecord] = {}
    for truth in truths:
        records.setdefault(truth.item, CodeRecord()).add(truth)
    return records


def score(
    records: Mapping[ItemId, CodeRecord],
    alerts: Iterable[tuple[ItemId, str]],
    *,
    launched: Mapping[str, AttackFamily] = MappingProxyType({}),
    until: datetime | None = None,
) -> Score:
    """`alerts` are the standing ones, as (item, kind), in any order.

    `launched` names attacks, by id, that may not have left a scan. `until`: what was
    detectable only later counts as not detectable.

    An attack is *caught* by a finding that is evidence of its family, on any code that it
    concerns; *noticed* by another finding on such a code; *missed* if a perfect observer could
    have known of it; *not detectable* otherwise. An alert on text that
    names no code of the truth (a mangled one) is not counted.
    """
    kinds: dict[ItemId, set[str]] = {}
    for item, kind in alerts:
        kinds.setdefault(item, set()).add(kind)
    best = {name: (family, Outcome.NOT_DETECTABLE) for name, family in launched.items()}
    false_kinds: Counter[str] = Counter()
    false_causes: Counter[str] = Counter()
    false_alerts = honest = 0
    for item, record in records.items():
        found = kinds.get(item, set())
        if record.attack is None or record.attack_id is None:
            honest += 1
            if found:
                false_alerts += 1
                false_kinds.update(found)
                false_causes.update(record.oddities)
            continue
        outcome = _outcome(record, record.attack, found, until)
        _, known = best.get(record.attack_id, (record.attack, Outcome.NOT_DETECTABLE))
        best[record.attack_id] = (record.attack, min(outcome, known, key=_RANK.__getitem__))
    outcomes: dict[AttackFamily, Counter[Outcome]] = {}
    for family, outcome in best.values():
        outcomes.setdefault(family, Counter())[outcome] += 1
    return Score(outcomes, false_alerts, false_kinds, false_causes, honest)


_RANK: Final = {outcome: rank for rank, outcome in enumerate(Outcome)}


def _outcome(
    record: CodeRecord, family: AttackFamily, found: set[str], until: datetime | None
) -> Outcome:
    if found & EVIDENCE_KINDS[family]:
        return Outcome.CAUGHT
    if found:
        return Outcome.NOTICED
    known_at = record.first_detectable_at
    if known_at is None or (until is not None and known_at > until):
        return Outcome.NOT_DETECTABLE
    return Outcome.MISSED
