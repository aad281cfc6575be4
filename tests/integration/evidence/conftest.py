from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from .site import Site, attacked_service


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With a trust list that outlasts whatever time the examples of a module let pass."""
    folder: Path = tmp_path_factory.mktemp("attacked")
    with attacked_service(folder) as running:
        world = running.stand.world
        lasting = world.next_trust_document(expires_at=running.clock.now + timedelta(days=3_000))
        running.stand.trust(lasting)
        running.stand.until(lambda: running.stand.engine.stats.trust_version == 2)
        running.stand.until(lambda: running.verify("x", "8.8.8.8")["trust_list_version"] == 2)
        yield running
