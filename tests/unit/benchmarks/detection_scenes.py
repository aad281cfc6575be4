"""Scenes for the tests of the detection benchmark: arrivals and cases made by hand."""

from datetime import timedelta
from typing import Any

from authenticity.history.observation import observe
from authenticity.records.place import Place
from authenticity.records.scan import to_epoch_ms
from benchmarks.detection.dataset import Arrival, Example, Header
from benchmarks.detection.evaluation.code_assessment import DetectorOutcome
from benchmarks.detection.evaluation.counts import Case
from simulation.attacks import AttackFamily
from simulation.traffic import Scenario, Traffic
from simulation.truth import TRUTH_FORMAT, Thing, Truth
from tests.unit.authenticity.detection.make_observations import ITEM, NOON, genuine, scan

_BATCH = Traffic(Scenario(seed=1, items=100)).world.pack(0).batch
HEADERS = (Header(to_epoch_ms(NOON - timedelta(days=30)), _BATCH),)


def arrival(
    scan_id: str,
    *,
    physical: str = "pack-0",
    attack: AttackFamily | None = None,
    known_after: timedelta | None = None,
    place: Place | None = None,
    **changes: Any,
) -> Arrival:
    """A consumer's scan of `physical`, with its truth."""
    made = scan(scan_id, place=place, **changes)
    is_genuine = physical == "pack-0"
    truth = Truth(
        v=TRUTH_FORMAT,
        scan_id=scan_id,
        publisher=made.publisher,
        item=ITEM,
        physical=physical,
        thing=Thing.PACK if is_genuine else Thing.FAKE,
        genuine=is_genuine,
        attack=attack,
        attack_id="an attack" if attack else None,
        behaviour="first look",
        noise=(),
        true_at=made.captured_at,
        true_lat=0.0,
        true_lon=0.0,
        true_country="FR",
        first_detectable_at=None if known_after is None else NOON + known_after,
    )
    return Arrival(observe(made, genuine(), 1), to_epoch_ms(made.received_at), truth)


def example(*arrivals: Arrival) -> Example:
    """Of these arrivals, in this order, labelled by the first."""
    truth = arrivals[0].truth
    known_at = truth.first_detectable_at
    known_ms = None if known_at is None else to_epoch_ms(known_at)
    return Example(ITEM, HEADERS, arrivals, truth.attack, truth.attack_id, known_ms)


def outcome(
    first: int | None = None, *, known: int | None = None, stands: bool = True
) -> DetectorOutcome:
    """An alert with arrival number `first`, arrivals being an hour apart."""
    hour = 3_600_000
    return DetectorOutcome(
        first,
        None if first is None else first * hour,
        known,
        None if known is None else known * hour,
        first is not None and stands,
        frozenset({"copied"} if first is not None else ()),
        None if first is None else 5.0,
    )


def case(item: str, words: DetectorOutcome, *, known_at: int | None = 1, **changes: Any) -> Case:
    """An attacked code that could be known with arrival number `known_at`."""
    made = Case(
        item=item,  # type: ignore[arg-type]
        attack_id=f"attack on {item}",
        family="copies",
        copied=known_at is not None,
        detectable_ms=None if known_at is None else known_at * 3_600_000,
        known_at=known_at,
        item_scans=5,
        outcomes=(words,),
        bad=False,
        bad_end=False,
        answered_verified=0,
        answered=0,
    )
    return made._replace(**changes)
