"""Nothing acknowledged is lost, nothing is counted twice, whatever dies."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults.traffic import Traffic
from tests.support.patience import PATIENCE_S, wait_until

from .installation import Installation, run

KILLS = 22
SCANS_AT_ONCE = 1_000


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """At least 20,000 scans with attacks, duplicates and late arrivals."""
    folder = tmp_path_factory.mktemp("traffic")
    scans = folder / "scans.ndjson"
    made = run("simulate", "--seed", "7", "--items", "26000", "--out", str(scans))
    assert made.returncode == 0, made.stderr
    replayed = run("replay", str(scans))
    assert replayed.returncode == 0, replayed.stderr
    lines = scans.read_bytes().splitlines()
    assert len(lines) >= 20_000
    return Traffic(
        lines,
        (folder / "scans.batches.ndjson").read_bytes().splitlines(),
        (folder / "scans.trust.json").read_bytes(),
        (folder / "scans.roots.json").read_bytes(),
        replayed.stdout,
    )


@pytest.fixture
def installation(tmp_path: Path, traffic: Traffic) -> Iterator[Installation]:
    made = Installation(tmp_path / "data", traffic.roots_document)
    made.publish_trust_list(traffic.trust_document)
    yield made
    made.close()


def in_portions(lines: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), SCANS_AT_ONCE):
        yield lines[start : start + SCANS_AT_ONCE]


def at_any_moment(rng: random.Random) -> None:
    """Some engines die before the first fold, some after many. No outcome rests on which."""
    time.sleep(rng.uniform(0.45, 1.1))


@pytest.mark.slow
def test_an_engine_killed_at_random_points_ends_equal_to_the_replay(
    installation: Installation, traffic: Traffic
) -> None:
    rng = random.Random(20)
    kills = 0
    for portion in in_portions(traffic.scans):
        installation.publish_scans(portion)
        if kills == KILLS // 2:
            installation.publish_batches(traffic.batches)  # late, and folded through kills
        if kills < KILLS:
            installation.start()
            at_any_moment(rng)
            installation.kill()
            kills += 1
    while kills < KILLS:
        installation.start()
        at_any_moment(rng)
        installation.kill()
        kills += 1
    installation.start()
    installation.wait_until_exported(traffic.replayed)
    assert installation.stop() == [0]
    assert installation.dead_letters() == []


@pytest.mark.slow
def test_an_engine_whose_disk_is_full_stops_and_goes_on_where_it_was(
    installation: Installation, traffic: Traffic
) -> None:
    installation.publish_batches(traffic.batches)
    log = installation.folder / "engine.log"
    for file_bytes in (400_000, 1_500_000):  # twice: while small, and half-way
        installation.publish_scans(traffic.scans[: len(traffic.scans) // 2])
        engine = installation.start(file_bytes=file_bytes)
        wait_until(lambda: log.read_text().count("trying again") >= 2, log.read_text)
        assert "the ledger ledger.sqlite cannot be used" in log.read_text()
        assert engine.poll() is None, "it waits for space and says so"
        installation.kill()
        log.write_text("")
    installation.publish_scans(traffic.scans)
    installation.start()
    installation.wait_until_exported(traffic.replayed)


@pytest.mark.slow
def test_two_engines_folding_one_log_at_once_end_equal_to_the_replay(
    installation: Installation, traffic: Traffic
) -> None:
    installation.start()
    installation.start()
    for number, portion in enumerate(in_portions(traffic.scans)):
        installation.publish_scans(portion)
        if number == 5:
            installation.publish_batches(traffic.batches)
    installation.wait_until_exported(traffic.replayed)
    assert installation.stop() == [0, 0]


PUBLISH = """
import sys
from pathlib import Path
from events.embedded.publisher import EmbeddedPublisher
from events.publisher import Record
from events.topics import SCANS
publisher = EmbeddedPublisher(Path(sys.argv[1]))
for line in sys.stdin.buffer.read().splitlines():
    publisher.publish([Record(SCANS, b"scan", line)]).result()
    print("acknowledged", flush=True)
"""


@pytest.mark.slow
def test_a_publisher_killed_at_any_moment_has_lost_nothing_it_acknowledged(
    installation: Installation, traffic: Traffic
) -> None:
    rng = random.Random(3)
    installation.publish_batches(traffic.batches)
    published = 0
    scans = traffic.scans[:3_000]
    while published < len(scans) // 2:
        publisher = subprocess.Popen(
            [sys.executable, "-c", PUBLISH, str(installation.folder / "log.sqlite")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert publisher.stdin is not None
        assert publisher.stdout is not None
        try:
            publisher.stdin.write(b"\n".join(scans[published:]))
            publisher.stdin.close()
            stop_after = rng.randrange(1, 400)
            for _ in range(stop_after):
                if not publisher.stdout.readline():
                    break
            publisher.kill()
            rest = publisher.stdout.read()
        finally:
            publisher.kill()
            publisher.wait(PATIENCE_S)
            publisher.stdout.close()
        # Whoever is not told goes on after the last answer: some scans come twice.
        published += stop_after + rest.count(b"acknowledged\n")
    acknowledged = scans[:published]
    installation.start()
    installation.wait_until_something_is_exported()
    installation.publish_scans(scans)  # all of them again: each counts once
    folder = installation.folder.parent
    (folder / "scans.ndjson").write_bytes(b"\n".join(scans) + b"\n")
    (folder / "scans.trust.json").write_bytes(traffic.trust_document)
    (folder / "scans.roots.json").write_bytes(traffic.roots_document)
    (folder / "scans.batches.ndjson").write_bytes(b"\n".join(traffic.batches) + b"\n")
    installation.wait_until_exported(run("replay", str(folder / "scans.ndjson")).stdout)
    assert len(acknowledged) >= len(scans) // 2
