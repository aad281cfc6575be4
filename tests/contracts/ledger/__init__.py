"""What every ledger must do, whatever database it is in: run on each in its own folder."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.contracts.ledger.{name}"
        for name in ("signal_keeping", "folding", "reading", "upgrading")
    )
)
