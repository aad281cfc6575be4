"""Reading on PostgreSQL."""

from ledger.address import PostgresAddress
from tests.contracts.ledger.ledgers import Ledgers
from tests.contracts.ledger.reading import ReadingContract
from tests.integration.ledger.server import terminate_others


class TestReadingOnPostgres(ReadingContract):
    """See `tests.contracts.ledger`."""


async def test_a_reader_goes_on_without_a_word_when_its_idle_connections_were_ended(
    ledgers: Ledgers, ledger_address: PostgresAddress
) -> None:
    reader = ledgers.reader()
    await reader.ping()
    batch_registry = await reader.batch_registry()
    assert terminate_others(ledger_address) >= 1
    await reader.ping()
    assert await reader.batch_registry() is not batch_registry, (
        "another server could have another one"
    )
