"""Issuing without processes of its own: they are tried in tests/integration/issuing."""

from collections.abc import Iterator
from typing import Any

import pytest

from producers.issuing import run as issuing
from producers.issuing.order import CodeTemplate
from producers.issuing.signing import Chunk, sign_chunk


def sign_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the patch is undone, runs sign here, ten codes a chunk."""

    def sign_here(
        source: Any, template: CodeTemplate, chunks: list[Chunk], *, workers: int
    ) -> Iterator[bytes]:
        del workers
        signer = source.open()
        return (sign_chunk(signer, template, chunk) for chunk in chunks)

    monkeypatch.setattr(issuing, "sign_in_parallel", sign_here)
    monkeypatch.setattr(issuing, "CHUNK_CODES", 10)
