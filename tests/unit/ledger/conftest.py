"""An empty ledger in a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.opening import migrate
from tests.contracts.ledger.ledgers import Ledgers


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[Ledgers]:
    path = tmp_path / "ledger" / "ledger.sqlite"
    migrate(path)
    opened = Ledgers(path)
    yield opened
    opened.close()
