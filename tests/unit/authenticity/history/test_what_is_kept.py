"""What a history keeps of many scans: nobody displaces more than a fair share."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.history.history import (
    EMPTY,
    NETWORKS,
    SESSIONS_OF_NETWORK,
    decode_history,
    encode_history,
    has_reserved_place,
    history_of,
    merge,
)
from authenticity.history.observation import Observation, observe
from authenticity.records.network import NetworkClass
from authenticity.trust.verdict import Doubt, Verdict
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import (
    NOON,
    PARIS,
    TOKYO,
    any_observation,
    claimed,
    doubtful,
    genuine,
    network_at,
    scan,
    seen,
)

MINUTE = timedelta(minutes=1)


def honest(number: int) -> list[Observation]:
    """So many buyers, each in a network of its own."""
    return [seen(f"h{n}", place=PARIS, after=n * MINUTE) for n in range(number)]


@st.composite
def attacks(
    draw: st.DrawFn,
    /,
    codes: Sequence[Verdict] = (genuine(), doubtful(Doubt.FORGED), doubtful(Doubt.UNSIGNED)),
    **fixed: Any,
) -> list[Observation]:
    """Any number of scans from one network, with every field that its sender chooses."""
    return [
        seen(
            f"a{draw(st.integers(0, 500))}",
            draw(st.sampled_from(codes)),
            **{
                "network": network_at(TOKYO, "attacker"),
                "session": draw(st.sampled_from(["a", "b", "session of h1", None])),
                "captured_at": NOON + draw(st.integers(-9_000, 9_000)) * MINUTE,
                "received_at": NOON + draw(st.integers(-9_000, 9_000)) * MINUTE,
                **fixed,
            },
        )
        for _ in range(draw(st.integers(1, 60)))
    ]


def with_places(observations: list[Observation]) -> set[int]:
    """The networks that have places of their own in the history of these scans."""
    kept = history_of(observations).observations
    return {each.network for each in filter(has_reserved_place(kept), kept) if not each.doubt}


def networks_in(observations: tuple[Observation, ...] | list[Observation]) -> set[int]:
    return {each.network for each in observations if each.is_network_derived and each.issued}


@settings(max_examples=examples(60))
@given(st.integers(1, 30), attacks())
def test_one_network_displaces_one_other_at_most(buyers: int, attack: list[Observation]) -> None:
    before = with_places(honest(buyers))
    after = with_places([*honest(buyers), *attack])
    assert len(before - after) <= 1
    if buyers < NETWORKS:
        assert before <= after


@settings(max_examples=examples(60))
@given(st.integers(1, NETWORKS), attacks(network=None))
def test_scans_whose_network_tells_no_place_displace_none_that_does(
    buyers: int, attack: list[Observation]
) -> None:
    kept = history_of([*honest(buyers), *attack]).observations
    assert set(honest(buyers)) <= set(kept)


@settings(max_examples=examples(60))
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60, unique=True))
def test_what_arrived_first_from_a_network_stays_whatever_comes_later(later_s: list[int]) -> None:
    first = [
        seen(f"h{n}", network="one", session=f"s{n}", place=PARIS, after=n * MINUTE)
        for n in range(SESSIONS_OF_NETWORK)
    ]
    later = [
        seen(
            f"l{n} {hours}", network="one", session=f"l{n} {hours}", place=PARIS,
            captured_at=NOON + timedelta(hours=hours),
            received_at=NOON + timedelta(hours=9, seconds=s),
        )
        for n, s in enumerate([*later_s, *range(20)])
        for hours in (-9, 9)
    ]  # fmt: skip
    assert set(first) <= set(history_of([*first, *later]).observations)


UNDER_A_REVOKED_KEY = doubtful(Doubt.KEY_REVOKED, revoked_at=NOON)


@settings(max_examples=examples(60))
@given(st.lists(any_observation(ids=300), max_size=60), st.lists(any_observation(), max_size=60))
def test_codes_that_are_doubted_displace_none_that_nobody_doubts_nor_the_reverse(
    some: list[Observation], others: list[Observation]
) -> None:
    believed = history_of([each for each in some if not each.doubt])
    doubted = history_of([each for each in others if each.doubt and not each.actor])
    kept = merge(believed, doubted).observations
    assert set(kept) == {*believed.observations, *doubted.observations}


@settings(max_examples=examples(60))
@given(st.integers(1, 12), attacks(network="the attacker's", codes=[UNDER_A_REVOKED_KEY]))
def test_what_a_thief_sends_takes_no_place_of_a_network_that_sent_believed_codes(
    buyers: int, attack: list[Observation]
) -> None:
    together = [*honest(buyers), *attack]
    assert with_places(together) == with_places(honest(buyers))
    assert set(history_of(honest(buyers)).observations) <= set(history_of(together).observations)


def through_relays(number: int) -> list[Observation]:
    """So many people, each through a relay of their own, that tells no place."""
    return [
        seen(f"r{n}", network=network_at(None, f"r{n}", NetworkClass.RELAY), after=n * MINUTE)
        for n in range(number)
    ]


def test_one_network_of_no_place_leaves_others_of_no_place_their_own() -> None:
    host = network_at(None, "a host", NetworkClass.HOSTING)
    flood = [
        seen(f"a{n}", network=host, captured_at=NOON + (n % 300 - 400) * MINUTE)
        for n in range(1_000)
    ]
    people = through_relays(8)
    kept = history_of([*flood, *people]).observations
    assert len({each.network for each in people} & {each.network for each in kept}) >= 3


FLOOD = history_of(
    seen(str(n), network=f"n{n % 60}", place=TOKYO, after=(n - 500) * MINUTE) for n in range(1_000)
)


@settings(max_examples=examples(60))
@given(
    st.lists(any_observation(ids=300), min_size=50, max_size=90),
    st.lists(any_observation(), max_size=60),
)
def test_what_is_kept_of_known_scanners_depends_on_no_anonymous_scan(
    some: list[Observation], others: list[Observation]
) -> None:
    known = history_of([each for each in some if each.actor])
    together = merge(known, history_of([each for each in others if not each.actor]))
    assert [s for s in together.observations if s.actor] == list(known.observations)
    assert set(known.observations) <= set(merge(known, FLOOD).observations)


@given(st.lists(any_observation(), min_size=1, max_size=40))
def test_an_anonymous_observation_that_a_network_places_keeps_nothing_of_what_is_claimed(
    observations: list[Observation],
) -> None:
    for each in observations:
        assert not (each.actor and each.network)
        placed = each.network_kind in (1, 2, 6) and each.source != 0
        assert each.is_network_derived == placed


def test_a_scan_of_version_1_has_the_content_that_it_had() -> None:
    """So that a scan that is delivered again after an upgrade is known."""
    old = scan("a", network=None, v=1, selection=None, place=PARIS)
    observation = observe(old, genuine(), 1)
    assert observation.content == (
        6769839352266428010, 418431463, 1795435200000, 486223051, 0, 0, 0, 1, 488566, 23522, 2,
        "FR", "L1", 280630, 0, 0,
    )  # fmt: skip


def format_1(observations: list[Observation]) -> bytes:
    """As it was stored before there was network evidence."""
    rows = [
        [*msgspec.structs.astuple(each)[:14], *msgspec.structs.astuple(each)[16:20]]
        for each in observations
    ]
    return msgspec.msgpack.encode([1, rows])


def test_a_history_of_format_1_is_read_and_what_it_holds_is_known_when_it_comes_again() -> None:
    scans = [scan(str(n), network=None, v=1, selection=None, place=PARIS) for n in range(2)]
    again = [observe(each, genuine(), 1) for each in scans]
    lifted = decode_history(format_1(sorted(again)))
    assert [each.content for each in lifted.observations] == [s.content for s in sorted(again)]
    assert {each.key_slot for each in lifted.observations} == {-1}
    assert merge(lifted, history_of(again)) == history_of(again)
    assert decode_history(encode_history(lifted)) == lifted
    assert decode_history(format_1([])) == EMPTY


def test_networks_of_no_place_count_together() -> None:
    through = through_relays(100)
    assert len(history_of(through).observations) <= 14
    assert networks_in(history_of([*through, *honest(3)]).observations) == networks_in(honest(3))
    assert len(history_of([claimed(f"c{n}") for n in range(100)]).observations) <= 14
