"""Nothing here starts a process."""

import pytest

from tests.support.signing_here import sign_in_this_process


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in_this_process(monkeypatch)
