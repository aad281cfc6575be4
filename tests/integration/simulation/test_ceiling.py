"""The ceiling is what a perfect observer reaches: by formula, by lot, and in the simulation."""

from math import sqrt
from random import Random

import pytest

from authenticity.gs1.item import ItemId
from simulation.attacks import COPYING, FAMILIES, AttackFamily
from simulation.ceiling import (
    AttackRecord,
    any_of,
    decode_attack,
    encode_attack,
    one_seen,
    two_seen,
)
from tests.support.benchmark_world import attacked_by, everything


@pytest.mark.parametrize(
    ("probability", "copies", "expected"), [(0.05, 10, 0.10), (0.05, 100, 0.96), (0.30, 10, 0.89)]
)
def test_the_ceiling_is_the_published_one(probability: float, copies: int, expected: float) -> None:
    assert two_seen(copies, probability, probability) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    ("fakes", "fake", "original"), [(1, 0.3, 0.5), (3, 0.1, 0.9), (12, 0.05, 0.2), (4, 1.0, 0.3)]
)
def test_the_formula_agrees_with_drawing_lots(fakes: int, fake: float, original: float) -> None:
    draw, runs = Random(5), 20_000
    hits = 0
    for _ in range(runs):
        seen = (draw.random() < original) + sum(draw.random() < fake for _ in range(fakes))
        hits += seen >= 2
    assert hits / runs == pytest.approx(two_seen(fakes, fake, original), abs=0.012)


def test_without_a_fake_nothing_can_be_seen_twice() -> None:
    assert two_seen(0, 0.5, 1.0) == 0.0
    assert one_seen(0, 0.5) == 0.0


def test_any_of_independent_events() -> None:
    assert any_of(0.5, 0.5) == 0.75
    assert any_of() == 0.0


@pytest.mark.parametrize("family", FAMILIES)
def test_as_many_codes_become_known_as_the_ceiling_says(family: AttackFamily) -> None:
    """Within four deviations, over all codes of some twenty attacks."""
    traffic = attacked_by(family, items=1_000, attack_rate=0.02)
    ceilings: dict[ItemId, float] = {
        item.item: item.ceiling for record in traffic.attacks() for item in record.items
    }
    known: set[ItemId] = set()
    for _, truth in everything(traffic):
        if truth.first_detectable_at is not None:
            known.add(truth.item)
    assert ceilings and known <= set(ceilings)
    expected = sum(ceilings.values())
    deviation = sqrt(sum(each * (1 - each) for each in ceilings.values()))
    # packs of one attack share a wave, so their lots are not quite independent
    assert abs(len(known) - expected) <= 4 * deviation + 0.02 * expected


@pytest.mark.parametrize("family", sorted(COPYING))
def test_a_record_counts_the_copies_that_the_truth_knows(family: AttackFamily) -> None:
    traffic = attacked_by(family, items=1_500)
    fakes: dict[ItemId, set[str]] = {}
    for _, truth in everything(traffic):
        if truth.attack is not None and not truth.genuine:
            fakes.setdefault(truth.item, set()).add(truth.physical)
    stated = {item.item: item.fakes for each in traffic.attacks() for item in each.items}
    assert fakes
    assert all(len(seen) <= stated[item] for item, seen in fakes.items())


def test_a_record_is_read_back_as_it_was_written() -> None:
    for record in attacked_by(AttackFamily.POISONING, items=500).attacks():
        assert decode_attack(encode_attack(record)) == record


def test_an_attack_shows_if_one_of_its_codes_does() -> None:
    records = list(attacked_by(AttackFamily.FEW_COPIES, items=1_500).attacks())
    assert records
    for record in records:
        assert isinstance(record, AttackRecord)
        assert max(item.ceiling for item in record.items) <= record.ceiling < 1
