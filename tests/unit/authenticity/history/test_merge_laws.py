"""Histories are a join-semilattice, and bounded."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.history.history import (
    EMPTY,
    MAXIMUM_BYTES,
    decode_history,
    distinct_scans,
    encode_history,
    history_of,
    merge,
)
from authenticity.history.observation import Observation
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import any_observation

few = st.lists(any_observation(), max_size=12)
many = st.lists(any_observation(ids=400), min_size=20, max_size=120)


@given(few, few)
def test_merge_is_commutative(one: list[Observation], other: list[Observation]) -> None:
    a, b = history_of(one), history_of(other)
    assert merge(a, b) == merge(b, a)


@given(few, few, few)
def test_merge_is_associative(
    x: list[Observation], y: list[Observation], z: list[Observation]
) -> None:
    a, b, c = history_of(x), history_of(y), history_of(z)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(st.one_of(few, many))
def test_merge_is_idempotent_and_nothing_is_neutral(observations: list[Observation]) -> None:
    history = history_of(observations)
    assert merge(history, history) == history
    assert merge(history, EMPTY) == merge(EMPTY, history) == history


@settings(max_examples=examples(60))
@given(many, st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_any_duplicates_any_batching_end_in_the_same_bytes(
    observations: list[Observation], rng: random.Random, size: int
) -> None:
    shuffled = observations + rng.sample(observations, len(observations) // 2)
    rng.shuffle(shuffled)
    history = EMPTY
    for start in range(0, len(shuffled), size):
        history = merge(history, history_of(shuffled[start : start + size]))
    assert encode_history(history) == encode_history(history_of(observations))


@given(st.one_of(few, many))
def test_encoding_round_trips(observations: list[Observation]) -> None:
    history = history_of(observations)
    assert decode_history(encode_history(history)) == history


def hostile(number: int) -> Observation:
    """Every field as long as it can be, every selection filled by different observations."""
    rng = random.Random(number)
    big = 2**63
    return Observation(
        rng.getrandbits(64) | big, rng.getrandbits(32) | 2**31, 2**40 + number, rng.getrandbits(32),
        1 << 31 if number % 3 else 0, 5, 3 + number % 6 if number % 3 else 0, 5, -899_999,
        -1_799_999, 2_004_000, f"{chr(65 + number % 26)}{chr(65 + number // 26 % 26)}",
        "Z" * 20, 991231, 2**31 - 1, 2**32 - 1, 5 if number % 2 else 0, big,
    )  # fmt: skip


def test_a_hostile_history_of_100_000_scans_stays_within_8_kb() -> None:
    observations = [hostile(number) for number in range(100_000)]
    reused = [
        Observation(**{f: getattr(s, f) for f in s.__struct_fields__} | {"digest": s.digest ^ 1})
        for s in sorted(observations)[:200]
    ]
    history = EMPTY
    for start in range(0, len(observations), 1_000):
        history = merge(history, history_of(observations[start : start + 1_000]))
    history = merge(history, history_of(reused))
    assert len(history.observations) > 60
    assert len(encode_history(history)) <= MAXIMUM_BYTES


def test_distinct_scans_is_exact_while_few_and_near_when_many() -> None:
    for count in (1, 2, 9, 15):
        history = history_of(hostile(number * 2) for number in range(count))
        assert distinct_scans(history.observations) == count
    rng = random.Random(7)
    plain = [
        Observation(rng.getrandbits(64), 0, n, n + 1, 0, 0, 0, 0, 0, 0, 0, "", "", 0, 1, 1, 0, 0)
        for n in range(50_000)
    ]
    estimate = distinct_scans(history_of(plain).observations)
    assert 25_000 < estimate < 100_000
