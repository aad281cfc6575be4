"""Laws of prints: what codes with other prints under a serial, and statements about other
batches, do to a code.

An attacker has a stolen key: it signs any print under any serial, and states batches. A code
under a revoked key is refused, unless the batch of its own print excuses it.
"""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from authenticity.detection.assess import assess_item_update
from authenticity.detection.caller_assessment import CallerAssessment, assess_for_caller
from authenticity.detection.evidence import evidence_of
from authenticity.detection.findings import FindingKind
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.prints import prints_of
from authenticity.detection.standing import Standing
from authenticity.history.history import history_of
from authenticity.history.observation import Observation, observe
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.serial_filter import filter_of
from authenticity.trust.verdict import Doubt, Verdict
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import (
    ITEM,
    NOON,
    PARIS,
    doubtful,
    genuine,
    network_at,
    scan,
    seen,
    trusted,
)

from .test_assess import DAY, HOUR, batch
from .test_statements_only_worsen import SERIAL, accepted, in_parts, stated

LISTED = batch(batch_id="real", count=3, serials=filter_of(["R1", "R2", "R3"]))
HOLDS = batch(batch_id="real", count=2, serials=filter_of([SERIAL, "R1"]))
DENIES = batch(batch_id="other", lot="L8", count=1, serials=filter_of(["R8"]))
WITHOUT_LIST = batch(batch_id="old", lot="L5", serials=None)
OTHER_LOTS = st.sampled_from([None, "L", "L1X", "L5", "L8", "NOBODYS"])
GOOD = (Standing.VERIFIED, Standing.SEEN_BEFORE)
MINE = seen("mine", place=PARIS, after=2 * HOUR)


def revoked(lot: str | None, key_slot: int) -> Verdict:
    facts: dict[str, Any] = {"lot": lot, "expiry": "280630", "revoked_at": NOON}
    return doubtful(Doubt.KEY_REVOKED, **facts, key_slot=key_slot)


SIGNED = st.builds(genuine, OTHER_LOTS, st.sampled_from([None, "280630", "301231"]))
REFUSED = st.one_of(
    st.builds(revoked, OTHER_LOTS, st.sampled_from([0, 7])),
    st.builds(lambda lot: doubtful(Doubt.KEY_NOT_VALID, lot=lot, expiry="280630"), OTHER_LOTS),
)


def scans_of(codes: st.SearchStrategy[Verdict]) -> st.SearchStrategy[list[Observation]]:
    """Anonymous scans from three networks in one place, before and after `MINE`."""
    return st.lists(
        st.builds(
            seen,
            st.integers(0, 9).map(str),
            codes,
            place=st.just(PARIS),
            network=st.sampled_from(["one", "two", "three"]),
            after=st.integers(-10, 200).map(lambda hours: timedelta(hours=hours)),
        ),
        max_size=8,
    )


OF_OTHERS = st.builds(
    stated,
    st.sampled_from(["0", "zz"]),
    st.sampled_from(list(BatchStatus)),
    st.sampled_from([None, ["T1"], [SERIAL], [SERIAL, "T1"]]),
    st.sampled_from([LISTED.lot, "L", "L8", None]),
    revision=st.integers(1, 4),
    expiry=st.sampled_from(["280630", "301231", None]),
    released_at=st.sampled_from([None, LISTED.registered_at]),
)
STATEMENTS = st.lists(st.one_of(OF_OTHERS, OF_OTHERS.map(in_parts)).filter(accepted), max_size=3)


def told(mine: Observation, scans: list[Observation], *batches: Batch) -> CallerAssessment:
    registry = BatchRegistry(batches)
    found = assess_for_caller(ITEM, mine, history_of(scans), registry, DEFAULT_POLICY)
    assert found is not None
    merged = history_of([*scans, mine])
    assert assess_for_caller(ITEM, mine, merged, registry, DEFAULT_POLICY) == found
    return found


def kinds(found: CallerAssessment) -> set[FindingKind]:
    return {finding.kind for finding in found.findings}


def alerts(scans: list[Observation], *batches: Batch) -> set[FindingKind]:
    registry = BatchRegistry(batches)
    update = assess_item_update(ITEM, history_of(scans), {}, registry, DEFAULT_POLICY)
    return {alert.kind for alert in update.alerts}


def standing(scans: list[Observation], *batches: Batch) -> Standing:
    return summarize_item(ITEM, history_of(scans), BatchRegistry(batches), DEFAULT_POLICY).standing


@settings(max_examples=examples(150))
@given(scans_of(st.one_of(SIGNED, REFUSED)))
def test_no_scan_makes_an_invented_serial_of_a_listed_lot_better_than_never_issued(
    scans: list[Observation],
) -> None:
    batches = LISTED, DENIES, WITHOUT_LIST
    found = told(MINE, scans, *batches)
    assert found.standing is Standing.SUSPECT
    assert FindingKind.NEVER_ISSUED in kinds(found)
    assert FindingKind.NEVER_ISSUED in alerts([*scans, MINE], *batches)
    assert standing([*scans, MINE], *batches) is Standing.SUSPECT


@settings(max_examples=examples(150))
@given(
    scans_of(st.one_of(SIGNED, REFUSED)),
    STATEMENTS.map(
        lambda all_: [each for each in all_ if each.lot != LISTED.lot or each.serials is None]
    ),
)
def test_no_scan_and_no_statement_makes_a_serial_good_that_no_list_of_its_printed_lot_holds(
    scans: list[Observation], statements: list[Batch]
) -> None:
    """Lists of other lots may hold it, as a thief states them."""
    known = [each for each in statements if not (each.lot == LISTED.lot and each.parts)]
    assert told(MINE, scans, LISTED, DENIES, *known).standing is Standing.SUSPECT
    assert standing([*scans, MINE], LISTED, DENIES, *known) not in GOOD


RECALLED = st.sampled_from(
    [
        HOLDS,
        replace(HOLDS, serials=None),
        in_parts(replace(HOLDS, serials=None)),
        replace(HOLDS, expiry="270101"),
    ]
)


@settings(max_examples=examples(200))
@given(
    RECALLED,
    st.sampled_from(
        [(BatchStatus.RECALLED, FindingKind.RECALLED), (BatchStatus.STOLEN, FindingKind.STOLEN)]
    ),
    scans_of(st.one_of(SIGNED, REFUSED)),
    STATEMENTS,
)
def test_no_scan_and_no_statement_takes_a_declaration_from_a_pack_that_prints_its_lot(
    of: Batch,
    declared: tuple[BatchStatus, FindingKind],
    scans: list[Observation],
    statements: list[Batch],
) -> None:
    status, kind = declared
    batches = replace(of, status=status), DENIES, *statements
    found = told(MINE, scans, *batches)
    assert found.standing is Standing.SUSPECT
    assert kind in kinds(found)
    assert kind in alerts([*scans, MINE], *batches)
    assert standing([*scans, MINE], *batches) is Standing.SUSPECT


@settings(max_examples=examples(150))
@given(scans_of(SIGNED))
def test_no_other_print_under_its_serial_makes_a_listed_pack_never_issued(
    scans: list[Observation],
) -> None:
    """Even under a key that nobody knows to be lost. What is found is another lot or date."""
    batches = HOLDS, DENIES, WITHOUT_LIST
    found = told(MINE, scans, *batches)
    assert found.standing in (*GOOD, Standing.CAUTION)
    assert FindingKind.NEVER_ISSUED not in kinds(found)
    assert standing([*scans, MINE], *batches) in (*GOOD, Standing.CAUTION)
    if any(scan.lot != HOLDS.lot for scan in scans):
        assert FindingKind.WRONG_BATCH in kinds(found)


@settings(max_examples=examples(150))
@given(scans_of(REFUSED))
def test_no_code_of_a_revoked_key_changes_what_a_listed_pack_is(scans: list[Observation]) -> None:
    """Of whatever slot: the batch that excuses the pack's own code excuses no other print."""
    old = seen("mine", revoked("L1", 0), place=PARIS, after=2 * HOUR)
    for mine in (MINE, old):
        found = told(mine, scans, HOLDS, DENIES)
        assert found.standing is Standing.VERIFIED
        assert kinds(found) <= {
            FindingKind.KEY_REVOKED, FindingKind.KEY_NOT_VALID, FindingKind.SCAN_ID_REUSED
        }  # fmt: skip
        assert standing([*scans, mine], HOLDS, DENIES) is Standing.VERIFIED


def test_a_denied_print_of_a_listed_pack_is_an_alert_and_red_for_whoever_holds_it() -> None:
    thiefs = seen("x", genuine("L8"), place=PARIS)
    assert FindingKind.NEVER_ISSUED in alerts([MINE, thiefs], HOLDS, DENIES)
    assert standing([MINE, thiefs], HOLDS, DENIES) is Standing.CAUTION
    found = told(thiefs, [MINE], HOLDS, DENIES)
    assert found.standing is Standing.SUSPECT
    assert FindingKind.NEVER_ISSUED in kinds(found)


def test_a_pack_that_a_thief_lists_in_another_lot_keeps_the_recall_of_its_own() -> None:
    thiefs = stated("zz", BatchStatus.NORMAL, [SERIAL], "L")
    recalled = replace(HOLDS, status=BatchStatus.RECALLED)
    first = seen("x", genuine("L"), place=PARIS)
    for mine in (MINE, seen("y", genuine("L"), place=PARIS, after=DAY)):
        scans = [first] if mine is MINE else [first, MINE]
        assert told(mine, scans, recalled, thiefs).standing is Standing.SUSPECT
    assert standing([first, MINE], recalled, thiefs) is Standing.SUSPECT


def test_what_is_declared_of_one_run_of_a_lot_is_not_of_packs_that_another_lists() -> None:
    other = replace(LISTED, batch_id="run 2", status=BatchStatus.RECALLED)
    assert told(MINE, [], HOLDS, other).standing is Standing.VERIFIED
    assert kinds(told(MINE, [], LISTED, other)) == {FindingKind.NEVER_ISSUED, FindingKind.RECALLED}


@pytest.mark.parametrize("lot", [None, "", "L", "L1X", "other"])
def test_a_signed_lot_that_is_missing_or_shorter_is_another_lot(lot: str | None) -> None:
    signed = seen("x", genuine(lot or None), place=PARIS)
    found = told(MINE, [signed], HOLDS)
    assert FindingKind.WRONG_BATCH in kinds(found)
    assert found.standing is Standing.CAUTION
    read = trusted("y", verdict=doubtful(Doubt.UNSIGNED, lot=lot), place=PARIS, after=HOUR)
    by_officer = told(MINE, [read], HOLDS)
    assert (FindingKind.WRONG_BATCH in kinds(by_officer)) == (lot == "other")


def test_a_signed_date_that_is_missing_is_another_date_beside_one_that_has_it() -> None:
    without = seen("x", genuine("L1", None), place=PARIS)
    assert FindingKind.WRONG_EXPIRY in kinds(told(MINE, [without], HOLDS))
    assert FindingKind.WRONG_EXPIRY not in kinds(told(without, [without], HOLDS))


def test_that_a_print_is_not_registered_is_said_however_often_it_is_scanned() -> None:
    mine = seen("mine", genuine("NOBODYS"), place=PARIS, after=HOUR)
    others = [seen(f"x{n}", genuine("NOBODYS"), place=PARIS) for n in range(3)]
    assert (told(mine, [], HOLDS).standing, told(mine, [], HOLDS).unregistered) == (
        Standing.VERIFIED,
        True,
    )
    found = told(mine, others, HOLDS)
    assert (found.standing, found.unregistered) == (Standing.SEEN_BEFORE, True)
    assert told(mine, [*others, MINE], HOLDS).unregistered
    assert not told(MINE, [*others, mine], HOLDS).unregistered


RECALLED_LOT = replace(HOLDS, status=BatchStatus.RECALLED)
UNPLACED: dict[str, Any] = {"place": None, "network": None}


def flood(number: int, lot: str = "NOBODYS") -> list[Observation]:
    """Codes under a revoked key, from nobody knows where, captured before and after `MINE`."""
    return [
        seen(
            f"flood {n}", revoked(lot, 7), session=f"flood {n}", **UNPLACED,
            after=2 * HOUR + timedelta(minutes=n - number // 2),
        )
        for n in range(number)
    ]  # fmt: skip


@pytest.mark.parametrize("number", [1, 30, 200])
def test_no_number_of_codes_under_a_revoked_key_hides_the_code_in_hand(number: int) -> None:
    mine = seen("mine", session="mine", **UNPLACED, after=2 * HOUR)
    found = told(mine, flood(number), HOLDS)
    assert found.standing in GOOD
    recalled = told(mine, flood(number), RECALLED_LOT)
    assert recalled.standing is Standing.SUSPECT
    assert FindingKind.RECALLED in kinds(recalled)
    invented = told(mine, flood(number), LISTED)
    assert FindingKind.NEVER_ISSUED in kinds(invented)


@pytest.mark.parametrize("status", [BatchStatus.RECALLED, BatchStatus.STOLEN])
def test_a_declaration_without_a_list_excuses_no_code_under_a_revoked_key(
    status: BatchStatus,
) -> None:
    evil = batch(batch_id="evil", lot="EVIL", serials=None, status=status, key_slot=7)
    scan = seen("x", revoked("EVIL", 7), place=PARIS)
    assert told(MINE, [scan], HOLDS, evil).standing in GOOD
    assert alerts([scan, MINE], HOLDS, evil) <= {FindingKind.KEY_REVOKED}


def test_the_recall_of_a_lot_that_denies_a_serial_is_of_no_other_pack() -> None:
    recalled = replace(DENIES, status=BatchStatus.RECALLED)
    stolen_key = seen("x", genuine("L8"), place=PARIS)
    assert told(MINE, [stolen_key], HOLDS, recalled).standing is Standing.CAUTION
    mine = seen("mine", genuine("L8"), place=PARIS, after=2 * HOUR)
    assert FindingKind.RECALLED in kinds(told(mine, [], HOLDS, recalled)), "its own print"


def test_one_stranger_with_a_revoked_key_raises_no_alert_that_a_serial_was_never_issued() -> None:
    def read(name: str) -> Observation:
        return seen(name, revoked("L8", 0), network=name, place=PARIS)

    assert FindingKind.NEVER_ISSUED not in alerts([read("one")], DENIES)
    assert FindingKind.NEVER_ISSUED in alerts([read("one"), read("two")], DENIES)
    officer = trusted("officer", verdict=revoked("L8", 0), place=PARIS)
    assert FindingKind.NEVER_ISSUED in alerts([officer], DENIES)


@settings(max_examples=examples(60))
@given(st.integers(0, 60), st.sampled_from(["carrier", "another"]))
def test_no_number_of_replays_makes_a_print_that_nobody_registered_good(
    replays: int, network: str
) -> None:
    """The code in hand is read beside what is remembered, whether a history keeps it or not."""
    mine = seen("mine", genuine("NOBODYS"), place=PARIS, network="carrier", after=10 * HOUR)
    others = [
        seen(f"r{n}", genuine("L1"), place=PARIS, network=network, after=HOUR * (1 + n % 20))
        for n in range(replays)
    ]
    found = told(mine, others, HOLDS)
    assert replays == 0 or FindingKind.WRONG_BATCH in kinds(found)


def test_a_retry_after_a_revocation_is_judged_as_the_scan_that_arrived_first() -> None:
    first = scan("mine", place=PARIS)
    again = replace(first, received_at=first.received_at + 40 * HOUR)
    scans = [observe(first, genuine(), 1), observe(again, revoked("L1", 0), 2)]
    for some in (scans, scans[::-1]):
        history = history_of(some)
        assert summarize_item(ITEM, history, BatchRegistry(), DEFAULT_POLICY).standing in GOOD
    newer = [observe(first, genuine(), 1), observe(first, revoked("L1", 0), 2)]
    summary = summarize_item(ITEM, history_of(newer), BatchRegistry(), DEFAULT_POLICY)
    assert summary.standing not in GOOD, "of one record the newer list counts"


def test_nobody_vouches_for_a_denied_print_by_reading_another() -> None:
    stranger = seen("t", revoked(DENIES.lot, 0), place=PARIS)
    stale = doubtful(Doubt.STALE_TRUST_LIST, lot="L1", expiry="280630")
    officer = trusted("o", "customs", verdict=stale, place=PARIS, after=HOUR)
    assert FindingKind.NEVER_ISSUED not in alerts([stranger, officer], HOLDS, DENIES)
    same = trusted("o", "customs", verdict=revoked(DENIES.lot, 0), place=PARIS, after=HOUR)
    assert FindingKind.NEVER_ISSUED in alerts([stranger, same], HOLDS, DENIES)
    ninth = batch(batch_id="aa", lot="L9", count=1, serials=filter_of(["R9"]))
    other = seen("u", revoked("L9", 0), network="two", place=PARIS, after=HOUR)
    assert FindingKind.NEVER_ISSUED not in alerts([stranger, other], HOLDS, DENIES, ninth)
    evidence = evidence_of(
        history_of([other, same]),
        prints_of(ITEM, [other, same], BatchRegistry([HOLDS, DENIES, ninth])),
        DEFAULT_POLICY,
    )
    assert evidence.never_issued is not None
    assert evidence.never_issued.batch == DENIES, "the one that an officer read"


@pytest.mark.parametrize("doubt", [Doubt.KEY_REVOKED, Doubt.KEY_NOT_VALID, Doubt.STALE_TRUST_LIST])
def test_no_anonymous_scan_takes_back_that_customs_read_a_code_never_issued(doubt: Doubt) -> None:
    verdict = doubtful(doubt, lot=DENIES.lot, expiry="280630", revoked_at=NOON, key_slot=0)
    read = trusted("o", "customs", verdict=verdict, place=PARIS)
    for post in (
        seen("a", genuine("L1"), network=None, after=HOUR),
        seen("b", revoked("L1", 0), network=None, after=HOUR),
        seen("c", genuine("NOBODYS"), place=PARIS, after=HOUR),
    ):
        assert FindingKind.NEVER_ISSUED in alerts([read], HOLDS, DENIES)
        assert FindingKind.NEVER_ISSUED in alerts([read, post], HOLDS, DENIES)
    mine = seen("mine", genuine("L1"), place=PARIS, after=HOUR)
    assert FindingKind.NEVER_ISSUED not in kinds(told(mine, [read], HOLDS, DENIES))


def test_what_an_officer_read_without_a_signature_is_kept_beside_what_shops_read() -> None:
    prints = [("", "280630"), ("", None), ("L1", None), ("L1", "280630"), ("L1", None)]
    shops = [
        trusted(
            f"s{n}",
            f"shop-{n}",
            verdict=doubtful(Doubt.UNSIGNED, lot=lot, expiry=expiry),
            after=n * HOUR,
        )
        for n, (lot, expiry) in enumerate(prints)
    ]
    wrong = doubtful(Doubt.UNSIGNED, lot="L77")
    officer = trusted("o", "customs", verdict=wrong, after=3 * HOUR)
    later = trusted("z", "shop-9", verdict=doubtful(Doubt.UNSIGNED), after=9 * HOUR)
    found = alerts([seen("mine", place=PARIS), *shops, officer, later], HOLDS)
    assert FindingKind.WRONG_BATCH in found


def test_no_flood_under_a_revoked_key_takes_back_what_scans_of_no_place_showed() -> None:
    recalled = replace(HOLDS, status=BatchStatus.RECALLED)
    people = [seen(f"p{n}", network=network_at(None, f"p{n}"), after=n * HOUR) for n in range(8)]
    flood = [
        seen(f"t{n}", revoked("NOBODYS", 0), network=network_at(None, f"t{n % 3}"), after=n * HOUR)
        for n in range(-300, 300)
    ]
    assert FindingKind.RECALLED in alerts(people, recalled)
    assert FindingKind.RECALLED in alerts([*people, *flood], recalled)
    assert FindingKind.NEVER_ISSUED in alerts(people, LISTED)
    assert FindingKind.NEVER_ISSUED in alerts([*people, *flood], LISTED)
