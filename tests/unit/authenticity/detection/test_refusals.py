"""Which refusals speak of falsification, and which of them stand."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.detection.refusals import refusals_of
from authenticity.history.observation import ACTS, Observation
from authenticity.records.scan import REFUSALS, Act, RefusalGround
from tests.unit.authenticity.detection.make_observations import (
    NOON,
    any_observation,
    seen,
    trusted,
)

DAY = timedelta(days=1)
OPEN = [Act.INSPECT_NONCONFORMANT, Act.DETAIN]


def did(act: Act, day: int = 0, by: str = "customs-1", **more: Any) -> Observation:
    if act is Act.DETAIN:
        more.setdefault("refused_for", RefusalGround.SUSPECTED_FALSIFIED)
    return trusted(f"{act} {by} {day}", by, channel="customs", act=act, after=day * DAY, **more)


@pytest.mark.parametrize("act", sorted(REFUSALS))
def test_a_refusal_speaks_of_falsification_unless_it_is_for_papers_or_storage(act: Act) -> None:
    for ground in (None, *RefusalGround):
        refused = did(act, refused_for=ground)
        speaks = ground is RefusalGround.SUSPECTED_FALSIFIED or (
            act is not Act.DETAIN and ground in (None, RefusalGround.OTHER)
        )
        assert refusals_of([refused]) == ([refused] if speaks else [])


@pytest.mark.parametrize("act", sorted(REFUSALS))
def test_a_later_release_by_whomever_ends_it_and_an_earlier_one_does_not(act: Act) -> None:
    refused = did(act, day=2)
    assert refusals_of([refused, did(Act.RELEASE, day=3, by="police-1")]) == []
    assert refusals_of([did(Act.RELEASE, day=1), refused]) == [refused]


def test_who_is_neither_an_authority_nor_refused_it_releases_nothing() -> None:
    refused = did(Act.SEIZE, day=2)
    by_shop = trusted("r", "shop-9", act=Act.RELEASE, after=3 * DAY)
    assert refusals_of([refused, by_shop]) == [refused]
    kept_back = trusted("q", "shop-9", act=Act.INSPECT_NONCONFORMANT, after=2 * DAY)
    assert refusals_of([kept_back, by_shop]) == []


def test_a_clock_that_is_fast_puts_no_act_off() -> None:
    arrived: dict[str, Any] = {"received_at": NOON + DAY}
    in_a_year = did(Act.RELEASE, day=365, **arrived)
    refused = did(Act.SEIZE, day=2)
    assert refusals_of([refused, in_a_year]) == [refused]
    early = did(Act.SEIZE, day=365, **arrived)
    assert refusals_of([early, did(Act.RELEASE, day=3)]) == []


@pytest.mark.parametrize("act", OPEN)
def test_a_later_pass_by_the_same_scanner_ends_it_and_no_other_pass_does(act: Act) -> None:
    refused = did(act, day=2)
    assert refusals_of([refused, did(Act.INSPECT_CONFORMANT, day=3)]) == []
    assert refusals_of([refused, did(Act.INSPECT_CONFORMANT, day=3, by="police-1")]) == [refused]
    assert refusals_of([did(Act.INSPECT_CONFORMANT, day=1), refused]) == [refused]


@pytest.mark.parametrize("act", OPEN)
def test_what_was_seized_is_not_ended_by_a_pass(act: Act) -> None:
    refused, seized = did(act, day=1), did(Act.SEIZE, day=2)
    passed = did(Act.INSPECT_CONFORMANT, day=3)
    assert refusals_of([refused, seized, passed]) == [refused, seized]
    others = did(Act.SEIZE, day=2, by="police-1")
    assert refusals_of([refused, others, passed]) == [others]
    for_papers = did(Act.SEIZE, day=2, refused_for=RefusalGround.DOCUMENTS)
    assert refusals_of([refused, for_papers, passed]) == []


def test_a_release_ends_the_seizure_and_what_was_refused_before() -> None:
    life = [did(Act.INSPECT_NONCONFORMANT), did(Act.SEIZE, day=1), did(Act.RELEASE, day=2)]
    again = did(Act.DETAIN, day=3)
    assert refusals_of([*life, again]) == [again]


@pytest.mark.parametrize("act", Act)
def test_nobody_without_authority_refuses_anything(act: Act) -> None:
    ground = RefusalGround.SUSPECTED_FALSIFIED
    assert refusals_of([seen("a", act=act, refused_for=ground)]) == []


@given(st.lists(any_observation(), max_size=20), st.randoms(use_true_random=False))
def test_capture_times_decide_and_not_the_order_of_the_list(
    observations: list[Observation], rng: Any
) -> None:
    standing = refusals_of(observations)
    assert all(ACTS[each.act] in REFUSALS and each.actor for each in standing)
    shuffled = list(observations)
    rng.shuffle(shuffled)
    assert sorted(refusals_of(shuffled)) == sorted(standing)
