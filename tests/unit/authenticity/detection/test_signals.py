"""What many items together say of a batch or a scanner."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from authenticity.detection.common_country import KNOWN_SCANNERS, read_seen_from
from authenticity.detection.evidence import evidence_of
from authenticity.detection.findings import COPIES, MISPLACED, REFUSED, VOUCHED, FindingKind
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.prints import NOTHING_REGISTERED, prints_of
from authenticity.detection.signals import (
    MAX_SIGNALS,
    MAX_SIGNALS_ASSESSED,
    Signal,
    assess_entity,
    by_entity,
    signals_of,
)
from authenticity.gs1.item import (
    EntityId,
    batch_entity,
    batch_within,
    custody_leg_entity,
    item_id,
    network_entity,
    scanner_entity,
)
from authenticity.history.history import History, history_of, merge
from authenticity.history.observation import Observation, network_number, session_hash
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Act, Channel
from authenticity.records.serial_filter import filter_of
from authenticity.trust.verdict import Doubt
from tests.unit.authenticity.detection.make_observations import (
    ITEM,
    LYON,
    PARIS,
    RIO,
    TOKYO,
    any_observation,
    buyers,
    claimed,
    doubtful,
    genuine,
    keyed,
    seen,
    trusted,
)

from .test_assess import batch
from .test_statements_only_worsen import SERIAL

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BATCH = batch_entity("09506000134352", "L1")


def signals_in(history: History) -> tuple[Signal, ...]:
    return signals_of(ITEM, evidence_of(history, NOTHING_REGISTERED, DEFAULT_POLICY), ())


def signals(*observations: Observation) -> tuple[Signal, ...]:
    return signals_in(history_of(observations))


NETWORKS = [f"{number:08x}@NG" for number in range(8)]


def of_items(kind: str, weights: Sequence[int], details: Sequence[str] = NETWORKS) -> list[Signal]:
    return [
        Signal(BATCH, item_id("09506000134352", f"S{number:06d}"), kind, weight,
             details[number % len(details)])
        for number, weight in enumerate(weights)
    ]  # fmt: skip


def kinds(found: list[Signal]) -> set[FindingKind]:
    return {finding.kind for finding in assess_entity(found, DEFAULT_POLICY)}


def test_one_session_with_a_genuine_code_gives_no_signal() -> None:
    assert signals(seen("a", place=PARIS)) == ()


def test_the_score_of_sessions_is_a_signal_about_the_batch() -> None:
    [at_home] = signals(seen("a", place=PARIS), seen("b", place=PARIS, after=HOUR))
    [everywhere] = [signal for signal in signals(*buyers(16)) if signal.kind == COPIES]
    assert at_home.entity == everywhere.entity == BATCH
    assert at_home.weight < 0 < everywhere.weight


def test_what_is_only_self_reported_never_speaks_for_copies() -> None:
    claims = [PARIS, TOKYO, RIO, LYON] * 4
    assert (
        signals(*(claimed(str(n), place=at, after=n * 2 * DAY) for n, at in enumerate(claims)))
        == ()
    )


def test_what_one_network_shows_does_not_speak_for_copies() -> None:
    found = signals(trusted("a", place=PARIS, act=Act.SELL), seen("b", place=TOKYO, after=HOUR))
    weights = {signal.weight for signal in found if signal.kind == COPIES}
    assert weights
    assert max(weights) <= 0


def test_the_networks_that_a_suspicion_rests_on_are_in_its_signal() -> None:
    [signal] = [each for each in signals(*buyers(9)) if each.kind == COPIES]
    assert len(read_seen_from(signal.detail).networks) == 9


def test_copies_are_counted_in_the_batch_that_holds_the_serial_whatever_came_first() -> None:
    holding, denying = (
        batch(batch_id=lot, lot=lot, count=1, serials=filter_of([serial]))
        for lot, serial in (("L1", SERIAL), ("L8", "R8"))
    )
    observations = [seen("thief", genuine("L8"), place=PARIS, after=-HOUR), *buyers(6)]
    prints = prints_of(ITEM, observations, BatchRegistry([holding, denying]))
    evidence = evidence_of(history_of(observations), prints, DEFAULT_POLICY)
    assert {s.entity for s in signals_of(ITEM, evidence, ()) if s.kind == COPIES} == {BATCH}
    unregistered = prints_of(ITEM, observations, BatchRegistry([denying]))
    evidence = evidence_of(history_of(observations), unregistered, DEFAULT_POLICY)
    assert {s.entity for s in signals_of(ITEM, evidence, ()) if s.kind == COPIES} == {BATCH}


def test_a_forged_code_is_a_signal_about_the_stranger_who_read_it_and_about_no_officer() -> None:
    forged = doubtful(Doubt.FORGED)
    [signal] = signals(seen("a", forged, session="s"))
    network = network_entity(network_number(keyed("s")))
    assert (signal.entity, signal.kind) == (network, REFUSED)
    [unseen] = signals(claimed("a", verdict=forged, session="s"))
    session = session_hash("consumer-web", "s")
    assert unseen.entity == scanner_entity(session, known=False)
    assert signals(trusted("b", verdict=forged, channel=Channel.CUSTOMS)) == ()


def test_holding_an_item_elsewhere_before_it_left_the_shop_is_a_signal_about_the_scanner() -> None:
    sale: dict[str, Any] = {"act": Act.SELL, "place": PARIS, "after": 2 * DAY}
    found = signals(seen("a", place=TOKYO, session="s"), trusted("b", **sale))
    [signal] = [signal for signal in found if signal.kind == MISPLACED]
    assert signal.entity == network_entity(network_number(keyed("s")))


def test_two_sales_are_a_signal_about_both_shops() -> None:
    found = signals(
        trusted("a", "shop-1", act=Act.SELL, place=PARIS),
        trusted("b", "shop-2", act=Act.SELL, place=LYON, after=DAY),
    )
    assert len({signal.entity for signal in found if signal.kind == VOUCHED}) == 2


def test_many_items_that_seem_a_little_copied_are_a_campaign() -> None:
    assert kinds(of_items(COPIES, [350] * 8)) == {FindingKind.CAMPAIGN}


def test_what_few_networks_could_have_brought_about_is_no_campaign() -> None:
    """However many items: four networks, two on each of them and beside one of its own."""
    few = [
        f"{number % 4:08x}@NG {(number + 1) % 4:08x}@NG {number + 9:08x}@NG" for number in range(90)
    ]
    assert kinds(of_items(COPIES, [500] * 90, few)) == set()
    assert kinds(of_items(COPIES, [500] * 8, NETWORKS)) == {FindingKind.CAMPAIGN}


def test_what_known_scanners_show_item_by_item_is_a_campaign() -> None:
    assert kinds(of_items(COPIES, [350] * 8, [f"{KNOWN_SCANNERS} @NG"])) == {FindingKind.CAMPAIGN}


def test_a_signal_that_names_no_networks_is_of_an_earlier_version_and_no_campaign() -> None:
    assert kinds(of_items(COPIES, [350] * 8, [""])) == set()


def test_the_score_is_a_signal_about_the_last_custodian_and_about_no_officer() -> None:
    chain = {"act": None, "channel": Channel.LOGISTICS, "place": PARIS}
    way = [
        trusted("1", "plant", **chain, after=-9 * DAY),
        trusted("2", "border", **(chain | {"channel": Channel.CUSTOMS}), after=-6 * DAY),
        trusted("3", "wholesaler", **chain, after=-5 * DAY),
        trusted("4", "shop", act=Act.SELL, place=LYON, after=-DAY),
    ]
    copies = [signal for signal in signals(*way, *buyers(16)) if signal.kind == COPIES]
    warehouse = custody_leg_entity("09506000134352", "L1", way[2].actor)
    shop = scanner_entity(way[3].actor, known=True)
    assert {signal.entity for signal in copies} == {BATCH, warehouse, shop}
    assert len({signal.weight for signal in copies}) == 1
    assert batch_within(warehouse) == BATCH


def test_items_of_many_batches_from_one_shop_that_seem_copied_are_a_campaign_there() -> None:
    shop = scanner_entity(77, known=True)
    found = [msgspec.structs.replace(c, entity=shop) for c in of_items(COPIES, [350] * 8)]
    [campaign] = assess_entity(found, DEFAULT_POLICY)
    assert campaign.kind is FindingKind.CAMPAIGN
    assert campaign.reasons[0].reason == "many-items-from-here-look-copied"


def test_a_campaign_says_in_which_country_its_items_were_seen() -> None:
    abroad, home = of_items(COPIES, [350] * 8), [f"{n:08x}@FR" for n in range(100, 120)]
    others = of_items(COPIES, [350] * 8 + [-10] * 20, [*NETWORKS, *home])[8:]
    [campaign] = assess_entity(sorted([*abroad, *others]), DEFAULT_POLICY)
    assert campaign.reasons[0].facts == {"items_at_least": 8, "networks_at_least": 8}
    assert campaign.reasons[1].reason == "seen-in-one-country"
    assert campaign.reasons[1].facts == {"items_at_least": 4, "countries": "NG"}


def test_items_that_look_copied_where_all_others_are_seen_are_no_campaign() -> None:
    assert kinds(of_items(COPIES, [350] * 8 + [-10] * 20)) == set()


def test_a_quiet_item_says_where_it_was_seen_too() -> None:
    at_home = [trusted("s", place=PARIS, act=Act.SELL), seen("a", place=PARIS, after=HOUR)]
    quiet = [signal for signal in signals(*at_home) if signal.kind == COPIES]
    assert quiet
    assert all(signal.weight < 0 for signal in quiet)
    [countries] = {frozenset(read_seen_from(signal.detail).countries) for signal in quiet}
    assert countries == {"FR"}


def test_one_item_however_suspicious_is_no_campaign() -> None:
    assert kinds(of_items(COPIES, [500] * 2)) == set()


def test_the_odd_traveller_among_many_quiet_items_is_no_campaign() -> None:
    assert kinds(of_items(COPIES, [350] * 8 + [-200] * 400)) == set()


def test_a_signal_that_goes_takes_the_campaign_with_it() -> None:
    found = of_items(COPIES, [300] * 8)
    assert kinds(found) == {FindingKind.CAMPAIGN}
    assert kinds(found[:2]) == set()


def test_inventing_serials_is_probing_and_a_few_fakes_in_a_cupboard_are_not() -> None:
    assert kinds(of_items(REFUSED, [1] * 40)) == {FindingKind.PROBING}
    assert kinds(of_items(REFUSED, [1] * 4)) == set()


def test_somebody_behind_a_vpn_checks_ten_packs_and_poisons_nothing() -> None:
    assert kinds(of_items(MISPLACED, [1] * 10, ["far"])) == set()


def test_one_scanner_on_three_continents_at_packs_still_in_the_shop_poisons() -> None:
    assert kinds(of_items(MISPLACED, [1] * 6, ["a", "b", "c"])) == {FindingKind.POISONING}


def test_a_shop_that_sells_what_others_sold_again_and_again_colludes() -> None:
    assert kinds(of_items(VOUCHED, [1] * 8)) == {FindingKind.COLLUDING}
    assert kinds(of_items(VOUCHED, [1] * 2)) == set()


@given(st.lists(any_observation(), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_signals_depend_on_no_order_of_arrival(observations: list[Observation], rng: Any) -> None:
    straight = signals(*observations)
    rng.shuffle(observations)
    middle = len(observations) // 2
    merged = merge(history_of(observations[middle:]), history_of(observations[:middle]))
    assert signals_in(merged) == straight
    assert len(straight) <= MAX_SIGNALS
    assert list(straight) == sorted(straight)


def test_of_too_many_signals_about_one_entity_the_first_are_assessed() -> None:
    found = of_items(COPIES, [1] * (MAX_SIGNALS_ASSESSED + 5))
    other = [Signal(EntityId("z"), ITEM, COPIES, 1, "")]
    grouped = by_entity([*other, *reversed(found)])
    assert grouped[BATCH] == sorted(found)[:MAX_SIGNALS_ASSESSED]
    assert grouped[EntityId("z")] == other
