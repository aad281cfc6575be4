from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.service import Stand, in_process_service, unhurried


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("service")
    with in_process_service(folder, settings=unhurried(token_known_s=0.1)) as running:
        yield running


@pytest.fixture
def client(stand: Stand) -> Iterator[httpx.Client]:
    with stand.client() as client:
        yield client
