from collections.abc import Iterator
from pathlib import Path

import pytest

from .site import Site, attacked_service


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("attacked")
    with attacked_service(folder) as running:
        yield running
