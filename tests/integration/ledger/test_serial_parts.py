"""Serial lists on PostgreSQL."""

from ledger.address import PostgresAddress
from tests.contracts.ledger.part_keeping import PartsContract
from tests.integration.ledger.server import query


class TestPartsOnPostgres(PartsContract):
    """See `tests.contracts.ledger`."""


def test_parts_are_stored_as_they_are_for_nothing_in_them_can_be_compressed(
    ledger_address: PostgresAddress,
) -> None:
    storage = query(
        ledger_address,
        "SELECT attstorage::text FROM pg_attribute"
        " WHERE attrelid = 'serial_parts'::regclass AND attname = 'content'",
    )
    assert storage == [("e",)]
