"""The results of a demonstration so far: scans published, alerts received, and the score."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from authenticity.gs1.item import (
    SCANNER_PREFIX,
    EntityId,
    ItemId,
    batch_entity,
    batch_within,
    gtin_of,
)
from authenticity.trust.verdict import Doubtful, Verdict
from simulation.attacks import PACKS_TAKEN, AttackFamily
from simulation.score import EVIDENCE_KINDS, CodeRecord, Score, score
from simulation.traffic import Line

_SECONDS_SHOWN: Final = 60
_ALERTS_SHOWN: Final = 100


class SeenAlert(NamedTuple):
    """An alert as the feed carried it."""

    id: str
    item: ItemId
    kind: str
    severity: str
    retracted: bool
    reason: str


class ShownAlert(NamedTuple):
    """An alert with the second of the demonstration in which it came, and what is true."""

    second: float
    alert: SeenAlert
    truth: str


@dataclass(slots=True)
class Results:
    """Counts, alerts and truth. For one thread; bounded by the codes of one demonstration."""

    launched: Mapping[str, AttackFamily]
    scans: int = 0
    by_service: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    per_second: deque[int] = field(default_factory=lambda: deque(maxlen=_SECONDS_SHOWN))
    recent: deque[ShownAlert] = field(default_factory=lambda: deque(maxlen=_ALERTS_SHOWN))
    _records: dict[ItemId, CodeRecord] = field(default_factory=dict)
    _of_batch: dict[EntityId, set[ItemId]] = field(default_factory=dict)
    _alerts: dict[str, SeenAlert] = field(default_factory=dict)
    _second: int = -1

    def published(self, line: Line, verdict: Verdict, second: float) -> None:
        """A scan was acknowledged, `second` seconds after the first frame."""
        self.scans += 1
        self.verdicts[verdict.doubt if isinstance(verdict, Doubtful) else "genuine"] += 1
        item = line.truth.item
        self._records.setdefault(item, CodeRecord()).add(line.truth)
        gtin = gtin_of(item)
        if gtin and verdict.lot:
            self._of_batch.setdefault(batch_entity(gtin, verdict.lot), set()).add(item)
        self.passed(second)
        self.per_second[-1] += 1

    def passed(self, second: float) -> None:
        """Note that this second was reached, whether or not something was published."""
        while self._second < int(second):
            self._second += 1
            self.per_second.append(0)

    def alerted(self, alert: SeenAlert, second: float) -> None:
        """Take an alert from the feed, new or changed."""
        known = self._alerts.get(alert.id)
        self._alerts[alert.id] = alert
        if known is None or known.retracted != alert.retracted:
            self.recent.append(ShownAlert(second, alert, self._truth(alert)))

    @property
    def alerts(self) -> int:
        """Alerts that stand."""
        return sum(not alert.retracted for alert in self._alerts.values())

    @property
    def scans_a_second(self) -> float:
        """Over the last five whole seconds."""
        whole = list(self.per_second)[-6:-1]
        return sum(whole) / len(whole) if whole else 0.0

    def score(self, until: datetime) -> Score:
        """Everything so far against the truth; `until` in the demonstration's calendar.

        An alert on a batch catches the attacks that take several of its packs; on a batch
        without one it is false.
        """
        standing = [(a.item, a.kind) for a in self._alerts.values() if not a.retracted]
        on_items = [(item, kind) for item, kind in standing if item in self._records]
        false: Counter[str] = Counter()
        for entity, kind in standing:
            if (codes := self._of_batch.get(batch_within(EntityId(entity)))) is not None:
                victims = [code for code in codes if self._is_taken_with_others(code, kind)]
                on_items += [(code, kind) for code in victims]
                false[kind] += not victims
        whole = score(self._records, on_items, launched=self.launched, until=until)
        return replace(
            whole,
            false_alerts=whole.false_alerts + false.total(),
            false_kinds=whole.false_kinds + false,
        )

    def _is_taken_with_others(self, code: ItemId, kind: str) -> bool:
        attack = self._records[code].attack
        return attack is not None and attack in PACKS_TAKEN and kind in EVIDENCE_KINDS[attack]

    def _truth(self, alert: SeenAlert) -> str:
        if (codes := self._of_batch.get(batch_within(EntityId(alert.item)))) is not None:
            families = {
                str(self._records[code].attack)
                for code in codes
                if self._is_taken_with_others(code, alert.kind)
            }
            return min(families, default="false alert")
        if alert.item.startswith(SCANNER_PREFIX):
            return "a scanner"
        record = self._records.get(alert.item)
        if record is None:
            return "misread"
        if record.attack is None:
            return "false alert"
        return (
            record.attack
            if alert.kind in EVIDENCE_KINDS[record.attack]
            else f"{record.attack}, noticed"
        )
