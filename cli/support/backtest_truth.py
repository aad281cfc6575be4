"""Recall and precision of a backtest's alerts, against the truth of a simulation."""

from collections.abc import Mapping
from dataclasses import dataclass

from authenticity.gs1.item import ItemId
from simulation.attacks import AttackFamily
from simulation.score import EVIDENCE_KINDS, CodeRecord, Outcome, score
from stream.backtest import AlertName, Course


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """Attacks of one family. `alerts` name this family's kind of attack, `right` of them are
    on codes (or batches, or scanners) that such an attack took hold of."""

    attacks: int
    caught: int
    noticed: int
    missed: int
    not_detectable: int
    alerts: int
    right: int

    @property
    def recall(self) -> float | None:
        """Share caught of the attacks that could be detected from the scans that arrived."""
        detectable = self.attacks - self.not_detectable
        return self.caught / detectable if detectable else None

    @property
    def precision(self) -> float | None:
        """Share of the alerts that are right."""
        return self.right / self.alerts if self.alerts else None


@dataclass(frozen=True, slots=True)
class TruthResult:
    """`false_alerts`: standing alerts on honest codes, batches and scanners."""

    alerts: int
    false_alerts: int
    families: dict[AttackFamily, FamilyResult]

    @property
    def precision(self) -> float | None:
        """Share of all standing alerts that are right."""
        return 1 - self.false_alerts / self.alerts if self.alerts else None


def against_truth(course: Course, records: Mapping[ItemId, CodeRecord]) -> TruthResult:
    """The standing alerts of one policy. Alerts on text that names no code of the truth (a
    mangled one) are left out; an alert on a batch or scanner is right if one of the items
    that gave signals was attacked."""
    victims = {name: _victims(name, course, records) for name in course.standing}
    known = {
        name: attacked
        for name, attacked in victims.items()
        if name.item in records or name in course.about
    }
    alerts = [(item, name.kind) for name, attacked in known.items() for item in attacked]
    outcomes = score(records, alerts).outcomes
    families: dict[AttackFamily, FamilyResult] = {}
    for family, counted in sorted(outcomes.items()):
        naming = {
            name: items for name, items in known.items() if name.kind in EVIDENCE_KINDS[family]
        }
        right = sum(
            any(name.kind in _evidence_kinds(records[item]) for item in items)
            for name, items in naming.items()
        )
        families[family] = FamilyResult(
            counted.total(),
            counted[Outcome.CAUGHT],
            counted[Outcome.NOTICED],
            counted[Outcome.MISSED],
            counted[Outcome.NOT_DETECTABLE],
            len(naming),
            right,
        )
    return TruthResult(len(known), sum(not items for items in known.values()), families)


def _victims(name: AlertName, course: Course, records: Mapping[ItemId, CodeRecord]) -> list[ItemId]:
    about = course.about.get(name, frozenset((name.item,)))
    return [item for item in sorted(about) if item in records and records[item].attack is not None]


def _evidence_kinds(record: CodeRecord) -> frozenset[str]:
    return frozenset(EVIDENCE_KINDS.get(record.attack, ())) if record.attack else frozenset()
