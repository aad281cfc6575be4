"""`touchstone dead-letters` on Kafka: listed, shown, and published again."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from authenticity.gs1.code import item_of
from authenticity.records.dead_letter import dead_letter
from authenticity.records.scan import Scan, encode_scan
from events.kafka.publisher import KafkaPublisher
from events.kafka.reading import read_topic
from events.kafka.settings import KafkaSettings
from events.publisher import Record
from events.topics import SCANS, SCANS_DEAD, scan_key
from simulation.two_makers import World
from tests.support.patience import PATIENCE_S

NOW = datetime.now(UTC)


def touchstone(settings: KafkaSettings, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    environ = os.environ | {"TOUCHSTONE_KAFKA": ",".join(settings.servers)}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "dead-letters", *arguments],
        env=environ, capture_output=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scan() -> Scan:
    world = World()
    return world.scan(world.code())


@pytest.fixture
def numbers(settings: KafkaSettings, publisher: KafkaPublisher, scan: Scan) -> list[str]:
    """A dead letter that could be read after all, and one that never can."""
    run = uuid4().hex
    raws = [encode_scan(scan), b"no scan"]
    publisher.publish(
        [
            Record(
                SCANS_DEAD,
                run.encode(),
                msgspec.json.encode(
                    dead_letter(
                        SCANS.name, 3, 17 + n, raw, f"{run} {n}", NOW + timedelta(seconds=n)
                    )
                ),
            )
            for n, raw in enumerate(raws)
        ]
    ).result(PATIENCE_S)
    listed = touchstone(settings, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    dead_letters = [json.loads(line) for line in listed.stdout.splitlines()]
    mine = [dead_letter for dead_letter in dead_letters if dead_letter["reason"].startswith(run)]
    assert [(one["source"], one["position"]) for one in mine] == [("scans/3", 17), ("scans/3", 18)]
    return [dead_letter["number"] for dead_letter in mine]


def test_bytes_are_shown_as_they_came(settings: KafkaSettings, numbers: list[str]) -> None:
    assert touchstone(settings, "show", numbers[1]).stdout == b"no scan"


def test_a_dead_letter_is_published_again_under_its_key_and_poison_is_left_alone(
    settings: KafkaSettings, numbers: list[str], scan: Scan
) -> None:
    done = touchstone(settings, "republish", *numbers, "--json")
    assert done.returncode == 1, done.stderr
    outcome = {line["number"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert outcome[numbers[0]]["published"]
    assert not outcome[numbers[1]]["published"]
    key = scan_key(item_of(scan.code), scan.code)
    again = [stored for stored in read_topic(settings, SCANS) if stored.key == key]
    assert [stored.value for stored in again] == [encode_scan(scan)]


def test_a_missing_dead_letter_is_named_in_the_error(settings: KafkaSettings) -> None:
    for number in ("0:999999", "77:0", "17", "x:y"):
        done = touchstone(settings, "show", number)
        assert done.returncode == 2
        assert b"touchstone dead-letters list" in done.stderr
