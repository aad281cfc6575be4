"""Whose an item is, against the rule in one line."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from authenticity.gs1.item import (
    ItemId,
    batch_entity,
    custody_leg_entity,
    item_id,
    scanner_entity,
    text_id,
)
from authenticity.trust.entitlement import NOTHING, entitlement_of
from authenticity.trust.issuers import Issuer, TrustList
from authenticity.trust.verdict import IssuerId

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def listed(**prefixes: tuple[str, ...]) -> TrustList:
    """A list on which each issuer holds these company prefixes."""
    issuers = tuple(
        Issuer(IssuerId(name), name, held, (), ()) for name, held in prefixes.items() if held
    )
    return TrustList(1, NOON, NOON + timedelta(days=9), issuers)


def of_prefixes(length: int) -> st.SearchStrategy[str]:
    """Of few digits, so that they extend one another."""
    return st.text("12", min_size=0, max_size=length - 4).map(lambda end: "9527" + end)


@st.composite
def lists(draw: st.DrawFn) -> TrustList:
    owners = draw(st.dictionaries(of_prefixes(12), st.sampled_from("abc"), max_size=12))
    held = {name: tuple(p for p, owner in owners.items() if owner == name) for name in "abc"}
    return listed(**held)


@given(
    lists(),
    st.lists(of_prefixes(12), max_size=4),
    st.text("12", min_size=9, max_size=9),
    st.sampled_from("019"),
)
def test_a_prefix_opens_what_is_under_it_and_of_the_issuer_that_holds_it(
    trust_list: TrustList, prefixes: list[str], end: str, indicator: str
) -> None:
    gtin = f"{indicator}9527{end}"
    owner = trust_list.issuer_of(gtin)
    expected = any(
        gtin[1:].startswith(prefix) and trust_list.issuer_of_prefix(prefix) is owner
        for prefix in prefixes
    )
    theirs = entitlement_of(prefixes, trust_list)
    assert theirs.holds(gtin) is expected
    assert theirs.opens(item_id(gtin, "S")) is expected
    assert theirs.opens(batch_entity(gtin, "L")) is expected
    assert theirs.opens(custody_leg_entity(gtin, "L", 3)) is expected


@given(lists(), st.text("12", min_size=9, max_size=9))
def test_no_gtin_is_of_two_issuers(trust_list: TrustList, end: str) -> None:
    """Each with a token for all prefixes that the list names for it."""
    gtin = f"09527{end}"
    opens = [
        issuer.id
        for issuer in trust_list.issuers
        if entitlement_of(issuer.company_prefixes, trust_list).holds(gtin)
    ]
    owner = trust_list.issuer_of(gtin)
    assert opens == ([owner.id] if owner else [])


def test_a_range_that_was_sold_is_the_buyers_and_what_came_back_the_sellers() -> None:
    trust_list = listed(seller=("9527", "95270019"), buyer=("9527001",))
    seller = entitlement_of(("9527",), trust_list)
    buyer = entitlement_of(("9527001",), trust_list)
    for gtin, theirs in (
        ("09527555000018", (True, False)),
        ("09527001000018", (False, True)),
        ("09527001900018", (True, False)),
    ):
        assert (seller.holds(gtin), buyer.holds(gtin)) == theirs


def test_scanners_and_texts_are_nobodys() -> None:
    everything = entitlement_of(("9527",), listed())
    assert everything.opens(item_id("09527001000018", "S"))
    assert not everything.opens(scanner_entity(0x09527001, known=True))
    assert not everything.opens(text_id("09527001000018"))
    assert not NOTHING.opens(ItemId("https://id.gs1.org/01/09527001000018/21/S"))
