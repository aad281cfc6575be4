"""What a statement without a list of serials, or with a thief's list, can do, and for how long."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from authenticity.errors import BatchError
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import (
    BatchRegistry,
    InBatch,
    ListIncomplete,
    NotInBatch,
)
from authenticity.records.batch_statement import (
    BatchStatement,
    check_statement,
    later_statement,
    read_statement,
)
from authenticity.records.serial_filter import filter_of
from authenticity.trust.trust_list import read_trust_list
from simulation.two_makers import World
from tests.support.large_batch import large_batch

WORLD = World()
OURS = [f"OURS{n}" for n in range(20)]
INVENTED = [f"INVENTED{n}" for n in range(20)]
REAL = WORLD.batch(batch_id="real", count=len(OURS), serials=filter_of(OURS))


def of(batch: Batch, serials: list[str] | None, **changes: object) -> Batch:
    count = 1 if serials is None else len(serials)
    listed = None if serials is None else filter_of(serials)
    return replace(batch, count=count, serials=listed, **changes)


THIEFS = st.builds(
    lambda batch_id, serials, status, expiry: of(
        REAL, serials, batch_id=batch_id, status=status, expiry=expiry
    ),
    st.sampled_from(["0", "a", "z"]),
    st.sampled_from([None, INVENTED, OURS + INVENTED]),
    st.sampled_from([each for each in BatchStatus if each is not BatchStatus.WITHDRAWN]),
    st.sampled_from(["281231", "301231", None]),
)


def found(serial: str, *batches: Batch) -> object:
    return BatchRegistry(batches).find(REAL.gtin, REAL.lot, REAL.expiry, serial)


@pytest.mark.parametrize("count", [1, 131_072, 200_000])
def test_a_statement_that_lists_no_serials_is_refused_with_a_next_step(count: int) -> None:
    unlisted = read_statement(WORLD.statement(replace(REAL, count=count, serials=None)))
    with pytest.raises(BatchError, match="does not say which serials") as refused:
        check_statement(unlisted, WORLD.trust_list, at=WORLD.now)
    assert "touchstone batches register DIR" in (refused.value.next_step or "")


@pytest.mark.parametrize("status", [BatchStatus.RECALLED, BatchStatus.STOLEN, "withdrawn"])
def test_a_batch_of_old_without_a_list_can_still_be_called_back(status: BatchStatus) -> None:
    recalled = replace(REAL, serials=None, status=BatchStatus(status))
    check_statement(read_statement(WORLD.statement(recalled)), WORLD.trust_list, at=WORLD.now)


@given(st.lists(THIEFS.filter(lambda each: each.serials is None)), st.sampled_from(OURS))
def test_no_batch_without_a_list_comes_before_one_whose_list_holds_the_serial(
    thiefs: list[Batch], serial: str
) -> None:
    assert found(serial, *thiefs, REAL) == InBatch(REAL)


@given(st.lists(THIEFS.filter(lambda each: each.serials is None)))
def test_a_missing_part_is_no_reason_to_believe_a_batch_without_a_list(thiefs: list[Batch]) -> None:
    large = large_batch(REAL, OURS, 2).batch
    assert found(OURS[0], *thiefs, large) == ListIncomplete(large)


@given(st.lists(THIEFS, unique_by=lambda each: each.batch_id), st.permutations(range(7)))
def test_after_the_revocation_what_the_maker_withdraws_makes_no_serial_good_and_no_pack_bad(
    thiefs: list[Batch], order: list[int]
) -> None:
    """Whatever lists, statuses and ids a stolen key stated, in any order of arrival."""
    document = WORLD.next_trust_document(revoked={0: WORLD.now})
    trust_list = read_trust_list(document, WORLD.roots, at=WORLD.now)
    own = [REAL, *(replace(each, status=BatchStatus.WITHDRAWN) for each in thiefs)]
    by_maker = [
        check_statement(
            read_statement(WORLD.statement(each, signer=WORLD.successors[0])), trust_list
        )
        for each in own
    ]
    every = [*by_maker, *(read_statement(WORLD.statement(each)) for each in [REAL, *thiefs])]
    every = [every[number] for number in order if number < len(every)] + every
    stands: dict[str, BatchStatement] = {}
    for each in every:
        known = stands.get(each.batch.batch_id, each)
        stands[each.batch.batch_id] = reduce(later_statement, [known, each])
    batches = [each.batch for each in stands.values()]
    assert all(found(serial, *batches) == InBatch(REAL) for serial in OURS)
    assert all(found(serial, *batches) == NotInBatch(REAL) for serial in INVENTED)


def test_two_runs_of_old_with_one_print_keep_their_packs() -> None:
    old = replace(REAL, batch_id="old", count=200_000, serials=None)
    assert found("IN THE LARGE RUN", old, REAL) == InBatch(old)
    assert found(OURS[0], old, REAL) == InBatch(REAL)
