"""What makes a list coherent, and who is found in it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import TrustListError
from authenticity.limits import LIMITS
from authenticity.trust.issuers import Issuer, TrustList
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.verdict import IssuerId
from tests.unit.authenticity.trust.lists import NOON, SECOND, issuer, key, trust_list

DIGITS = st.text("0123456789", min_size=4, max_size=12)


def test_the_longest_prefix_holds() -> None:
    seller, buyer = issuer("seller", "9521234"), issuer("buyer", "952123456", "95212349")
    listed = trust_list(seller, buyer)
    assert listed.issuer_of("09521234500001") is seller
    assert listed.issuer_of("09521234560001") is buyer
    assert listed.issuer_of("09521234900001") is buyer
    assert listed.issuer_of("09521235000001") is None


def test_the_indicator_digit_is_no_part_of_the_prefix() -> None:
    maker = issuer("maker", "9521234")
    listed = trust_list(maker)
    assert all(listed.issuer_of(f"{indicator}9521234000013") is maker for indicator in range(10))
    assert listed.issuer_of("95212340000013") is None


@given(st.sets(DIGITS, min_size=1, max_size=30), st.text("0123456789", min_size=14, max_size=14))
def test_the_holder_is_who_a_search_of_all_prefixes_finds(prefixes: set[str], gtin: str) -> None:
    holders = [issuer(f"m{number}", prefix) for number, prefix in enumerate(sorted(prefixes))]
    matching = [each for each in holders if gtin[1:].startswith(each.company_prefixes[0])]
    longest = max(matching, key=lambda each: len(each.company_prefixes[0]), default=None)
    listed = trust_list(*holders)
    assert listed.issuer_of(gtin) is longest
    assert listed.issuer_of(gtin) is longest  # remembered


def test_every_key_of_a_slot_is_found_in_order() -> None:
    keys = (key("a", 3), key("b", 4), key("c", 3))
    maker = issuer("maker", keys=keys)
    listed = trust_list(maker)
    assert listed.keys(maker, 3) == (keys[0], keys[2])
    assert listed.keys(maker, 9) == ()
    assert listed.issuer(IssuerId("maker")) is maker
    assert listed.issuer(IssuerId("nobody")) is None


def test_the_keys_of_others_leave_out_the_holder_and_other_slots_and_algorithms() -> None:
    mine = issuer("mine", "9521", keys=(key("a"),))
    theirs = issuer("theirs", "9522", keys=(key("b"), key("c", 1)))
    others = trust_list(mine, theirs).keys_of_others(mine, 0, Algorithm.ED25519)
    assert list(others) == [(theirs, theirs.keys[0])]
    assert not list(trust_list(mine).keys_of_others(None, 0, Algorithm.ECDSA_P256))


INCOHERENT: dict[str, Callable[[], object]] = {
    "claimed by one and by two": lambda: trust_list(issuer("one", "9521"), issuer("two", "9521")),
    "claimed twice": lambda: issuer_list("9521", "9521"),
    "listed twice": lambda: trust_list(issuer("one", "9521"), issuer("one", "9522")),
    "already listed under one": lambda: trust_list(
        issuer("one", "9521", keys=(key("k"),)), issuer("two", "9522", keys=(key("k"),))
    ),
    "slot 1 of one is already listed": lambda: trust_list(
        issuer("one", keys=(key("k", 0), key("k", 1)))
    ),
    "keys in slot 0": lambda: trust_list(
        issuer("one", keys=tuple(key(f"k{n}") for n in range(LIMITS.keys_per_slot + 1)))
    ),
    "version": lambda: trust_list(version=0),
    "2⁵³-1": lambda: trust_list(version=2**53),
    "expires before": lambda: trust_list(expires_at=NOON - timedelta(days=2)),
    "issued_at is not in UTC": lambda: trust_list(issued_at=datetime(2026, 1, 1)),  # noqa: DTZ001
    "expires_at is not in UTC": lambda: trust_list(
        expires_at=datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    ),
    "outside 0–255": lambda: key(slot=256),
    "not of the algorithm": lambda: key(algorithm=Algorithm.ECDSA_P256),
    "ends before it begins": lambda: key(not_after=NOON - timedelta(days=366)),
    "revocation_reason": lambda: key(revocation_reason="x", revoked_at=None),
    "printable": lambda: key(revocation_reason="\x1b[2J", revoked_at=NOON),
    "issuer id": lambda: issuer("a b"),
    "company prefix": lambda: issuer("one", "952"),
    "company prefix '٩٥٢١'": lambda: issuer("one", "٩٥٢١"),
    "company prefix '9521\\\\n'": lambda: issuer("one", "9521\n"),
    "host": lambda: replace(issuer(), hosts=("ID.example",)),
    "host 'a.example/'": lambda: replace(issuer(), hosts=("a.example/",)),
    "name": lambda: replace(issuer(), name=""),
    "200 printable": lambda: replace(issuer(), name="x" * 201),
    "100 are allowed": lambda: replace(issuer(), hosts=("a.example",) * 101),
}


def issuer_list(*prefixes: str) -> TrustList:
    return trust_list(issuer("one", *prefixes))


@pytest.mark.parametrize("reason", INCOHERENT)
def test_an_incoherent_list_cannot_be_made(reason: str) -> None:
    with pytest.raises(TrustListError, match=reason):
        INCOHERENT[reason]()


@pytest.mark.parametrize(
    "host", ["id.maker.example", "127.0.0.1:8080", "localhost", "a-b.c1:65535"]
)
def test_hosts_may_carry_a_port(host: str) -> None:
    assert replace(issuer(), hosts=(host,)).hosts == (host,)


def test_a_key_that_ends_when_it_begins_and_a_list_without_issuers_are_coherent() -> None:
    assert key(not_before=NOON, not_after=NOON).not_after == NOON
    made: tuple[Any, ...] = (trust_list(), trust_list(expires_at=NOON - timedelta(days=1) + SECOND))
    assert all(isinstance(each, TrustList) for each in made)


def test_ten_thousand_issuers_are_found_as_fast_as_ten() -> None:
    many = [issuer(f"m{n}", f"95{n:05}") for n in range(LIMITS.issuers)]
    listed = trust_list(*many)
    assert isinstance(listed.issuer_of("09500077000000"), Issuer)
    assert len(listed._prefix_lengths) == 1  # one look-up a GTIN
