"""What `touchstone simulate` writes."""

from hashlib import sha256
from pathlib import Path

import pytest

from authenticity.errors import ConfigurationError
from authenticity.records.batch_statement import read_statement
from authenticity.records.scan import decode_scan
from authenticity.trust.jws import read_roots
from authenticity.trust.trust_list import read_trust_list
from simulation.files import SimulationFiles, simulate
from simulation.traffic import Scenario
from simulation.truth import decode_truth

SCENARIO = Scenario(seed=11, items=600, attack_rate=0.03)


def write(
    folder: Path, scenario: Scenario = SCENARIO, *, processes: int = 1, chunk_packs: int = 1_000
) -> SimulationFiles:
    files = SimulationFiles(folder / "scans.ndjson", folder / "truth.ndjson")
    simulate(scenario, files, processes=processes, chunk_packs=chunk_packs)
    return files


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SimulationFiles:
    return write(tmp_path_factory.mktemp("simulated"))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, files: SimulationFiles) -> None:
    write(tmp_path)
    assert contents(tmp_path) == contents(files.scans.parent)


def test_processes_and_chunks_change_no_byte(tmp_path: Path, files: SimulationFiles) -> None:
    write(tmp_path, processes=2, chunk_packs=130)
    assert contents(tmp_path) == contents(files.scans.parent)


def test_another_seed_gives_other_scans_and_other_keys(
    tmp_path: Path, files: SimulationFiles
) -> None:
    other = write(tmp_path, Scenario(seed=12, items=600, attack_rate=0.03))
    assert other.scans.read_bytes() != files.scans.read_bytes()
    assert other.roots.read_bytes() != files.roots.read_bytes()


def test_nothing_but_the_seven_files_is_left(files: SimulationFiles) -> None:
    assert set(contents(files.scans.parent)) == {
        "scans.ndjson", "truth.ndjson", "scans.trust.json", "scans.roots.json",
        "scans.batches.ndjson", "scans.attacks.ndjson", "scans.world.json",
    }  # fmt: skip


def test_every_scan_has_its_truth_on_the_same_line(files: SimulationFiles) -> None:
    scans = [decode_scan(line) for line in files.scans.read_bytes().splitlines()]
    truths = [decode_truth(line) for line in files.truth.read_bytes().splitlines()]
    assert len(scans) > 200
    assert [(s.publisher, s.scan_id) for s in scans] == [(t.publisher, t.scan_id) for t in truths]


def test_scans_are_in_the_order_of_arrival_and_not_of_capture(files: SimulationFiles) -> None:
    scans = [decode_scan(line) for line in files.scans.read_bytes().splitlines()]
    arrivals = [scan.received_at for scan in scans]
    captures = [scan.captured_at for scan in scans]
    assert arrivals == sorted(arrivals)
    assert captures != sorted(captures)


def test_the_trust_list_is_vouched_for_by_the_roots_beside_it(files: SimulationFiles) -> None:
    roots = read_roots(files.roots.read_bytes())
    listed = read_trust_list(files.trust.read_bytes(), roots, at=SCENARIO.start)
    assert len(listed.issuers) == SCENARIO.makers
    assert all("simulated" in issuer.name for issuer in listed.issuers)


def test_batches_hold_every_pack_and_the_digest_of_their_serials(files: SimulationFiles) -> None:
    from simulation.traffic import Traffic

    batches = [read_statement(line).batch for line in files.batches.read_bytes().splitlines()]
    assert sum(batch.count for batch in batches) == SCENARIO.items
    world = Traffic(SCENARIO).world
    serials: dict[str, list[str]] = {}
    for index in range(SCENARIO.items):
        pack = world.pack(index)
        serials.setdefault(pack.batch.batch_id, []).append(pack.serial)
    for batch in batches:
        text = "".join(f"{serial}\n" for serial in sorted(serials[batch.batch_id]))
        assert batch.manifest_sha256 == sha256(text.encode()).hexdigest()


def test_a_folder_that_cannot_be_made_is_refused_with_a_next_step(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(ConfigurationError) as refusal:
        write(blocked / "below")
    assert refusal.value.next_step
