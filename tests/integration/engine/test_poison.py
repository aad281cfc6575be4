"""What cannot be processed is kept with its reason, and the stream goes on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from authenticity.records.scan import encode_scan
from simulation.two_makers import World
from tests.support.patience import wait_until

from .installation import Installation, run

POISON = {
    b"not json at all": "not a scan",
    b'{"v": 1, "scan_id": "x"}': "publisher",
    b'{"v": 1, "scan_id": "\xff\xfe"}': "utf-8",
    b'{"v": 7, "scan_id": "from the future"}': "version 7",
    b'{"v": 1, "code": "' + b"A" * 1_000_000 + b'"}': "larger than the limit",
    b"[" * 15_000: "not a scan",
    b"": "not a scan",
}


@pytest.fixture
def world() -> World:
    return World(5)


@pytest.fixture
def installation(tmp_path: Path, world: World) -> Iterator[Installation]:
    made = Installation(tmp_path / "data", world.roots_document)
    yield made
    made.close()


def replayed(folder: Path, world: World, scans: list[bytes], batches: list[bytes]) -> bytes:
    (folder / "s.ndjson").write_bytes(b"".join(line + b"\n" for line in scans))
    (folder / "s.batches.ndjson").write_bytes(b"".join(line + b"\n" for line in batches))
    (folder / "s.trust.json").write_bytes(world.trust_document)
    (folder / "s.roots.json").write_bytes(world.roots_document)
    return run("replay", str(folder / "s.ndjson")).stdout


def test_poison_goes_to_the_dead_letters_and_the_stream_goes_on(
    installation: Installation, world: World, tmp_path: Path
) -> None:
    before, after = encode_scan(world.scan(world.code())), encode_scan(world.scan(world.code()))
    installation.publish_trust_list(world.trust_document)
    installation.publish_scans([before, *POISON, after])
    installation.start()
    installation.wait_until_exported(replayed(tmp_path, world, [before, after], []))
    dead_letters = installation.dead_letters()
    assert len(dead_letters) == len(POISON)
    for dead_letter, (raw, reason) in zip(dead_letters, POISON.items(), strict=True):
        assert reason in dead_letter["reason"]
        assert dead_letter["bytes"] == len(raw)
        shown = run("dead-letters", "show", str(dead_letter["number"]), "--data",
                    str(installation.folder))  # fmt: skip
        assert shown.stdout == raw


def test_a_batch_of_an_issuer_without_the_prefix_and_a_forged_trust_list_are_refused(
    installation: Installation, world: World, tmp_path: Path
) -> None:
    scan = encode_scan(world.scan(world.code()))
    stolen = world.statement(world.batch(issuer="harbour"))
    fine = world.statement(world.batch(lot="L1", status="recalled"))
    installation.publish_trust_list(world.trust_document)
    installation.publish_trust_list(World(6).next_trust_document())
    installation.publish_scans([scan])
    installation.publish_batches([stolen, fine])
    installation.start()
    installation.wait_until_exported(replayed(tmp_path, world, [scan], [fine]))
    reasons = " / ".join(dead_letter["reason"] for dead_letter in installation.dead_letters())
    assert "does not hold the company prefix" in reasons
    assert "0 of the pinned root keys signed this list" in reasons


def test_scans_wait_until_there_is_a_trust_list_to_check_them_against(
    installation: Installation, world: World, tmp_path: Path
) -> None:
    scan = encode_scan(world.scan(world.code()))
    installation.publish_scans([scan])
    installation.start()
    assert installation.engines[0].poll() is None
    installation.publish_trust_list(world.trust_document)
    installation.wait_until_exported(replayed(tmp_path, world, [scan], []))


def test_a_revocation_reaches_a_running_engine(
    installation: Installation, world: World, tmp_path: Path
) -> None:
    before = world.scan(world.code())
    after = world.officer_scan(world.code(), minutes=60)  # a stranger's alone is no alert
    installation.publish_trust_list(world.trust_document)
    installation.publish_scans([encode_scan(before)])
    installation.start()
    installation.wait_until_exported(replayed(tmp_path, world, [encode_scan(before)], []))
    installation.publish_trust_list(world.next_trust_document(revoked={0: before.captured_at}))
    installation.publish_scans([encode_scan(after)])

    def with_an_alert() -> list[dict[str, object]]:
        lines = [json.loads(line) for line in installation.exported().splitlines()]
        return lines if any(line["type"] == "alert" for line in lines) else []

    lines = wait_until(with_an_alert, "there is never an alert", every_s=0.2)
    kinds = [line["kind"] for line in lines if line["type"] == "alert"]
    standings = [line["standing"] for line in lines if line["type"] == "standing"]
    assert kinds == ["key-revoked"]
    assert sorted(map(str, standings)) == ["suspect", "verified"]
