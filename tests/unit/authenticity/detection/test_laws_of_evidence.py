"""Laws of evidence: what nobody can bring about who merely sends scans.

An attacker chooses every field of an anonymous scan that its body has: code, capture time,
session, place, scan id. The service adds the rest: publisher, arrival, network, selection key.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.assess import assess_item_update
from authenticity.detection.caller_assessment import assess_for_caller
from authenticity.detection.evidence import evidence_of
from authenticity.detection.findings import FINDINGS, PER_BATCH, FindingKind
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.prints import prints_of
from authenticity.detection.rules import item_findings
from authenticity.detection.signals import Signal, assess_entity, by_entity, signals_of
from authenticity.detection.standing import Standing
from authenticity.gs1.item import EntityId, ItemId, batch_entity, item_id
from authenticity.history.history import EMPTY, encode_history, history_of, merge
from authenticity.history.observation import Observation
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.network import NetworkClass, NetworkEvidence
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Act, Channel, to_epoch_ms
from authenticity.trust.verdict import Doubt, Verdict
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import (
    ITEM,
    LYON,
    NOON,
    PARIS,
    RIO,
    TOKYO,
    buyers,
    claimed,
    doubtful,
    findings_of,
    genuine,
    network_at,
    seen,
    trusted,
)

from .test_assess import batch

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SEOUL = Place(37.57, 126.98, 0.02, PlaceSource.GPS, "KR")
SYDNEY = Place(-33.87, 151.21, 0.02, PlaceSource.GPS, "AU")
NEW_YORK = Place(40.71, -74.0, 0.02, PlaceSource.GPS, "US")
REIMS = Place(49.26, 4.03, 0.02, PlaceSource.GPS, "FR")
"""130 km from Paris: within what two clocks may differ by."""
PLACES = (PARIS, LYON, TOKYO, RIO, SEOUL, SYDNEY, NEW_YORK)
REGISTRY = BatchRegistry([batch(markets=("FR",))])
BATCH = batch_entity("09506000134352", "L1")
RAISED = (Standing.CAUTION, Standing.SUSPECT)

_OF_THE_LIST = (Doubt.KEY_REVOKED, Doubt.NEWER_KEY)
"""Codes under a newer key open no history; those under a revoked one are drawn with its facts."""

_codes: st.SearchStrategy[Verdict] = st.sampled_from(
    [
        genuine(), genuine(), genuine(),
        *(doubtful(doubt) for doubt in Doubt if doubt not in _OF_THE_LIST),
        doubtful(Doubt.KEY_REVOKED, lot="L1", expiry="280630", revoked_at=NOON, key_slot=7),
    ]
)  # fmt: skip
_OUTSIDE_FRANCE = tuple(each for each in PLACES if each.country != "FR")
_evidence = st.builds(
    network_at,
    st.sampled_from(_OUTSIDE_FRANCE),
    st.sampled_from(["attacker 1", "attacker 2", "attacker 3"]),
    st.sampled_from([NetworkClass.FIXED, NetworkClass.MOBILE, NetworkClass.UNKNOWN]),
)
_no_evidence = st.one_of(
    st.none(),
    st.builds(
        network_at,
        st.sampled_from(PLACES),
        st.integers(0, 40).map(str),
        st.sampled_from([NetworkClass.HOSTING, NetworkClass.RELAY, NetworkClass.TUNNEL]),
    ),
    st.builds(
        network_at,
        st.none(),
        st.integers(0, 40).map(str),
        st.sampled_from([NetworkClass.FIXED, NetworkClass.MOBILE, NetworkClass.UNKNOWN]),
    ),
)
"""Of nowhere: by its class, or because no file knows the address."""


@st.composite
def sent_from(
    draw: st.DrawFn,
    networks: st.SearchStrategy[NetworkEvidence | None],
    *,
    least_delay: timedelta = timedelta(),
    most: int = 40,
) -> list[Observation]:
    """Anonymous scans through these networks, with every field that a body has."""
    sent: list[Observation] = []
    for _ in range(draw(st.integers(1, most))):
        received_at = NOON + least_delay + draw(st.integers(0, 60 * 24 * 30)) * MINUTE
        fields: dict[str, Any] = {
            "network": draw(networks),
            "session": draw(st.sampled_from([None, "a", "b", "session of h0", "session of h1"])),
            "place": draw(st.sampled_from([None, *PLACES])),
            "captured_at": received_at - draw(st.integers(-9_000, 100_000)) * MINUTE,
            "received_at": received_at,
        }
        sent.append(seen(f"x{draw(st.integers(0, 60))}", draw(_codes), **fields))
    return sent


@st.composite
def honest_histories(draw: st.DrawFn) -> list[Observation]:
    """One pack on its way: the maker's chain, a shop, and a household that may travel."""
    sold_after = draw(st.sampled_from([-2, 12])) * DAY
    sale = trusted("sale", act=Act.SELL, place=PARIS, after=sold_after)
    chain = trusted("chain", "wholesaler", channel=Channel.LOGISTICS, place=LYON, after=-9 * DAY)
    known = draw(st.sampled_from([[], [sale], [chain, sale]]))
    at_home = [
        seen(f"h{n}", network="home", place=PARIS, after=draw(st.integers(0, 200)) * HOUR)
        for n in range(draw(st.integers(1, 4)))
    ]
    mobile = seen(
        "m", network=network_at(PARIS, "carrier", NetworkClass.MOBILE), place=PARIS, after=30 * HOUR
    )
    travel = seen("t", network="hotel", place=draw(st.sampled_from(PLACES)), after=20 * DAY)
    return known + at_home + draw(st.sampled_from([[], [mobile], [mobile, travel]]))


def raised_by(observations: Sequence[Observation]) -> set[FindingKind]:
    """The kinds of the alerts about the item, and of those about its batch that it gives reason
    for by itself."""
    update = assess_item_update(ITEM, history_of(observations), {}, REGISTRY, DEFAULT_POLICY)
    given_signals = {signal.kind for signal in update.signals}
    per_batch = {kind for kind in PER_BATCH if not given_signals.isdisjoint(FINDINGS[kind].signals)}
    return {alert.kind for alert in update.alerts} | per_batch


def standing(observations: Sequence[Observation]) -> Standing:
    return summarize_item(ITEM, history_of(observations), REGISTRY, DEFAULT_POLICY).standing


def campaign_over(packs: Sequence[Sequence[Observation]]) -> bool:
    signals: list[Signal] = []
    for number, observations in enumerate(packs):
        item = ItemId(item_id("09506000134352", f"PACK{number}"))
        evidence = evidence_of(
            history_of(observations), prints_of(item, observations, REGISTRY), DEFAULT_POLICY
        )
        signals += signals_of(item, evidence, item_findings(evidence))
    grouped = by_entity(signals)
    found = [
        finding.kind
        for entity in grouped
        for finding in assess_entity(grouped[EntityId(entity)], DEFAULT_POLICY)
    ]
    return FindingKind.CAMPAIGN in found


def from_one(attack: list[Observation]) -> list[Observation]:
    """As if all of it had come from the first one's network."""
    one = attack[0]
    return [
        msgspec.structs.replace(
            each, network=one.network, network_kind=one.network_kind, source=one.source,
            lat=one.lat, lon=one.lon, accuracy=one.accuracy, country=one.country,
        )
        for each in attack
    ]  # fmt: skip


@settings(max_examples=examples(150))
@given(honest_histories(), sent_from(_evidence))
def test_one_network_never_raises_anything_about_a_genuine_pack(
    honest: list[Observation], attack: list[Observation]
) -> None:
    attack = from_one(attack)
    assert raised_by([*honest, *attack]) <= raised_by(honest)
    assert standing([*honest, *attack]) not in RAISED
    assert not campaign_over([[*honest, *attack]] * 8)


def unsold(*networks: str) -> list[Observation]:
    """A pack that a shop sells in a month, while somebody in each of these networks, outside
    its markets, has scanned its code already."""
    before = [
        seen(f"{name} {n}", network=name, place=place, after=3 * n * DAY)
        for n, (name, place) in enumerate(zip(networks, _OUTSIDE_FRANCE, strict=False))
    ]
    return [trusted("sale", act=Act.SELL, place=PARIS, after=30 * DAY), *before]


def test_the_same_evidence_raises_a_suspicion_from_two_networks_and_none_from_one() -> None:
    assert raised_by(unsold("one")) == set()
    assert standing(unsold("one")) is Standing.SEEN_BEFORE
    assert raised_by([*unsold("one"), *unsold("one")[1:]]) == set()
    assert FindingKind.CLONE_SUSPECTED in raised_by(unsold("one", "two", "three", "four", "five"))


def test_networks_of_their_own_make_a_campaign_of_what_three_on_every_pack_do_not() -> None:
    three = [unsold("one", "two", "three") for _ in range(12)]
    assert not campaign_over(three)
    owners = [[*pack, seen("own", network=f"own {n}", place=PARIS, after=31 * DAY)]
              for n, pack in enumerate(three)]  # fmt: skip
    assert not campaign_over(owners), "honest buyers beside them are no networks of theirs"
    assert campaign_over([unsold(f"a{n}", f"b{n}", f"c{n}") for n in range(12)])


@settings(max_examples=examples(60))
@given(sent_from(_evidence))
def test_one_network_alone_leads_no_higher_than_not_issued(attack: list[Observation]) -> None:
    attack = from_one(attack)
    assert raised_by(attack) == set()
    assert standing(attack) not in RAISED


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(honest_histories(), sent_from(_evidence)), min_size=3, max_size=8))
def test_few_networks_never_make_a_campaign(
    packs: list[tuple[list[Observation], list[Observation]]],
) -> None:
    assert not campaign_over([[*honest, *attack] for honest, attack in packs])


_raising = st.sampled_from(
    [
        buyers(12),
        buyers(16),
        [trusted("s", act=Act.SELL, place=PARIS), *buyers(9)],
        [
            trusted("s1", "shop-1", act=Act.SELL, place=PARIS),
            trusted("s2", "shop-2", act=Act.SELL, place=LYON),
        ],
        [trusted("i", "customs-1", channel=Channel.CUSTOMS, place=TOKYO)],
    ]
)


@settings(max_examples=examples(100))
@given(_raising, sent_from(_no_evidence), st.randoms(use_true_random=False))
def test_scans_whose_network_tells_no_place_lower_nothing_and_raise_nothing(
    raising: list[Observation], attack: list[Observation], rng: random.Random
) -> None:
    before = raised_by(raising)
    everything = [*raising, *attack]
    rng.shuffle(everything)
    assert before
    assert raised_by(everything) == before
    of_both = [
        [f for f in findings_of(history_of(some), batch(markets=("FR",))) if f.probability]
        for some in (raising, everything)
    ]
    assert of_both[0] == of_both[1]


def test_a_code_of_a_lost_key_does_not_take_a_pack_out_of_its_batch() -> None:
    raising = buyers(8)
    assert FindingKind.DIVERTED in raised_by(raising)
    early: dict[str, Any] = {"captured_at": NOON - MINUTE, "received_at": NOON - MINUTE}
    for doubt in (Doubt.KEY_NOT_VALID, Doubt.KEY_REVOKED):
        for lot in (None, "another"):
            attack = seen("x", doubtful(doubt, lot=lot, revoked_at=NOON, key_slot=7), **early)
            assert raised_by([*raising, attack]) == raised_by(raising)


@settings(max_examples=examples(100))
@given(_raising, st.data())
def test_what_comes_later_from_a_network_that_is_there_lowers_nothing(
    raising: list[Observation], data: st.DataObject
) -> None:
    there = [each for each in raising if each.network]
    if not there:
        return
    latest = max(each.arrived_ms for each in there) - min(each.arrived_ms for each in raising)
    attack = from_one(
        data.draw(
            sent_from(_evidence, least_delay=timedelta(milliseconds=latest) + 2 * DAY, most=20)
        )
    )
    one = data.draw(st.sampled_from(there))
    attack = from_one([one, *attack])[1:]
    before = raised_by(raising)
    assert before <= raised_by([*raising, *attack])
    assert standing(raising) is standing([*raising, *attack])


@settings(max_examples=examples(60))
@given(honest_histories(), sent_from(st.one_of(_evidence, _no_evidence)))
def test_counts_that_people_are_shown_are_never_more_than_was_received(
    honest: list[Observation], attack: list[Observation]
) -> None:
    summary = summarize_item(ITEM, history_of([*honest, *attack]), REGISTRY, DEFAULT_POLICY)
    received = {each.id for each in (*honest, *attack)}
    assert 0 < summary.scans <= len(received)
    for finding in summary.findings:
        for reason in finding.reasons:
            if reason.reason == "scanned-in-other-sessions":
                assert 0 < int(reason.facts["at_least"]) < len(received)


@settings(max_examples=examples(60))
@given(
    honest_histories(),
    sent_from(st.one_of(_evidence, _no_evidence)),
    st.randoms(use_true_random=False),
    st.integers(1, 9),
)
def test_any_order_duplication_and_splitting_end_in_the_same_bytes(
    honest: list[Observation], attack: list[Observation], rng: random.Random, size: int
) -> None:
    everything = [*honest, *attack]
    shuffled = everything + rng.sample(everything, len(everything) // 2)
    rng.shuffle(shuffled)
    history = EMPTY
    for start in range(0, len(shuffled), size):
        history = merge(history, history_of(shuffled[start : start + size]))
    assert encode_history(history) == encode_history(history_of(everything))


def officers(
    *where: tuple[str, Place], apart: timedelta = MINUTE, **changes: Any
) -> list[Observation]:
    return [
        trusted(f"o{n}", who, channel=Channel.CUSTOMS, place=place, after=n * apart, **changes)
        for n, (who, place) in enumerate(where)
    ]


SIX = [
    ("kr", SEOUL), ("fr", PARIS), ("au", SYDNEY), ("us", NEW_YORK), ("kr", SEOUL), ("fr", PARIS),
]  # fmt: skip


def test_a_code_that_officers_hold_on_four_continents_within_minutes_is_on_several_packs() -> None:
    found = {f.kind: f for f in findings_of(history_of(officers(*SIX)))}
    assert {FindingKind.CLONE_CONFIRMED, FindingKind.CLONE_SUSPECTED} <= set(found)
    [reason] = found[FindingKind.CLONE_CONFIRMED].reasons
    assert reason.reason == "held-in-several-places-at-once"
    assert (reason.facts["places"], reason.facts["minutes"]) == (4, 3)
    assert standing(officers(*SIX)) is Standing.SUSPECT


@pytest.mark.parametrize(
    ("where", "kinds"),
    [
        (SIX[:2], {FindingKind.CLONE_SUSPECTED}),
        (SIX[:3], {FindingKind.CLONE_SUSPECTED, FindingKind.CLONE_CONFIRMED}),
        ([("kr", SEOUL), ("kr", PARIS)], set()),
        ([("kr", SEOUL), ("kr", PARIS), ("kr", SYDNEY)], {FindingKind.CLONE_SUSPECTED}),
        ([("kr", SEOUL), ("kr", PARIS), ("fr", REIMS)], {FindingKind.CLONE_SUSPECTED}),
        ([("fr", PARIS), ("de", REIMS)], set()),
    ],
)
def test_how_many_places_and_scanners_suspect_or_prove_copies(
    where: list[tuple[str, Place]], kinds: set[FindingKind]
) -> None:
    found = {finding.kind for finding in findings_of(history_of(officers(*where)))}
    expected = {FindingKind.CLONE_SUSPECTED, FindingKind.CLONE_CONFIRMED}
    assert found & expected == kinds


def test_an_officer_whose_clock_is_not_proven_by_the_arrival_shows_no_place_in_time() -> None:
    late = officers(*SIX, received_at=NOON + 2 * DAY)
    assert not {FindingKind.CLONE_CONFIRMED} & {f.kind for f in findings_of(history_of(late))}
    days_apart = officers(*SIX[:4], apart=2 * DAY)
    kinds = {finding.kind for finding in findings_of(history_of(days_apart))}
    assert FindingKind.CLONE_CONFIRMED not in kinds


def test_no_stranger_is_taken_for_an_officer() -> None:
    strangers = [
        claimed(f"c{n}", place=place, after=n * MINUTE) for n, (_, place) in enumerate(SIX)
    ]
    assert {f.kind for f in findings_of(history_of(strangers))} == {FindingKind.SEEN_BEFORE}


_attackers = st.builds(
    seen,
    st.integers(0, 40).map(str),
    session=st.sampled_from([None, "s1", "s2", "s3", "s4", "s5", "s6", "s7"]),
    after=st.integers(-72 * 60, 5).map(lambda minutes: timedelta(minutes=minutes)),
    received_at=st.integers(0, 600).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    network=st.one_of(_evidence, _no_evidence),
)


@settings(max_examples=examples(200))
@given(st.lists(_attackers, min_size=1, max_size=60))
def test_people_are_told_of_no_more_scanners_than_there_were_networks(
    sent: list[Observation],
) -> None:
    """Whatever sessions and times of capture were named; none before the first arrival."""
    history = history_of(sent)
    summary = summarize_item(ITEM, history, REGISTRY, DEFAULT_POLICY)
    told = assess_for_caller(ITEM, seen("mine"), history, REGISTRY, DEFAULT_POLICY)
    assert told is not None
    networks = {each.network for each in sent if each.network}
    sessions = {each.session for each in sent if not each.network}
    assert 1 <= summary.scans <= len(networks) + len(sessions)
    assert 1 <= told.scans <= len(networks) + len(sessions)
    for finding in (*summary.findings, *told.findings):
        if finding.kind is FindingKind.SEEN_BEFORE:
            counts = [int(reason.facts["at_least"]) for reason in finding.reasons]
            assert max(counts) <= max(1, len(networks) + len(sessions))
    arrived = [each.arrived_ms for each in sent]
    assert told.first is not None and told.last is not None
    for first, last in ((summary.first, summary.last), (told.first, told.last)):
        assert min(arrived) <= to_epoch_ms(first) <= to_epoch_ms(last) <= max(arrived)


def test_of_known_scanners_sessions_count_and_the_time_of_capture() -> None:
    shops = [
        trusted(str(n), f"shop-{n % 3}", session="till", after=-DAY, received_at=NOON)
        for n in range(6)
    ]
    summary = summarize_item(ITEM, history_of(shops), REGISTRY, DEFAULT_POLICY)
    assert (summary.scans, summary.first) == (3, NOON - DAY)
