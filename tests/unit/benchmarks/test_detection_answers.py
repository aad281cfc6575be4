"""What whoever holds a false pack would have been told."""

from datetime import timedelta

import msgspec

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.standing import Standing
from authenticity.gs1.item import gtin_of
from benchmarks.detection.dataset import Header
from benchmarks.detection.evaluation.code_assessment import is_verified
from benchmarks.detection.evaluation.touchstone_detector import TouchstoneDetector
from simulation.attacks import AttackFamily
from tests.unit.authenticity.detection.make_observations import ITEM
from tests.unit.benchmarks.detection_scenes import HEADERS, arrival, example

FAKE = arrival("a", physical="fake", attack=AttackFamily.STOLEN_KEY, known_after=timedelta())
LATE = (HEADERS[0]._replace(arrived_ms=FAKE.received_ms + 1),)


def is_told_verified(*siblings: Header) -> bool:
    """Whether it is told "verified, not scanned before"."""
    scene = example(FAKE)._replace(headers=LATE, siblings=siblings)
    assessment = TouchstoneDetector(DEFAULT_POLICY).watch(scene).answer_to(FAKE)
    assert assessment is not None
    assert assessment.standing is Standing.VERIFIED
    return is_verified(assessment)


def test_a_lot_that_its_maker_has_not_registered_yet_is_told_so_if_he_registers_others() -> None:
    other = msgspec.structs.replace(HEADERS[0].batch, gtin=gtin_of(ITEM), lot="OTHER")
    assert is_told_verified()
    assert not is_told_verified(Header(FAKE.received_ms - 1, other))
    assert is_told_verified(Header(FAKE.received_ms + 1, other))
