"""What many items together say of a batch or a scanner."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.signals import (
    COPIES,
    MISPLACED,
    MOST_CLUES,
    MOST_CLUES_ASSESSED,
    REFUSED,
    VOUCHED,
    Clue,
    assess_subject,
    by_subject,
    clues_of,
)
from authenticity.gs1.item import (
    SubjectId,
    batch_subject,
    batch_within,
    item_id,
    route_subject,
    scanner_subject,
)
from authenticity.history.history import history_of, merge
from authenticity.history.observation import Sighting, session_hash
from authenticity.records.scan import Act, Channel
from authenticity.trust.verdict import Doubt
from tests.unit.authenticity.detection.observations import (
    ITEM,
    LYON,
    PARIS,
    RIO,
    TOKYO,
    any_sighting,
    buyers,
    doubtful,
    seen,
    trusted,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BATCH = batch_subject("09506000134352", "L1")


def clues(*sightings: Sighting) -> tuple[Clue, ...]:
    return clues_of(ITEM, history_of(sightings), None, DEFAULT_POLICY)


def of_items(sign: str, weights: Sequence[int], details: Sequence[str] = ("",)) -> list[Clue]:
    return [
        Clue(BATCH, item_id("09506000134352", f"S{number:06d}"), sign, weight,
             details[number % len(details)])
        for number, weight in enumerate(weights)
    ]  # fmt: skip


def kinds(found: list[Clue]) -> set[FindingKind]:
    return {finding.kind for finding in assess_subject(found, DEFAULT_POLICY)}


def test_one_look_at_a_genuine_code_is_no_clue() -> None:
    assert clues(seen("a", place=PARIS)) == ()


def test_what_looks_weigh_is_a_clue_about_the_batch() -> None:
    [at_home] = clues(seen("a", place=PARIS), seen("b", place=PARIS, after=HOUR))
    [everywhere] = [clue for clue in clues(*buyers(16)) if clue.sign == COPIES]
    assert at_home.subject == everywhere.subject == BATCH
    assert at_home.weight < 0 < everywhere.weight


def test_what_is_only_claimed_never_speaks_for_copies() -> None:
    claims = [PARIS, TOKYO, RIO, LYON] * 4
    [clue] = clues(*(seen(str(n), place=at, after=n * 2 * DAY) for n, at in enumerate(claims)))
    assert clue.weight <= 0


def test_a_forged_code_is_a_clue_about_the_stranger_who_read_it_and_about_no_officer() -> None:
    forged = doubtful(Doubt.FORGED)
    [clue] = clues(seen("a", forged, session="s"))
    session = session_hash("consumer-web", "s")
    assert (clue.subject, clue.sign) == (scanner_subject(session, known=False), REFUSED)
    assert clues(trusted("b", verdict=forged, channel=Channel.CUSTOMS)) == ()


def test_holding_an_item_elsewhere_before_it_left_the_shop_is_a_clue_about_the_scanner() -> None:
    sale: dict[str, Any] = {"act": Act.SELL, "place": PARIS, "after": 2 * DAY}
    found = clues(seen("a", place=TOKYO, session="s"), trusted("b", **sale))
    [clue] = [clue for clue in found if clue.sign == MISPLACED]
    assert clue.subject == scanner_subject(session_hash("consumer-web", "s"), known=False)


def test_two_sales_are_a_clue_about_both_shops() -> None:
    found = clues(
        trusted("a", "shop-1", act=Act.SELL, place=PARIS),
        trusted("b", "shop-2", act=Act.SELL, place=LYON, after=DAY),
    )
    assert len({clue.subject for clue in found if clue.sign == VOUCHED}) == 2


def test_many_items_that_look_a_little_copied_are_a_campaign() -> None:
    assert kinds(of_items(COPIES, [250] * 8)) == {FindingKind.CAMPAIGN}


def test_what_looks_weigh_is_a_clue_about_the_hands_that_had_it_last_and_about_no_officer() -> None:
    chain = {"act": None, "channel": Channel.LOGISTICS, "place": PARIS}
    way = [
        trusted("1", "plant", **chain, after=-9 * DAY),
        trusted("2", "border", **(chain | {"channel": Channel.CUSTOMS}), after=-6 * DAY),
        trusted("3", "wholesaler", **chain, after=-5 * DAY),
        trusted("4", "shop", act=Act.SELL, place=LYON, after=-DAY),
    ]
    copies = [clue for clue in clues(*way, *buyers(16)) if clue.sign == COPIES]
    warehouse = route_subject("09506000134352", "L1", way[2].actor)
    shop = scanner_subject(way[3].actor, known=True)
    assert {clue.subject for clue in copies} == {BATCH, warehouse, shop}
    assert len({clue.weight for clue in copies}) == 1
    assert batch_within(warehouse) == BATCH


def test_items_of_many_batches_from_one_shop_that_look_copied_are_a_campaign_there() -> None:
    shop = scanner_subject(77, known=True)
    found = [msgspec.structs.replace(c, subject=shop) for c in of_items(COPIES, [250] * 8)]
    [campaign] = assess_subject(found, DEFAULT_POLICY)
    assert campaign.kind is FindingKind.CAMPAIGN
    assert campaign.reasons[0].reason == "many-items-from-here-look-copied"


def test_one_item_however_suspicious_is_no_campaign() -> None:
    assert kinds(of_items(COPIES, [500] * 2)) == set()


def test_the_odd_traveller_among_many_quiet_items_is_no_campaign() -> None:
    assert kinds(of_items(COPIES, [250] * 8 + [-200] * 400)) == set()


def test_a_clue_that_goes_takes_the_campaign_with_it() -> None:
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


@given(st.lists(any_sighting(), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_clues_depend_on_no_order_of_arrival(sightings: list[Sighting], rng: Any) -> None:
    straight = clues(*sightings)
    rng.shuffle(sightings)
    middle = len(sightings) // 2
    merged = merge(history_of(sightings[middle:]), history_of(sightings[:middle]))
    assert clues_of(ITEM, merged, None, DEFAULT_POLICY) == straight
    assert len(straight) <= MOST_CLUES
    assert list(straight) == sorted(straight)


def test_of_too_many_clues_about_one_subject_the_first_are_assessed() -> None:
    found = of_items(COPIES, [1] * (MOST_CLUES_ASSESSED + 5))
    other = [Clue(SubjectId("z"), ITEM, COPIES, 1, "")]
    grouped = by_subject([*other, *reversed(found)])
    assert grouped[BATCH] == sorted(found)[:MOST_CLUES_ASSESSED]
    assert grouped[SubjectId("z")] == other
