"""Addresses: what is refused, and that none of them shows its password."""

import pytest

from authenticity.errors import ConfigurationError
from ledger.address import read_address


def test_an_address_shows_user_host_and_database_but_no_password() -> None:
    address = read_address("postgresql://ann:s3cret@db.example:5433/ledger?sslmode=require")
    assert str(address) == "postgresql://ann@db.example:5433/ledger"
    assert "s3cret" not in repr(address)
    assert address.url == "postgresql://ann:s3cret@db.example:5433/ledger?sslmode=require"


def test_a_password_from_elsewhere_takes_the_place_of_the_written_one() -> None:
    address = read_address("postgres://ann:old@h1:5432,h2/ledger", password="p@ss/w:rd")
    assert address.url == "postgresql://ann:p%40ss%2Fw%3Ard@h1:5432,h2/ledger"


@pytest.mark.parametrize(
    "text",
    [
        "", "ledger.sqlite", "mysql://ann:s3cret@h/d", "postgresql://h/d", "postgresql://ann@/d",
        "postgresql://ann:s3cret@h", "postgresql://ann:s3cret@h/", "postgresql://ann:s3cret@h/d/e",
        "postgresql://ann:s3cret@h:0/d", "postgresql://ann:s3cret@h:port/d",
        "postgresql://ann:s3cret@h:65536/d", "postgresql://ann:s3cret@[::1/d",
        "postgresql://ann:s3#cret@h/d", "postgresql://ann:s3?cret@h/d", "postgresql://ann:s3/cret@h/d",
        "postgresql://ann:s3cret@h/d?options=-cfsync%3Doff", "postgresql://ann:s3cret@h/d?sslmode=x",
        "postgresql://ann:s3cret@h/d?target_session_attrs=any", "postgresql://ann:s3cret@h1,,h2/d",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_a_next_step_and_without_being_repeated(
    text: str,
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_address(text)
    assert refused.value.next_step
    assert "s3" not in str(refused.value) + refused.value.next_step
    assert "cret" not in str(refused.value) + refused.value.next_step
