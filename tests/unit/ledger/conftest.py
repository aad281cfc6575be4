"""An empty ledger in a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.ledger.ledgers import Ledgers
from tests.support.new_ledger import make_ledger


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[Ledgers]:
    path = tmp_path / "ledger" / "ledger.sqlite"
    make_ledger(path)
    opened = Ledgers(path)
    yield opened
    opened.close()
