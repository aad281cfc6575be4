"""What a history keeps of many scans: nobody displaces more than a fair share."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
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
from authenticity.history.observation import ACTS, Observation, observe
from authenticity.records.network import NetworkClass
from authenticity.records.scan import REFUSALS, Act, Channel, RefusalGround
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
    trusted,
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


CUSTOMS: dict[str, Any] = {"publisher": "customs-1", "channel": Channel.CUSTOMS}
SEIZED_BEFORE_THERE_WERE_GROUNDS = bytes.fromhex(
    "920291dc0015cf0e63c6e44c2f44afce1c8e20cecf000001a20846fe00ce60a705dace1935dcf9010701ce00077476"
    "cd5be202a24652a24c31ce0004483600000101000000"
)


def test_a_history_from_before_there_were_grounds_is_read_and_written_as_it_is() -> None:
    seized = trusted("s", **CUSTOMS, act=Act.SEIZE, place=PARIS)
    assert encode_history(history_of([seized])) == SEIZED_BEFORE_THERE_WERE_GROUNDS
    assert decode_history(SEIZED_BEFORE_THERE_WERE_GROUNDS) == history_of([seized])
    assert seized.refused_for is None


@pytest.mark.parametrize("act", sorted(REFUSALS))
def test_a_ground_is_kept_beside_its_act(act: Act) -> None:
    refused = {
        ground: trusted("a", **CUSTOMS, act=act, refused_for=ground) for ground in RefusalGround
    }
    for ground, observation in refused.items():
        [kept] = decode_history(encode_history(history_of([observation]))).observations
        assert (ACTS[kept.act], kept.refused_for) == (act, ground)


def test_acts_without_a_ground_have_the_numbers_that_they_had() -> None:
    assert ACTS[: 1 + len(Act)] == (None, *Act)


def test_a_detention_is_kept_as_such_whatever_its_ground() -> None:
    detained = trusted("d", **CUSTOMS, act=Act.DETAIN, refused_for=RefusalGround.DOCUMENTS)
    others = [trusted(f"o{n}", **CUSTOMS, after=(n - 500) * MINUTE) for n in range(1_000)]
    unstated = trusted("d", **CUSTOMS, act=Act.DETAIN)
    for each in (detained, unstated):
        assert each in history_of([each, *others]).observations


def test_a_ground_counts_with_the_authority_of_its_act_alone() -> None:
    said = seen("a", act=Act.SEIZE, refused_for=RefusalGround.SUSPECTED_FALSIFIED)
    assert (said.act, said.refused_for) == (0, None)


def test_two_grounds_under_one_id_are_two_scans() -> None:
    papers, fake = (
        trusted("a", **CUSTOMS, act=Act.DETAIN, refused_for=ground)
        for ground in (RefusalGround.DOCUMENTS, RefusalGround.SUSPECTED_FALSIFIED)
    )
    assert papers.digest != fake.digest
    assert len(history_of([papers, fake]).observations) == 2
