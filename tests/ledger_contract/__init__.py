"""What every ledger must do, whatever database it is in: run on each in its own folder."""

import pytest

pytest.register_assert_rewrite("tests.ledger_contract.folding", "tests.ledger_contract.reading")
