"""Batches that stand beside recorded scans, with the parts of their serial lists."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from authenticity.records.batch_registry import InBatch, ListIncomplete, NotInBatch
from authenticity.trust.jws import encode_roots
from cli.support.recorded_scans import recorded_beside
from simulation.two_makers import World
from tests.support.large_batch import large_batch, signed_part


def test_parts_among_the_lines_are_asked_and_those_of_a_stranger_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(now=datetime.now(UTC))
    serials = [f"OURS{n}" for n in range(20)]
    large = large_batch(world.batch(), serials, 2)
    older = large_batch(world.batch(), ["OLD"], 2)
    lines = [
        signed_part(world, large.parts[0]).raw,
        signed_part(world, older.parts[1], signer=world.stranger).raw,
        world.statement(large.batch),
    ]
    scans = tmp_path / "scans.ndjson"
    (tmp_path / "scans.trust.json").write_bytes(world.trust_document)
    (tmp_path / "roots.json").write_bytes(encode_roots(world.roots))
    batches = tmp_path / "scans.batches.ndjson"
    batches.write_bytes(b"\n".join(lines) + b"\n")
    _, registry = recorded_beside(str(scans), None, tmp_path / "roots.json", None)
    found = {type(registry.find(large.batch.gtin, "L1", "281231", each)) for each in serials}
    assert found == {InBatch, ListIncomplete}
    assert "1 parts of serial lists are left out" in "".join(capsys.readouterr())
    batches.write_bytes(b"\n".join([*lines, signed_part(world, large.parts[1]).raw]) + b"\n")
    _, registry = recorded_beside(str(scans), None, tmp_path / "roots.json", None)
    found = {type(registry.find(large.batch.gtin, "L1", "281231", each)) for each in serials}
    assert found == {InBatch}
    match = registry.find(large.batch.gtin, "L1", "281231", "NOBODYS")
    assert match == NotInBatch(large.batch)
