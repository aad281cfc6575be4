"""`touchstone dead-letters republish` with the embedded engine."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from authenticity.records.batch import encode_batch
from tests.integration.engine.installation import Installation, run
from tests.support.patience import PATIENCE_S
from tests.support.world import World


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "data", World().roots_document)
    yield made
    made.close()


def dead_letters_once_there_are(count: int, installation: Installation) -> list[dict[str, object]]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = run("dead-letters", "list", "--json", "--data", str(installation.folder))
        dead_letters = [json.loads(line) for line in done.stdout.splitlines()]
        if len(dead_letters) == count:
            return dead_letters
        assert time.monotonic() < deadline, (dead_letters, done.stderr)
        time.sleep(0.2)


def test_a_dead_letter_goes_to_its_topic_again_and_poison_is_left_alone(
    installation: Installation,
) -> None:
    world = World()
    foreign = encode_batch(world.batch(issuer="harbour"))
    installation.publish_trust_list(world.trust_document)
    installation.publish_scans([b"no scan"])
    installation.publish_batches([foreign])
    installation.start()
    numbers = {
        str(dead_letter["source"]).partition("@")[0]: str(dead_letter["number"])
        for dead_letter in dead_letters_once_there_are(2, installation)
    }
    done = run("dead-letters", "republish", numbers["batches"], numbers["scans"], "--json",
               "--data", str(installation.folder))  # fmt: skip
    assert done.returncode == 1, done.stderr
    outcome = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["published"] for line in outcome] == [True, False]
    [again] = [
        dead_letter
        for dead_letter in dead_letters_once_there_are(3, installation)
        if str(dead_letter["number"]) not in numbers.values()
    ]
    shown = run("dead-letters", "show", str(again["number"]), "--data", str(installation.folder))
    assert shown.stdout == foreign
