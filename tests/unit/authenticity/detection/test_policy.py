"""A policy file is refused with line and key, and documented as it is."""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import (
    DEFAULT_POLICY,
    ClonePolicy,
    EntityPolicy,
    MarketPolicy,
    Policy,
    Severity,
)
from authenticity.detection.policy_file import read_policy, write_policy
from authenticity.errors import PolicyError
from authenticity.history.history import history_of
from authenticity.limits import LIMITS
from authenticity.records.countries import COUNTRY_AREAS
from authenticity.records.place import PlaceSource
from authenticity.records.scan import Channel
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import NOON, findings_of, seen

from .test_assess import batch

DOCUMENTED = Path(__file__).parents[4] / "docs" / "reference" / "policy.md"


def test_an_empty_file_is_the_default_policy() -> None:
    assert read_policy("") == DEFAULT_POLICY


def documented() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", DOCUMENTED.read_text(), re.DOTALL)


def test_the_documented_file_is_the_default_policy_whole() -> None:
    whole, of_issuers, of_markets = documented()
    assert read_policy(whole) == DEFAULT_POLICY
    assert re.sub(r" *#.*", "", whole) == write_policy(DEFAULT_POLICY)
    assert set(read_policy(of_issuers).issuer) == {"sim-alpine", "sim-harbour"}
    assert read_policy(of_markets).issuer["sim-harbour"].markets.otherwise == {"KR"}


def test_one_value_changes_and_the_others_stay() -> None:
    policy = read_policy("[clone]\nspeed_limit_kmh = 500\n[clone.threshold]\ncustoms = 0.5")
    assert policy.clone.speed_limit_kmh == 500.0
    assert policy.clone.apart_km == DEFAULT_POLICY.clone.apart_km
    assert policy.clone.threshold == DEFAULT_POLICY.clone.threshold | {Channel.CUSTOMS: 0.5}


OF_ISSUER = """
undo_window_days = 5
[clone.threshold]
customs = 0.5
[issuer."maker"]
diverted_sessions = 6
[issuer."maker".clone]
apart_km = 80.0
"""


def test_an_issuer_changes_what_it_names_and_shares_the_rest_of_the_file() -> None:
    policy = read_policy(OF_ISSUER)
    own = policy.of(batch(issuer="maker"))
    assert (own.diverted_sessions, own.clone.apart_km) == (6, 80.0)
    assert (own.undo_window_days, own.clone.threshold[Channel.CUSTOMS]) == (5, 0.5)


def test_other_issuers_and_items_without_a_batch_go_by_the_rest_of_the_file() -> None:
    policy = read_policy(OF_ISSUER)
    assert policy.of(batch(issuer="other")) is policy
    assert policy.of(None) is policy
    assert policy.diverted_sessions == DEFAULT_POLICY.diverted_sessions


OF_MARKETS = """
[markets]
also = ["DE", "AT", "DE"]
[issuer."maker".markets]
otherwise = ["FR"]
[issuer."alpine".markets]
also = []
"""


def test_an_issuer_names_its_own_markets_and_shares_the_rest() -> None:
    policy = read_policy(OF_MARKETS)
    unnamed, korean = batch(issuer="maker"), batch(issuer="maker", markets=("KR",))
    assert set(policy.markets_of(unnamed)) == {"FR"}
    assert set(policy.markets_of(korean)) == {"AT", "DE", "KR"}
    assert set(policy.markets_of(batch(issuer="other"))) == set()
    assert set(policy.markets_of(batch(issuer="alpine", markets=("KR",)))) == {"KR"}


def test_by_default_markets_are_what_the_batch_names_and_nothing_is_made() -> None:
    korean = batch(markets=("KR",))
    assert DEFAULT_POLICY.markets_of(korean) is korean.markets
    assert not DEFAULT_POLICY.markets_of(batch())
    assert not DEFAULT_POLICY.markets_of(None)


def test_as_many_markets_are_read_as_a_batch_may_name_and_no_more() -> None:
    codes = [f'"{country}"' for country in (*sorted(COUNTRY_AREAS), "GB")]
    most = f"markets.also = [{', '.join(codes[: LIMITS.markets])}]"
    assert len(read_policy(most).markets.also) == LIMITS.markets
    with pytest.raises(PolicyError, match=r"line 1: markets.also is a list of 251; allowed: .*250"):
        read_policy(f"markets.also = [{', '.join(codes[: LIMITS.markets + 1])}]")


@pytest.mark.parametrize(
    ("text", "line", "key", "allowed"),
    [
        ("undo_days = 3", 1, "undo_days", "undo_window_days"),
        ("\n# words\n[clone]\nspeed = 3", 4, "clone.speed", "speed_limit_kmh"),
        ("\nclone.speed = 3", 2, "clone.speed", "speed_limit_kmh"),
        ("\nclone = { speed = 3 }", 2, "clone.speed", "speed_limit_kmh"),
        ("clone = 3", 1, "clone", "[clone]"),
        ('late_after_hours = "long"', 1, "late_after_hours", "a whole number"),
        ("late_after_hours = 0", 1, "late_after_hours", "a whole number"),
        ("late_after_hours = true", 1, "late_after_hours", "a whole number"),
        ("late_after_hours = 1.5", 1, "late_after_hours", "a whole number"),
        ("[clone]\n\nspeed_limit_kmh = inf", 3, "clone.speed_limit_kmh", "a number above 0"),
        ("[clone]\nspeed_limit_kmh = nan", 2, "clone.speed_limit_kmh", "a number above 0"),
        ("[clone.radius_factor]\ngps = -1.0", 2, "clone.radius_factor.gps", "a number above 0"),
        ("[clone.radius_factor]\nsextant = 1.0", 2, "clone.radius_factor.sextant", "gps, wifi"),
        ("[clone.prior]\nretail = 1.0", 2, "clone.prior.retail", "above 0 and below 1"),
        ("[clone.prior]\nretail = 0", 2, "clone.prior.retail", "above 0 and below 1"),
        ("[clone.threshold]\npolice = 0.0", 2, "clone.threshold.police", "below 1"),
        ("[subject]\ncampaign_prior = 2.0", 2, "subject.campaign_prior", "below 1"),
        ("[subject]\ncampaigns = 2", 2, "subject.campaigns", "campaign_items"),
        ('alert_from = "loud"', 1, "alert_from", "info, low, medium"),
        ('own_supply_chain = ["maker",\n "moon"]', 1, "own_supply_chain", "consumer, customs"),
        ("own_supply_chain = 3", 1, "own_supply_chain", "a list of: consumer"),
        ('\n[markets]\nalso = ["FR", "AUT"]', 3, "markets.also", "two capitals"),
        ('[markets]\nalso = ["fr"]', 2, "markets.also", "at most 250"),
        ('[markets]\nalso = ["FR\\n"]', 2, "markets.also", "at most 250"),
        ('[markets]\notherwise = ["FR", 3]', 2, "markets.otherwise", "at most 250"),
        ('[markets]\notherwise = "FR"', 2, "markets.otherwise", '["AT", "DE"]'),
        ('[markets]\nothers = ["FR"]', 2, "markets.others", "otherwise, also"),
        ('markets = ["FR"]', 1, "markets", "[markets]"),
        ('[issuer.a.markets]\n\nalso = ["X"]', 3, "issuer.a.markets.also", "at most 250"),
        ('version = ""', 1, "version", "1 to 64 characters"),
        ("[issuer.a]\n[issuer.b]\nversion = 'x'", 3, "issuer.b.version", "undo_window_days"),
        ('[issuer."a b"]\nelsewhere = 3', 2, 'issuer."a b".elsewhere', "elsewhere_km"),
        ("[issuer.a.subject]\nprobing_items = 3", 1, "issuer.a.subject", "alert_from"),
        ("[issuer.a.issuer.b]\n", 1, "issuer.a.issuer", "alert_from"),
        ('[issuer.""]', 1, 'issuer.""', "1 to 200 characters"),
        ("issuer = 1", 1, "issuer", "[issuer]"),
    ],
)
def test_a_bad_value_is_refused_by_line_and_key_with_what_is_allowed(
    text: str, line: int, key: str, allowed: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        read_policy(text)
    assert f"policy line {line}: {key} " in str(refused.value)
    assert allowed in str(refused.value).partition("; allowed: ")[2]
    assert "docs/reference/policy.md" in refused.value.next_step


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("version = '1'\nundo_window_days =\n", 2, "undo_window_days ="),
        ("[clone", 1, "[clone"),
        ("a = 1\na = 2", 2, "a = 2"),
        ("a = 1\nb = [", 2, "b = ["),
        ("a = " + "9" * 5_000, 1, "a = 999"),
        ("a = " + "[" * 5_000, 1, "a = [[["),
    ],
)
def test_what_is_no_toml_is_refused_by_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_policy(text)
    assert f"policy line {line}: " in str(refused.value)
    assert said in str(refused.value)


def test_the_nearest_name_is_offered_first() -> None:
    with pytest.raises(PolicyError, match="allowed: speed_limit_kmh, apart_km"):
        read_policy("[clone]\nspeed_limit_kph = 900")


_NUMBERS = st.floats(1e-9, 1e9)
_COUNTS = st.integers(1, 10**9)
_SHARES = st.floats(0, 1, exclude_min=True, exclude_max=True)
_WORDS = st.text(min_size=1, max_size=30).filter(str.isprintable)


def _each(kind: type[StrEnum], numbers: st.SearchStrategy[float]) -> st.SearchStrategy[object]:
    return st.fixed_dictionaries(dict.fromkeys(kind, numbers))


_COUNTRIES = st.frozensets(st.sampled_from(sorted(COUNTRY_AREAS)), max_size=5)
_MARKETS = st.builds(MarketPolicy, also=_COUNTRIES, otherwise=_COUNTRIES)
_CLONES = st.builds(
    ClonePolicy,
    speed_limit_kmh=_NUMBERS,
    apart_km=_NUMBERS,
    clock_tolerance_s=_COUNTS,
    radius_factor=_each(PlaceSource, _NUMBERS),
    prior=_each(Channel, _SHARES),
    threshold=_each(Channel, _SHARES),
)
_SUBJECTS = st.builds(
    EntityPolicy,
    campaign_prior=_SHARES,
    campaign_threshold=_SHARES,
    campaign_items=_COUNTS,
    campaign_item_nats=_NUMBERS,
    campaign_networks=_COUNTS,
    campaign_chance=_SHARES,
    probing_items=_COUNTS,
    poisoning_items=_COUNTS,
    poisoning_places=_COUNTS,
    colluding_items=_COUNTS,
)
_SHALLOW: Callable[..., st.SearchStrategy[Policy]] = lambda **more: st.builds(  # noqa: E731
    Policy,
    alert_from=st.sampled_from(Severity),
    undo_window_days=_COUNTS,
    late_after_hours=_COUNTS,
    clock_skew_minutes=_COUNTS,
    elsewhere_km=_NUMBERS,
    end_grace_hours=_COUNTS,
    end_anonymous_sessions=_COUNTS,
    diverted_sessions=_COUNTS,
    own_supply_chain=st.frozensets(st.sampled_from(Channel)),
    markets=_MARKETS,
    clone=_CLONES,
    **more,
)


@settings(max_examples=examples(60))
@given(
    _SHALLOW(version=_WORDS, subject=_SUBJECTS),
    st.dictionaries(_WORDS, _SHALLOW(), max_size=2),
)
def test_every_policy_that_is_written_is_read_back_the_same(
    whole: Policy, own: dict[str, Policy]
) -> None:
    of_issuer = {
        issuer: replace(policy, version=whole.version, subject=whole.subject)
        for issuer, policy in own.items()
    }
    policy = replace(whole, issuer=of_issuer)
    assert read_policy(write_policy(policy)) == policy


def test_the_round_trip_leaves_out_no_field() -> None:
    kinds = (MarketPolicy, ClonePolicy, EntityPolicy, Policy)
    drawn = {field.name for kind in kinds for field in fields(kind)}
    written = write_policy(replace(DEFAULT_POLICY, issuer={"a": DEFAULT_POLICY}))
    assert all(name in written for name in drawn)


_JUNK = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            ["[clone]", "[issuer.a]", "version", "=", " ", "\n", "'x'", "3", "[", "]", "{", "}",
             "apart_km", ".", '"', "'''", "issuer", "prior", "-", "1e400", "1979-05-27", "#"]
        ),
        max_size=20,
    ).map("".join),
)  # fmt: skip


def _refusal_of(text: str) -> str | None:
    try:
        read_policy(text)
    except PolicyError as refused:
        return str(refused)
    return None


@settings(max_examples=examples(400))
@given(_JUNK)
def test_junk_is_read_or_refused_as_a_policy_and_never_breaks_the_program(text: str) -> None:
    refusal = _refusal_of(text)
    assert refusal is None or re.match(r"policy line \d+: ", refusal)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["version", "alert_from", "elsewhere_km", "own_supply_chain", "clone", "issuer",
     "subject.campaign_prior", "clone.prior", "clone.prior.retail", "diverted_sessions",
     "markets", "markets.also"]
)  # fmt: skip


@settings(max_examples=examples(200))
@given(_VALUES, _KEYS)
def test_a_value_of_any_type_at_any_key_is_read_or_refused(value: object, key: str) -> None:
    refusal = _refusal_of(f"{key} = {_toml(value)}")
    assert refusal is None or refusal.startswith(f"policy line 1: {key.partition('.')[0]}")


def _toml(value: object) -> str:
    match value:
        case None:
            return "{}"
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(_toml(each) for each in value)}]"
        case str():
            return '"' + "".join(f"\\U{ord(each):08x}" for each in value) + '"'
        case _:
            return repr(value)


def test_findings_go_by_the_policy_of_the_batchs_issuer() -> None:
    own = replace(DEFAULT_POLICY, late_after_hours=1)
    policy = replace(DEFAULT_POLICY, issuer={"maker": own})
    history = history_of([seen("a", received_at=NOON + timedelta(hours=3))])
    assert FindingKind.LATE in {f.kind for f in findings_of(history, batch(), policy)}
    assert findings_of(history, batch(issuer="other"), policy) == ()


@pytest.mark.parametrize("key", ["also", "otherwise"])
def test_a_market_that_there_is_not_is_refused(key: str) -> None:
    assert read_policy(f'version = "v"\n[markets]\n{key} = ["GB"]')
    with pytest.raises(PolicyError, match=f"line 3: markets.{key}.*did you mean GB"):
        read_policy(f'version = "v"\n[markets]\n{key} = ["GB", "UK"]')
