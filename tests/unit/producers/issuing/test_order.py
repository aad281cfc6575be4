"""Orders that can and cannot be carried out."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from authenticity.errors import ConfigurationError
from authenticity.trust.keys import PublicKey
from keys.keyring import IssuerRecord, KeyRecord, Keyring, RootRecord
from producers.issuing.order import Order, checked_order, holder_of, to_gtin14, to_printed_date
from simulation.two_makers import World

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WORLD = World()
ORDER = Order(issuer="alpine", gtin="09521234000013", count=10, host="id.alpine.example", lot="L7")


def issuer(issuer_id: str, key: PublicKey, *prefixes: str) -> IssuerRecord:
    record = KeyRecord(0, key.to_jwk(), "x.pem", NOON, NOON + timedelta(days=1))
    return IssuerRecord(issuer_id, issuer_id, prefixes, (f"id.{issuer_id}.example",), (record,))


KEYRING = Keyring(
    v=1,
    threshold=1,
    roots=(RootRecord("r", WORLD.root.public_key.to_jwk(), "r.pem", NOON),),
    issuers=(
        issuer("alpine", WORLD.signers[0].public_key, "9521234"),
        issuer("harbour", WORLD.signers[1].public_key, "9526543", "95212349"),
    ),
)


def refusal(order: Order) -> str:
    with pytest.raises(ConfigurationError) as caught:
        checked_order(order, KEYRING, at=NOON)
    assert caught.value.next_step
    return str(caught.value)


def test_a_good_order_passes_unchanged() -> None:
    assert checked_order(ORDER, KEYRING, at=NOON) == ORDER


def test_a_gtin_of_another_issuer_is_refused_and_its_holder_named() -> None:
    assert "belongs to harbour" in refusal(replace(ORDER, gtin="09526543000013"))


def test_a_range_sold_to_another_issuer_is_refused() -> None:
    assert "belongs to harbour" in refusal(replace(ORDER, gtin="09521234900007"))


def test_a_gtin_of_nobody_is_refused() -> None:
    assert "under no prefix" in refusal(replace(ORDER, gtin="04006381333931"))


def test_the_indicator_digit_is_no_part_of_the_prefix() -> None:
    assert holder_of("19521234000010", KEYRING, at=NOON) == "alpine"


def test_a_host_of_nobody_is_refused_as_a_lookalike() -> None:
    assert "imitation" in refusal(replace(ORDER, host="id.a1pine.example"))


@pytest.mark.parametrize(
    "change",
    [
        {"gtin": "09521234000014"},
        {"lot": "no space"},
        {"lot": "x" * 21},
        {"lot": ""},
        {"expiry": "281301"},
        {"expiry": "280231"},
        {"produced": "abc"},
        {"count": 0},
        {"count": 10**9},
        {"markets": ("kr",)},
        {"markets": ("KOR",)},
    ],
)
def test_values_that_no_code_or_batch_can_carry_are_refused(change: dict[str, object]) -> None:
    refusal(replace(ORDER, **change))


@pytest.mark.parametrize(
    ("given", "printed"),
    [("2028-12-31", "281231"), ("281231", "281231"), ("2028-12-00", "281200")],
)
def test_dates_are_taken_in_both_spellings(given: str, printed: str) -> None:
    assert to_printed_date(given) == printed


@pytest.mark.parametrize("text", ["31.12.2028", "1928-12-31", "28123", "²81231", ""])
def test_other_spellings_of_dates_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        to_printed_date(text)


def test_shorter_gtins_are_filled_to_14_digits() -> None:
    assert to_gtin14("9521234000013") == "09521234000013"
    for bad in ("952123400001", "x", "952123400001３", "123"):
        if len(bad) != 12:
            with pytest.raises(ConfigurationError):
                to_gtin14(bad)


def test_a_market_that_there_is_not_is_refused() -> None:
    assert checked_order(replace(ORDER, markets=("GB", "KR")), KEYRING, at=NOON)
    with pytest.raises(ConfigurationError, match="did you mean GB") as refused:
        checked_order(replace(ORDER, markets=("KR", "UK")), KEYRING, at=NOON)
    assert "ISO 3166-1" in refused.value.next_step
