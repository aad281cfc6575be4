"""Histories are a join-semilattice, and bounded."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.history.history import (
    ACT_ENDS,
    CONFLICTS,
    DOUBTED_NETWORKS,
    DOUBTED_SAMPLE,
    DOUBTED_UNPLACED,
    EMPTY,
    KNOWN_COUNTRIES,
    KNOWN_ENDS,
    KNOWN_SESSIONS,
    LATEST,
    MAXIMUM_BYTES,
    NETWORKS,
    REFUSED_ENDS,
    REFUSED_NETWORKS,
    REFUSED_SAMPLE,
    SAMPLE,
    SESSIONS_OF_NETWORK,
    UNPLACED_NETWORKS,
    UNSIGNED_DATES,
    UNSIGNED_LOTS,
    decode_history,
    distinct_scans,
    encode_history,
    history_of,
    merge,
)
from authenticity.history.observation import DOUBTS, Observation
from authenticity.trust.verdict import Doubt
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import any_observation

KEY_REVOKED = DOUBTS.index(Doubt.KEY_REVOKED)
REFUSED = [
    DOUBTS.index(each)
    for each in Doubt
    if each.value
    in ("unreadable", "unsigned", "foreign-signature", "forged", "unknown-issuer", "not-entitled")
]

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
    """Every field as long as it can be, every selection filled by different observations: by
    known scanners, from networks that tell a place, and from those that tell none."""
    rng = random.Random(number)
    big, whose = 2**63, number % 3
    return Observation(
        rng.getrandbits(64) | big, rng.getrandbits(32) | 2**31, 2**40 + number,
        rng.getrandbits(32) | 2**31, rng.getrandbits(32) | 2**31 if whose == 0 else 0, 5,
        3 + number % 6 if whose == 0 else 0, 5, -899_999, -1_799_999, 2_004_000,
        f"{chr(65 + number % 26)}{chr(65 + number // 26 % 26)}", "Z" * 20, 991231,
        0 if whose == 0 else number % 40 | 2**31, whose * 2 if whose == 2 else whose,
        2**31 - 1 - rng.getrandbits(24), 2**32 - 1, (0, KEY_REVOKED, *REFUSED)[number % 11 % 8],
        big, 255,
    )  # fmt: skip


def of_doubt(number: int) -> Observation:
    return msgspec.structs.replace(hostile(0), doubt=number)


def test_a_hostile_history_of_20_000_scans_stays_within_12_kb() -> None:
    observations = [hostile(number) for number in range(20_000)]
    reused = [
        Observation(**msgspec.structs.asdict(s) | {"digest": s.digest ^ 1})
        for s in sorted(observations)[:200]
    ]
    history = EMPTY
    for start in range(0, len(observations), 1_000):
        history = merge(history, history_of(observations[start : start + 1_000]))
    history = merge(history, history_of(reused))
    assert len(history.observations) > 60
    assert len(encode_history(history)) <= MAXIMUM_BYTES


def test_as_many_as_all_selections_keep_have_room() -> None:
    largest = max(len(encode_history(history_of([hostile(number)]))) for number in range(60))
    sample = SAMPLE + CONFLICTS
    of_known = 2 * ACT_ENDS + 2 * KNOWN_ENDS + KNOWN_SESSIONS + KNOWN_COUNTRIES + sample
    of_networks = (NETWORKS + 1) * SESSIONS_OF_NETWORK + UNPLACED_NETWORKS
    for_people = sample + LATEST
    of_doubted = DOUBTED_NETWORKS + SESSIONS_OF_NETWORK + DOUBTED_UNPLACED + DOUBTED_SAMPLE + 2
    refused = sum(not each.issued for each in map(of_doubt, range(1, len(DOUBTS))))
    refused = 2 * REFUSED_ENDS * refused + UNSIGNED_LOTS + UNSIGNED_DATES
    doubtful = refused + REFUSED_NETWORKS + 1 + REFUSED_SAMPLE
    everything = of_known + of_networks + for_people + of_doubted + doubtful
    assert everything * largest <= MAXIMUM_BYTES


@given(many)
def test_a_count_is_never_more_than_was_received(observations: list[Observation]) -> None:
    kept = history_of(observations).observations
    assert distinct_scans(kept) <= len({observation.id for observation in observations})
    assert distinct_scans(kept) == len({observation.id for observation in kept})
