"""What items that look copied have in common, and who can have a say in it."""

import random
from collections.abc import Sequence
from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.common_country import (
    KNOWN_SCANNERS,
    SeenFrom,
    beyond,
    common_country,
    read_seen_from,
    write_seen_from,
)
from authenticity.detection.policy import DEFAULT_POLICY, EntityPolicy
from authenticity.history.observation import Observation
from authenticity.records.scan import Act, Channel
from tests.support.examples import examples

from .make_observations import PARIS, TOKYO, any_observation, seen, trusted

RULES = DEFAULT_POLICY.subject
NOWHERE_ELSE = 40
"""Other items, all seen in France alone."""


def own(number: int, *countries: str) -> SeenFrom:
    """Seen from a network of its own in each of these countries."""
    return SeenFrom({f"{number}{country}": country for country in countries}, ())


def at_home(items: int) -> list[SeenFrom]:
    return [own(1_000 + number, "FR") for number in range(items)]


def test_networks_are_written_with_their_countries_and_those_of_chain_and_shops_behind() -> None:
    shop = trusted("s", place=PARIS, act=Act.SELL)
    detail = write_seen_from([shop, seen("a", place=TOKYO), seen("b", place=PARIS)])
    networks = detail.split()
    assert [part[8:] for part in networks[:2]] in (["@JP", "@FR"], ["@FR", "@JP"])
    assert networks[2:] == ["@FR"]
    customs = trusted("c", "customs-1", channel=Channel.CUSTOMS, place=TOKYO)
    assert write_seen_from([shop, customs]) == f"{KNOWN_SCANNERS} @FR"
    assert read_seen_from(f"{KNOWN_SCANNERS} @FR").countries == {"FR"}


def test_networks_of_earlier_versions_are_read_without_a_country() -> None:
    earlier = read_seen_from("0000000a 0000000b")
    assert set(earlier.networks) == {"0000000a", "0000000b"}
    assert earlier.countries == set()
    assert read_seen_from("") == SeenFrom({}, [])


@settings(max_examples=examples(60))
@given(st.lists(any_observation(), max_size=12))
def test_what_is_written_is_read_back(observations: list[Observation]) -> None:
    written = read_seen_from(write_seen_from(observations))
    anonymous = [each for each in observations if not each.actor]
    assert set(written.networks) == {f"{each.network:08x}" for each in anonymous}
    assert set(written.held_in) <= {each.country for each in observations if each.actor}


def test_items_of_one_country_where_the_others_are_not_have_it_in_common() -> None:
    found = common_country([own(n, "FR", "NG") for n in range(8)], at_home(NOWHERE_ELSE), RULES)
    assert found is not None
    assert (found.country, found.items) == ("NG", 8 - RULES.campaign_networks)
    ways = sum(comb(7, n) * 0.05**n * 0.95 ** (7 - n) for n in range(5, 8))
    assert found.probability == pytest.approx(2 * ways)


def test_their_market_is_nothing_that_they_have_in_common() -> None:
    suspicious = [own(n, "FR", f"X{n}") for n in range(30)]
    assert common_country(suspicious, at_home(NOWHERE_ELSE), RULES) is None
    sold = [SeenFrom({}, ["FR"]) for _ in range(NOWHERE_ELSE)]
    assert common_country(suspicious, sold, RULES) is None, "shops tell the market too"
    assert common_country(suspicious, [], RULES) is not None
    themselves = [SeenFrom(each.networks, ["FR"]) for each in suspicious]
    assert common_country(themselves, [], RULES) is None, "also those that sold these very items"


def test_what_few_of_many_suspicious_items_share_is_chance() -> None:
    spread = [own(n, f"X{n}") for n in range(60)]
    some = [own(100 + n, "NG") for n in range(8)]
    assert common_country([*some, *spread], at_home(NOWHERE_ELSE), RULES) is None
    assert common_country([*some, *spread[:4]], at_home(NOWHERE_ELSE), RULES) is not None


def test_a_country_that_is_not_known_is_nothing_in_common() -> None:
    unknown = [SeenFrom({f"{n}": ""}, ()) for n in range(30)]
    assert common_country(unknown, at_home(NOWHERE_ELSE), RULES) is None


def test_where_shops_had_copies_that_no_network_saw_is_in_common() -> None:
    sold = [SeenFrom({}, ["NG"]) for _ in range(5)]
    found = common_country(sold, at_home(NOWHERE_ELSE), RULES)
    assert found is not None
    assert (found.country, found.items) == ("NG", 5)


def covered(networks: Sequence[frozenset[str]], most: int) -> int:
    """The exact number of items that the worst `most` networks account for."""
    names = sorted(frozenset[str]().union(*networks))
    return max(
        sum(bool(of_item) and of_item <= set(some) for of_item in networks)
        for some in combinations(names, min(most, len(names)))
    )


_NETWORKS = st.frozensets(st.sampled_from("abcdefg"), max_size=5)


@settings(max_examples=examples(300))
@given(st.lists(_NETWORKS, max_size=12), st.integers(0, 4))
def test_no_networks_account_for_more_items_than_are_left_out(
    networks: list[frozenset[str]], most: int
) -> None:
    assert 0 <= beyond(networks, most) <= len(networks) - covered(networks, most)
    one_each = [frozenset({str(number)}) for number in range(9)]
    assert beyond(one_each, most) == 9 - most


_ITEMS = st.lists(
    st.dictionaries(st.sampled_from("hijklmn"), st.sampled_from(["FR", "NG", "JP"]), max_size=3),
    min_size=8,
    max_size=20,
)


@settings(max_examples=examples(200))
@given(_ITEMS, st.data())
def test_no_items_are_in_common_but_those_that_others_saw_there(
    of_items: list[dict[str, str]], data: st.DataObject
) -> None:
    """Three networks scan whatever they like, of suspicious items and of the others."""
    theirs = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["NG", "US"]), max_size=3)
    attacked = [{**networks, **data.draw(theirs)} for networks in of_items]
    found = common_country([SeenFrom(each, ()) for each in attacked], at_home(20), RULES)
    if found is not None:
        honest = [SeenFrom(each, ()) for each in of_items]
        assert found.items <= sum(found.country in each.countries for each in honest)


def test_who_scans_every_pack_hides_no_campaign() -> None:
    """From one network where they are sold, from three elsewhere."""
    copied = [own(n, "FR", "NG") for n in range(12)]
    for added in ({"a": "NG"}, {"a": "US", "b": "JP", "c": "BR"}):
        hidden = [SeenFrom({**each.networks, **added}, ()) for each in copied]
        others = [SeenFrom({**each.networks, **added}, ()) for each in at_home(NOWHERE_ELSE)]
        found = common_country(hidden, others, RULES)
        assert found is not None
        assert found.country == "NG"


def test_three_networks_that_make_other_packs_look_copied_hide_no_campaign() -> None:
    copied = [own(n, "FR", "NG") for n in range(12)]
    theirs = [SeenFrom({"a": "RU", "b": "JP", "c": "BR"}, ()) for _ in range(500)]
    found = common_country([*copied, *theirs], at_home(NOWHERE_ELSE), RULES)
    assert found is not None
    assert found.country == "NG"


def test_few_networks_put_no_genuine_packs_into_a_country() -> None:
    """Four of them on thirty packs, beside packs in a shop window."""
    window = [own(n, "FR") for n in range(6)]
    theirs = [SeenFrom(dict.fromkeys("abcd", "RU"), ()) for _ in range(30)]
    assert common_country([*window, *theirs], at_home(NOWHERE_ELSE), RULES) is None


def test_packs_that_few_networks_see_at_home_are_in_their_market() -> None:
    """Carriers that everybody shares, and nobody in the chain shares what he reads."""
    carriers = "abc"
    suspicious = [own(n, "FR") for n in range(12)]
    quiet = [SeenFrom({carriers[n % 3]: "FR"}, ()) for n in range(300)]
    assert common_country(suspicious, quiet, RULES) is None
    unsold = [SeenFrom({"x": "RU", "y": "RU"}, ()) for _ in range(90)]
    pairs = [SeenFrom({carriers[n % 3]: "FR", carriers[(n + 1) % 3]: "FR"}, ()) for n in range(300)]
    assert common_country(suspicious, [*pairs, *at_home(20), *unsold], RULES) is None


def test_of_countries_that_all_share_the_first_with_most_of_them_is_named() -> None:
    there = [own(n, "NG", *(("BE",) if n < 380 else ())) for n in range(400)]
    found = common_country(there, at_home(NOWHERE_ELSE), RULES)
    assert found is not None
    assert found.country == "NG"


def test_what_is_no_country_is_none() -> None:
    assert read_seen_from(f"@ @ZZZZ 0000000a@{'Z' * 99}") == SeenFrom({"0000000a": ""}, [])


def test_three_networks_that_scan_unsold_packs_abroad_make_no_market_foreign() -> None:
    suspicious = [own(n, "FR", f"X{n}") for n in range(30)]
    unsold = [SeenFrom({"a": "NG", "b": "US"}, ()) for _ in range(2_000)]
    assert common_country(suspicious, [*at_home(NOWHERE_ELSE), *unsold], RULES) is None


def test_the_order_of_items_is_no_matter() -> None:
    suspicious = [own(n, "FR", *(("NG",) if n % 2 else ("JP",))) for n in range(24)]
    found = common_country(suspicious, at_home(NOWHERE_ELSE), RULES)
    random.Random(7).shuffle(suspicious)
    assert found is not None
    assert common_country(suspicious, at_home(NOWHERE_ELSE)[::-1], RULES) == found


def test_the_policy_says_how_unlikely_it_must_be() -> None:
    suspicious = [own(n, "NG") for n in range(5)]
    assert common_country(suspicious, at_home(NOWHERE_ELSE), RULES) is None
    looser = EntityPolicy(campaign_chance=0.01)
    assert common_country(suspicious, at_home(NOWHERE_ELSE), looser) is not None
