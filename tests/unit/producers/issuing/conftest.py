"""Nothing here starts a process."""

from collections.abc import Iterator
from typing import Any

import pytest

from producers.issuing import run as issuing
from producers.issuing.order import CodeTemplate
from producers.issuing.signing import Chunk, sign_chunk


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign here: processes are tried in tests/integration/issuing."""

    def sign_here(
        source: Any, template: CodeTemplate, chunks: list[Chunk], *, workers: int
    ) -> Iterator[bytes]:
        del workers
        signer = source.open()
        return (sign_chunk(signer, template, chunk) for chunk in chunks)

    monkeypatch.setattr(issuing, "sign_in_parallel", sign_here)
    monkeypatch.setattr(issuing, "CHUNK_CODES", 10)
