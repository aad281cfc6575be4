"""What one more statement does to a serial that no statement lists."""

from collections.abc import Sequence
from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authenticity.detection.caller_assessment import CallerAssessment, assess_for_caller
from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.standing import Standing
from authenticity.errors import BatchError
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import BatchRegistry, ListIncomplete
from authenticity.records.batch_statement import (
    BatchStatement,
    check_statement,
    later_statement,
    read_statement,
    unsigned_statement,
)
from authenticity.records.serial_filter import filter_of
from ledger.batch_cache import read_row, row_of
from simulation.two_makers import World
from tests.support.large_batch import large_batch
from tests.unit.authenticity.detection.make_observations import ITEM, seen

from .test_assess import batch

WORLD = World()
SCAN = seen("a")
SERIAL = ITEM.rpartition("/")[2]
REAL = batch(batch_id="real", count=3, serials=filter_of(["R1", "R2", "R3"]))
OTHER_GTIN = "09506000134369"
LISTS = (None, ["R1", "R2", "R3"], ["T1"], [f"T{n}" for n in range(40)])
BELIEVED = (Standing.VERIFIED, Standing.SEEN_BEFORE)


def stated(
    batch_id: str, status: BatchStatus, serials: list[str] | None, lot: str | None, **how: Any
) -> Batch:
    """A statement about a batch, which may be the maker's own."""
    listed = None if serials is None else filter_of(serials)
    count = REAL.count if serials is None else len(serials)
    return replace(
        REAL, batch_id=batch_id, status=status, count=count, serials=listed, lot=lot, **how
    )


def in_parts(batch: Batch) -> Batch:
    return large_batch(batch, ["P1", "P2"], 2).batch


SINGLE = st.builds(
    stated,
    st.sampled_from(["real", "0", "zz"]),
    st.sampled_from(list(BatchStatus)),
    st.sampled_from(LISTS),
    st.sampled_from([REAL.lot, REAL.lot, "ELSEWHERE", None]),
    gtin=st.sampled_from([REAL.gtin, REAL.gtin, OTHER_GTIN]),
    revision=st.integers(1, 4),
    expiry=st.sampled_from(["281231", "301231", None]),
    released_at=st.sampled_from([None, REAL.registered_at]),
)
STATED = st.one_of(SINGLE, SINGLE.map(in_parts))


def accepted(each: Batch) -> bool:
    """Whether an engine takes it from a key that is good."""
    own = replace(each, issuer=WORLD.batch().issuer, gtin=WORLD.batch().gtin)
    try:
        check_statement(read_statement(WORLD.statement(own)), WORLD.trust_list, at=WORLD.now)
    except BatchError:
        return False
    return True


def in_a_ledger(batches: Sequence[Batch]) -> list[Batch]:
    """What a registry is made of, once these were folded, in their order."""
    stands: dict[str, BatchStatement] = {}
    for each in map(unsigned_statement, batches):
        known = stands.get(each.batch.batch_id, each)
        stands[each.batch.batch_id] = later_statement(known, each)
    return [batch for each in stands.values() for batch in read_row(row_of(each)).batches]


def assessed(batches: Sequence[Batch]) -> CallerAssessment:
    found = assess_for_caller(ITEM, SCAN, None, BatchRegistry(batches), DEFAULT_POLICY)
    assert found is not None
    return found


def believed(batches: Sequence[Batch]) -> bool:
    """Whether anybody is told that the invented serial is good. A list of which a part is
    missing is `caution` (`verifier_api.services.serial_lists.standing_with_list`)."""
    found = assessed(batches)
    return found.standing in BELIEVED and not isinstance(found.batch_match, ListIncomplete)


@given(st.lists(STATED.filter(accepted), max_size=4), STATED.filter(accepted))
def test_no_statement_makes_a_serial_good_that_nobody_lists(
    before: list[Batch], more: Batch
) -> None:
    known = [REAL, *before]
    for held in (list, in_a_ledger):  # a file's statements, and a ledger's
        assert not believed(held(known))
        assert not believed(held([*known, more]))


@given(st.lists(STATED, max_size=4), STATED.filter(accepted))
def test_no_statement_makes_a_serial_better_beside_batches_of_the_first_version(
    old: list[Batch], more: Batch
) -> None:
    """Those may be normal without a list, and be all that is known."""
    assert believed(old) or not believed([*old, more])


@given(st.lists(STATED, max_size=5))
def test_no_statement_makes_a_serial_that_nobody_lists_cheap_to_ask(stated: list[Batch]) -> None:
    """Also old ones, which may be normal without a list, and lists that are not all here."""
    registry = BatchRegistry(in_a_ledger([REAL, *stated]))
    assert registry.is_in_no_list(REAL.gtin, REAL.lot, SERIAL)
    lists_it = stated_last(stated)
    registry = BatchRegistry(in_a_ledger([REAL, *stated, lists_it]))
    assert not registry.is_in_no_list(REAL.gtin, REAL.lot, SERIAL)
    assert not registry.is_in_no_list(REAL.gtin, "nobody's", SERIAL)


def stated_last(stated: list[Batch]) -> Batch:
    """The maker's next statement, which lists the serial."""
    highest = max((each.revision for each in stated), default=1)
    return replace(REAL, serials=filter_of([SERIAL]), count=1, revision=highest + 1)


@given(st.lists(STATED, min_size=1, max_size=4), st.integers(0, 3))
def test_the_same_prints_are_known_in_any_order_and_however_often_they_came(
    stated: list[Batch], again: int
) -> None:
    one_batch = [unsigned_statement(replace(each, batch_id="real")) for each in stated]
    stands = reduce(later_statement, one_batch)
    assert stands.prints == {(each.batch.gtin, each.batch.lot) for each in one_batch}
    repeated = [*one_batch, one_batch[again % len(one_batch)]]
    assert all(reduce(later_statement, order) == stands for order in permutations(repeated))
    assert read_row(row_of(stands)) == stands


@pytest.mark.parametrize(
    "moved", [{"lot": "L9"}, {"lot": None}, {"gtin": OTHER_GTIN}, {"gtin": OTHER_GTIN, "lot": "L9"}]
)
def test_a_batch_that_is_moved_to_another_print_leaves_no_lot_that_nobody_registered(
    moved: dict[str, Any],
) -> None:
    away = replace(REAL, revision=9, **moved)
    for held in (list, in_a_ledger):
        found = assessed(held([REAL, away]))
        assert (found.standing, found.unregistered) == (Standing.SUSPECT, False)
        assert assessed(held([away, REAL])).findings == found.findings
        back = replace(REAL, revision=10, serials=filter_of([SERIAL]), count=1, expiry="280630")
        assert assessed(held([REAL, away, back])).standing is Standing.VERIFIED


@pytest.mark.parametrize("serials", LISTS)
def test_a_withdrawn_batch_leaves_its_serials_never_issued(serials: list[str] | None) -> None:
    """Alone with its product it still is known, and nothing that it states of packs counts."""
    gone = stated("real", BatchStatus.WITHDRAWN, serials, REAL.lot, revision=9, released_at=None,
                  markets=("KR",), expiry="300101")  # fmt: skip
    found = assessed([REAL, gone])
    assert found.standing is Standing.SUSPECT
    assert [each.kind for each in found.findings] == [FindingKind.NEVER_ISSUED]


def test_a_withdrawn_lot_is_never_green_among_other_lots() -> None:
    gone = stated("real", BatchStatus.WITHDRAWN, None, REAL.lot, revision=9)
    other = stated("other", BatchStatus.NORMAL, ["R9"], "L2")
    assert assessed([REAL, gone, other]).standing is Standing.SUSPECT


def test_serials_that_a_withdrawn_batch_lists_beside_the_makers_own_stay_good() -> None:
    own = stated("real", BatchStatus.NORMAL, [SERIAL, "R1"], REAL.lot, expiry="280630")
    gone = stated("0", BatchStatus.WITHDRAWN, [SERIAL, "T1"], REAL.lot)
    assert assessed([own, gone]).standing is Standing.VERIFIED
    assert assessed([own, gone]).findings == ()
