from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.api.stand import Stand, standing_service


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("service")
    with standing_service(folder) as running:
        yield running
