"""`touchstone dead-letters republish` with the embedded engine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.two_makers import World
from tests.integration.engine.installation import Installation, run
from tests.support.patience import wait_until


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "data", World().roots_document)
    yield made
    made.close()


def dead_letters_once_there_are(count: int, installation: Installation) -> list[dict[str, object]]:
    def found() -> list[dict[str, object]]:
        done = run("dead-letters", "list", "--json", "--data", str(installation.folder))
        listed = [json.loads(line) for line in done.stdout.splitlines()]
        return listed if len(listed) == count else []

    return wait_until(found, f"there are never {count} dead letters", every_s=0.2)


def test_a_dead_letter_goes_to_its_topic_again_and_poison_is_left_alone(
    installation: Installation,
) -> None:
    world = World()
    foreign = world.statement(world.batch(issuer="harbour"))
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
