"""A batch of too many codes for a filter in its header: issued, registered, folded, verified."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

import msgspec

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.limits import LIMITS, Limits
from authenticity.records.batch import Batch, encode_batch
from authenticity.records.batch_registry import Question
from authenticity.records.serial_parts import number_of_parts, part_asked
from authenticity.trust.trust_list import read_roots
from events.embedded.log import EmbeddedLog
from events.topics import BATCHES
from keys.batch_signing import sign_batch
from keys.signer import Signer
from ledger.opening import migrate, open_reader, open_store
from ledger.records import PartsHeld
from producers.issuing.declarations import Declaration, declared, read_batch, read_parts
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.manifest import read_codes
from producers.issuing.order import Order
from producers.issuing.registration import publish_statements
from producers.issuing.run import Issued, SigningKey, begin_or_continue, issue
from producers.issuing.run_folder import Run, RunFolder
from simulation.two_makers import GTINS, World
from stream.sources.embedded import EmbeddedSource
from tests.integration.issuing.test_issue_command import Maker, maker
from tests.support.service import Stand, in_process_service

__all__ = ["maker"]

SMALL = Limits(batch_filter_serials=40, part_serials=16)
REAL = LIMITS.batch_filter_serials + 9_000


@dataclass(frozen=True)
class Seeded:
    """Opens the key of the small world's first maker, in any process."""

    def open(self) -> Signer:
        return World().signers[0]


def issued_by(stand: Stand, folder: Path) -> Issued:
    order = Order(
        issuer="alpine", gtin=GTINS[0], count=100, host="id.alpine.example", lot="L7",
        markets=("FR",),
    )  # fmt: skip
    key = SigningKey(Seeded(), 0, stand.world.signers[0].public_key, "Alpine Tea")
    begun = Run(1, order, "b" * 32, 0, key.public_key.thumbprint, stand.world.now)
    with RunFolder(folder).opened():
        files, begun = begin_or_continue(folder, order, new_run=lambda: begun)
        return issue(
            files, begun, key, on_record=IssuedSerials(folder.parent / "keys"),
            clock=lambda: datetime.now(UTC), workers=2, limits=SMALL,
        )  # fmt: skip


def test_what_was_issued_is_genuine_what_was_not_is_found_and_a_recall_needs_no_parts(
    tmp_path: Path,
) -> None:
    with in_process_service(tmp_path) as stand, stand.client() as client:
        issued = issued_by(stand, tmp_path / "out")
        assert issued.batch.parts == 7
        parts = read_parts(tmp_path / "out")
        publish_statements(stand.publisher, [issued.statement], parts)
        stand.drain()
        codes = read_codes(tmp_path / "out" / "manifest.csv")["code"].to_pylist()
        invented = [stand.world.code(lot="L7") for _ in range(20)]

        def standings(some: list[str]) -> set[tuple[str, bool]]:
            answers = [client.post("/v1/verify", json={"code": code}).json() for code in some]
            return {(each["standing"], each["provisional"]) for each in answers}

        assert standings(codes) == {("verified", False)}
        assert standings(invented) == {("suspect", False)}
        recalled = declared(issued.batch, Declaration.RECALL, at=stand.world.now, revision=2)
        again = sign_batch(recalled, stand.world.signers[0], at=datetime.now(UTC))
        publish_statements(stand.publisher, [again])
        stand.drain()
        answer = client.post("/v1/verify", json={"code": codes[0]}).json()
        assert [finding["kind"] for finding in answer["findings"]] == ["recalled"]
        assert standings(invented) == {("suspect", False)}


def drained(maker: Maker) -> None:
    """What an engine does with all that is on the log."""
    data = maker.folder / "data"
    migrate(data / "ledger.sqlite")
    roots = read_roots((maker.folder / "roots.json").read_bytes())
    log, store = EmbeddedLog(data / "log.sqlite"), open_store(data / "ledger.sqlite")
    source = EmbeddedSource(log, store, roots, DEFAULT_POLICY)
    while source.run_round():
        pass
    source.close()


def asked(maker: Maker, batch: Batch, serials: list[str]) -> tuple[set[bool], PartsHeld]:
    """What the ledger says of these, and how much of the list it has."""
    names = [part_asked(batch, serial) for serial in serials]
    questions = [Question(n, serial) for n, serial in zip(names, serials, strict=True) if n]
    reader = open_reader(maker.folder / "data" / "ledger.sqlite")

    async def ask() -> tuple[set[bool], PartsHeld]:
        answers = await reader.memberships(questions)
        held = await reader.parts_held(batch.issuer, batch.batch_id)
        await reader.close()
        assert len(answers) == len(serials)
        return set(answers.values()), held

    return asyncio.run(ask())


def test_one_more_than_a_header_can_list_and_a_run_of_the_first_version(maker: Maker) -> None:
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    (maker.folder / "data").mkdir(exist_ok=True)
    copyfile(maker.folder / "roots.json", maker.folder / "data" / "roots.json")
    maker.run("trust", "publish", "trust.jws")
    summary = maker.issue("out", REAL)
    parts = number_of_parts(REAL)
    assert (summary["serial_filter"], summary["serial_parts"]) == (False, parts)
    drained(maker)
    folder = maker.folder / "out"
    batch = read_batch(folder)
    serials = read_codes(folder / "manifest.csv")["serial"].to_pylist()
    assert asked(maker, batch, serials) == ({True}, PartsHeld(parts, parts))
    invented = [f"INVENTED{n}" for n in range(5_000)]
    assert asked(maker, batch, invented)[0] == {False}
    wide = {**maker.environ, "COLUMNS": "240"}
    assert f"{parts} of {parts} parts" in maker.run("batches", "list", environ=wide)[0]

    log = EmbeddedLog(maker.folder / "data" / "log.sqlite")
    largest = max(len(entry.value) for entry in log.read(BATCHES, 0, 100))
    log.close()
    assert largest < 2**20

    (folder / "serials.jws").unlink()  # made again of the manifest: the same
    maker.run("batches", "register", "out")
    assert read_batch(folder) == batch

    old = msgspec.structs.replace(batch, serial_parts=msgspec.UNSET)  # as version 0.1.0 left it
    for name in ("serials.jws", "batch.jws"):
        (folder / name).unlink()
    (folder / "batch.json").write_bytes(encode_batch(old) + b"\n")
    maker.run("batches", "register", "out", "--wait", "0", code=3)
    listed = read_batch(folder)
    assert (listed.revision, listed.serial_parts) == (2, batch.serial_parts)
    drained(maker)
    assert asked(maker, listed, serials[:100]) == ({True}, PartsHeld(parts, parts))
