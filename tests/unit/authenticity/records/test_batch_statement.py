"""Batch statements: who may make one, and which of several stands."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import BatchError
from authenticity.limits import LIMITS
from authenticity.records.batch import Batch, BatchStatus, encode_batch
from authenticity.records.batch_statement import (
    BatchStatement,
    check_statement,
    later_statement,
    read_statement,
    unsigned_statement,
)
from authenticity.records.issuer_jws import REVISIONS_SINCE
from authenticity.trust.issuers import TrustList
from authenticity.trust.jws import assemble_jws
from authenticity.trust.keys import to_base64url
from authenticity.trust.trust_list import read_trust_list
from simulation.seeded_signer import SeededSigner
from simulation.two_makers import GTINS, World

WORLD = World()
LISTED = WORLD.trust_list
NOON = WORLD.now
BATCH = WORLD.batch()


def stated(batch: Batch = BATCH, **how: object) -> BatchStatement:
    return read_statement(WORLD.statement(batch, **how))  # type: ignore[arg-type]


def after_a_theft() -> TrustList:
    """The list that says slot 0 of the first maker is revoked, and holds slot 1."""
    return read_trust_list(WORLD.next_trust_document(revoked={0: NOON}), WORLD.roots, at=NOON)


@pytest.mark.parametrize("maker", [0, 1])
def test_a_makers_own_statement_is_accepted_and_comes_back_whole(maker: int) -> None:
    batch = WORLD.batch(maker=maker)
    statement = check_statement(stated(batch), LISTED, at=NOON)
    assert (statement.batch, statement.key_slot, statement.signed_at) == (batch, 0, NOON)
    assert read_statement(statement.raw) == statement


def altered(**changes: object) -> bytes:
    """The maker's signature over another batch."""
    protected, _, signature = WORLD.statement(BATCH).split(b".")
    other = encode_batch(msgspec.structs.replace(BATCH, **changes))
    return b".".join((protected, to_base64url(other).encode(), signature))


def by(signer: SeededSigner, batch: Batch = BATCH, at: datetime = NOON) -> bytes:
    return WORLD.statement(batch, signer=signer, at=at)


HARBOURS = WORLD.batch(issuer="harbour")
FAR_REVISION = msgspec.structs.replace(BATCH, revision=2**60)
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no signature": (lambda: encode_batch(BATCH), "is not signed"),
    "a stranger's key": (lambda: by(WORLD.stranger), "not one by key"),
    "another maker's key": (lambda: by(WORLD.signers[1]), "not one by key"),
    "a slot that is not listed": (lambda: by(WORLD.successors[0]), "not on the trust list"),
    "another maker's product": (lambda: by(WORLD.signers[1], HARBOURS), "company prefix"),
    "another status": (lambda: altered(status=BatchStatus.RECALLED), "not one by key"),
    "another revision": (lambda: altered(revision=2), "not one by key"),
    "before the key": (lambda: by(WORLD.signers[0], at=NOON - timedelta(days=400)), "not valid"),
    "after the key": (lambda: by(WORLD.signers[0], at=NOON + timedelta(days=4000)), "not valid"),
    "from tomorrow": (lambda: by(WORLD.signers[0], at=NOON + timedelta(hours=23)), "in the future"),
    "from soon": (lambda: by(WORLD.signers[0], at=NOON + timedelta(minutes=6)), "in the future"),
    "a revision to end all": (lambda: by(WORLD.signers[0], FAR_REVISION), "larger than any"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_statement_that_its_issuer_may_not_make_is_refused_with_a_next_step(case: str) -> None:
    make, reason = REFUSED[case]
    with pytest.raises(BatchError, match=reason) as refused:
        check_statement(read_statement(make()), LISTED, at=NOON)
    assert refused.value.next_step


@pytest.mark.parametrize("back", [timedelta(0), timedelta(days=1), timedelta(days=300)])
def test_a_revoked_key_states_nothing_more_however_far_it_is_dated_back(back: timedelta) -> None:
    with pytest.raises(BatchError, match="revoked"):
        check_statement(stated(signer=WORLD.signers[0], at=NOON - back), after_a_theft(), at=NOON)


def unreadable() -> dict[str, bytes]:
    whole = WORLD.statement(BATCH)
    protected, payload, signature = whole.split(b".")
    root = assemble_jws(encode_batch(BATCH), {"root": bytes(64)})
    spaced = to_base64url(
        b'{"alg": "EdDSA","iat":0,"kid":"alpine/0","typ":"touchstone-batch+jws"}'
    ).encode()
    none = to_base64url(
        b'{"alg":"none","iat":0,"kid":"alpine/0","typ":"touchstone-batch+jws"}'
    ).encode()
    other_type = to_base64url(
        b'{"alg":"EdDSA","iat":0,"kid":"alpine/0","typ":"touchstone-trust-list+jws"}'
    ).encode()
    return {
        "nothing": b"",
        "words": b"hello",
        "two parts": b".".join((protected, payload)),
        "four parts": whole + b".AA",
        "padding": whole + b"=",
        "no JSON": b".".join((b"AAAA", payload, signature)),
        "another spelling": b".".join((spaced, payload, signature)),
        "no algorithm": b".".join((none, payload, signature)),
        "another kind of document": b".".join((other_type, payload, signature)),
        "a trust list": root,
        "no batch": b".".join((protected, b"e30", signature)),
        "another issuer's key": by(WORLD.signers[0], BATCH).replace(
            protected,
            to_base64url(
                b'{"alg":"EdDSA","iat":0,"kid":"harbour/0","typ":"touchstone-batch+jws"}'
            ).encode(),
        ),
        "too long": b"e" * (2 * LIMITS.batch_bytes),
        "not ASCII": "é.é.é".encode(),
        "deep": b"[" * 100_000,
    }


@pytest.mark.parametrize("case", unreadable())
def test_bytes_that_are_no_statement_are_refused(case: str) -> None:
    with pytest.raises(BatchError):
        read_statement(unreadable()[case])


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(BatchError):
        check_statement(read_statement(raw), LISTED)


@given(st.integers(0, 10_000))
def test_no_flipped_bit_of_a_statement_is_accepted(bit: int) -> None:
    raw = bytearray(WORLD.statement(BATCH))
    bit %= 8 * len(raw)
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BatchError):
        check_statement(read_statement(bytes(raw)), LISTED, at=NOON)


STATEMENTS = st.builds(
    lambda revision, status, slot, minutes: (
        unsigned_statement(msgspec.structs.replace(BATCH, revision=revision, status=status))
        if slot is None
        else stated(
            msgspec.structs.replace(BATCH, revision=revision, status=status),
            signer=(WORLD.signers[0], WORLD.successors[0])[slot],
            at=NOON - timedelta(minutes=minutes),
        )
    ),
    st.integers(1, 3),
    st.sampled_from(list(BatchStatus)),
    st.none() | st.integers(0, 1),
    st.integers(0, 2),
)


@given(st.lists(STATEMENTS, min_size=1, max_size=4), st.integers(0, 3))
def test_the_same_statement_stands_in_any_order_and_however_often_it_came(
    statements: list[BatchStatement], again: int
) -> None:
    stands = reduce(later_statement, statements)
    repeated = [*statements, statements[again % len(statements)]]
    assert all(reduce(later_statement, order) == stands for order in permutations(repeated))


@given(st.integers(1, 180_000_000), st.sampled_from(list(BatchStatus)), st.booleans())
def test_no_revision_of_a_stolen_key_locks_the_maker_out(
    revision: int, status: BatchStatus, accepted_before_the_revocation: bool
) -> None:
    stolen = stated(msgspec.structs.replace(BATCH, revision=revision, status=status))
    if accepted_before_the_revocation:
        check_statement(stolen, LISTED, at=NOON)
    own = stated(signer=WORLD.successors[0])
    check_statement(own, after_a_theft(), at=NOON)
    assert later_statement(stolen, own) == later_statement(own, stolen) == own


@given(st.integers(1, 400_000_000))
def test_a_mistaken_revision_leaves_a_later_one_to_the_same_key(revision: int) -> None:
    """Whatever was accepted, a second after it was signed one more is accepted."""
    mistaken = stated(msgspec.structs.replace(BATCH, revision=revision))
    try:
        check_statement(mistaken, LISTED, at=NOON)
    except BatchError:
        return
    later = NOON + timedelta(seconds=1)
    corrected = stated(msgspec.structs.replace(BATCH, revision=revision + 1), at=later)
    check_statement(corrected, LISTED, at=later)
    assert later_statement(mistaken, corrected) == corrected


@given(st.integers(-400, 90_000), st.integers(0, 90_000))
def test_no_date_and_revision_lock_the_same_key_out_for_more_than_five_minutes(
    ahead_s: int, below: int
) -> None:
    """Whatever is accepted at noon, a higher revision is accepted six minutes later."""
    at = NOON + timedelta(seconds=ahead_s)
    largest = int(at.timestamp()) - REVISIONS_SINCE
    hostile = stated(msgspec.structs.replace(BATCH, revision=largest - below), at=at)
    try:
        check_statement(hostile, LISTED, at=NOON)
    except BatchError:
        return
    later = NOON + timedelta(minutes=6)
    own = stated(msgspec.structs.replace(BATCH, revision=hostile.batch.revision + 1), at=later)
    check_statement(own, LISTED, at=later)
    assert later_statement(hostile, own) == own


@given(st.integers(1, 2**60), st.sampled_from(list(BatchStatus)))
def test_a_signed_statement_stands_before_every_unsigned_one(
    revision: int, status: BatchStatus
) -> None:
    old = unsigned_statement(msgspec.structs.replace(BATCH, revision=revision, status=status))
    assert later_statement(old, stated()) == later_statement(stated(), old) == stated()


def test_a_range_that_was_sold_is_its_buyers_to_speak_of() -> None:
    """The longest prefix of the list decides, also against a seller with good keys."""
    seller, other = LISTED.issuers
    sold = replace(other, company_prefixes=(*other.company_prefixes, GTINS[0][1:10]))
    after_sale = replace(LISTED, issuers=(seller, sold))
    with pytest.raises(BatchError, match="company prefix"):
        check_statement(stated(), after_sale, at=NOON)
    buyers = stated(WORLD.batch(issuer=other.id), signer=WORLD.signers[1])
    assert check_statement(buyers, after_sale, at=NOON)


def test_time_zones_do_not_matter() -> None:
    there = NOON.astimezone(UTC)
    assert stated(at=there) == stated(at=NOON)
