"""A run in one folder: signed, killed, continued, finished."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from authenticity.errors import ConfigurationError
from authenticity.gs1.code import read_code, write_digital_link
from authenticity.records.serial import is_minted_serial
from authenticity.trust.signature_field import (
    Algorithm,
    SignatureField,
    encode_signature_field,
    signed_bytes,
)
from authenticity.trust.verdict import Genuine
from authenticity.trust.verify import verify
from keys.signer import Signer
from producers.issuing.declarations import Declaration, declared, read_batch, refuse_if_said
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.manifest import check_manifest, read_codes, read_header
from producers.issuing.order import Order, template_of
from producers.issuing.run import Issued, SigningKey, begin_or_continue, issue
from producers.issuing.run_folder import CSV_HEADER, Run, RunFolder
from producers.issuing.signing import Chunk, csv_cell, sign_chunk
from simulation.two_makers import World
from tests.support.examples import examples

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WORLD = World()
ORDER = Order(
    issuer="alpine",
    gtin="09521234000013",
    count=50,
    host="id.alpine.example",
    lot="L7",
    expiry="281231",
    markets=("FR", "KR"),
)


@dataclass(frozen=True)
class Seeded:
    """Opens the small world's signer."""

    maker: int = 0

    def open(self) -> Signer:
        return WORLD.signers[self.maker]


def key(maker: int = 0) -> SigningKey:
    return SigningKey(Seeded(maker), 0, WORLD.signers[maker].public_key, "Alpine Tea")


def new_run(order: Order = ORDER, batch_id: str = "b" * 32) -> Callable[[], Run]:
    return lambda: Run(1, order, batch_id, 0, key().public_key.thumbprint, NOON)


def run(folder: Path, order: Order = ORDER, **changes: Any) -> Issued:
    with RunFolder(folder).opened():
        files, begun = begin_or_continue(folder, order, new_run=new_run(order))
        record = IssuedSerials(folder.parent / "keys")
        return issue(
            files, begun, key(), on_record=record, clock=lambda: NOON, workers=2, **changes
        )


def rows(folder: Path) -> list[tuple[str, str]]:
    table = read_codes(folder / "manifest.csv")
    return list(zip(table["serial"].to_pylist(), table["code"].to_pylist(), strict=True))


def test_every_code_of_a_run_is_genuine_and_carries_what_was_ordered(tmp_path: Path) -> None:
    run(tmp_path / "out")
    for serial, code in rows(tmp_path / "out"):
        verdict = verify(code, WORLD.trust_list, NOON)
        assert isinstance(verdict, Genuine)
        assert (verdict.lot, verdict.expiry, verdict.notes) == ("L7", "281231", ())
        assert read_code(code).value("21") == serial and is_minted_serial(serial)


def test_serials_are_unique_and_as_many_as_ordered(tmp_path: Path) -> None:
    run(tmp_path / "out")
    assert len({serial for serial, _ in rows(tmp_path / "out")}) == 50


def test_manifest_says_what_it_is_in_all_three_places(tmp_path: Path) -> None:
    issued = run(tmp_path / "out")
    header, faults = check_manifest(tmp_path / "out")
    assert faults == ()
    assert header == issued.header == read_header(tmp_path / "out" / "manifest.parquet")
    assert header.manifest_sha256 == issued.batch.manifest_sha256
    assert pq.read_table(tmp_path / "out" / "manifest.parquet").column_names == ["serial", "code"]


def test_digest_is_sha256_over_the_sorted_serials_each_with_a_line_feed(tmp_path: Path) -> None:
    from hashlib import sha256

    header = run(tmp_path / "out").header
    text = "".join(
        f"{serial}\n" for serial in sorted(serial for serial, _ in rows(tmp_path / "out"))
    )
    assert header.manifest_sha256 == sha256(text.encode()).hexdigest()


def test_a_manifest_that_was_changed_is_noticed(tmp_path: Path) -> None:
    run(tmp_path / "out")
    csv = tmp_path / "out" / "manifest.csv"
    lines = csv.read_text().splitlines(keepends=True)
    csv.write_text("".join(lines[:-1]))
    _, faults = check_manifest(tmp_path / "out")
    assert len(faults) == 3


def test_batch_is_released_at_once_unless_told_otherwise(tmp_path: Path) -> None:
    assert run(tmp_path / "a").batch.released_at == NOON
    assert run(tmp_path / "b", replace(ORDER, released=False)).batch.released_at is None
    assert read_batch(tmp_path / "a").markets == ("FR", "KR")


def test_a_finished_run_is_not_done_again(tmp_path: Path) -> None:
    first = run(tmp_path / "out")
    again = run(tmp_path / "out")
    assert (again.signed, again.batch, again.header) == (0, first.batch, first.header)


@pytest.mark.parametrize("change", [{"lot": "L8"}, {"count": 51}, {"released": False}])
def test_another_order_in_the_same_folder_is_refused_with_the_difference(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    run(tmp_path / "out")
    with pytest.raises(ConfigurationError, match=next(iter(change))):
        run(tmp_path / "out", replace(ORDER, **change))


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="no issuing run"):
        run(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(st.data())
def test_a_run_cut_at_any_byte_continues_and_keeps_every_whole_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut") / "out"
    run(folder)
    whole = (folder / "manifest.csv").read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    rubbish = data.draw(st.sampled_from([b"", b"\0" * 700, b"ABC", b"\n\n", b"A,B\n"]))
    for name in ("manifest.csv", "manifest.json", "manifest.parquet", "batch.json"):
        (folder / name).unlink()
    (folder / "codes.part").write_bytes(whole[:cut] + rubbish)
    run(folder)
    kept = whole[: whole[:cut].rfind(b"\n") + 1]
    after = (folder / "manifest.csv").read_bytes()
    assert after.startswith(kept)
    assert len({serial for serial, _ in rows(folder)}) == 50
    assert check_manifest(folder)[1] == ()


@pytest.mark.parametrize("gone", ["manifest.json", "manifest.parquet", "batch.json"])
def test_a_run_killed_while_finishing_is_finished_without_signing(
    tmp_path: Path, gone: str
) -> None:
    run(tmp_path / "out")
    before = rows(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / gone).unlink(missing_ok=True)
    assert run(tmp_path / "out").signed == 0
    assert rows(tmp_path / "out") == before and check_manifest(tmp_path / "out")[1] == ()


def test_a_forged_line_in_the_tail_is_cut_off(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run(folder)
    lines = (folder / "manifest.csv").read_bytes().splitlines(keepends=True)
    serial = lines[5].partition(b",")[0]
    lines[5] = lines[5].replace(serial, b"2" * 16)
    (folder / "manifest.csv").unlink()
    (folder / "manifest.json").unlink()
    (folder / "codes.part").write_bytes(b"".join(lines))
    assert run(folder).signed == 46
    assert b"2" * 16 not in (folder / "manifest.csv").read_bytes()


def test_a_serial_minted_twice_is_minted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    run(folder)
    lines = (folder / "manifest.csv").read_bytes().splitlines(keepends=True)
    (folder / "manifest.csv").unlink()
    (folder / "manifest.json").unlink()
    (folder / "codes.part").write_bytes(b"".join([*lines[:-1], lines[1]]))
    issued = run(folder)
    assert issued.signed == 1 and issued.header.count == 50
    assert len({serial for serial, _ in rows(folder)}) == 50


def test_existing_serials_are_signed_in_their_order(tmp_path: Path) -> None:
    serials = ['a,"b"', "x/y?z=1&", "%41", "A" * 20, "Z<>;:'()*+!"] + [f"s{n}" for n in range(30)]
    order = replace(ORDER, count=len(serials), serials_sha256="0" * 64)
    run(tmp_path / "out", order, serials=serials)
    assert [serial for serial, _ in rows(tmp_path / "out")] == serials
    for serial, code in rows(tmp_path / "out"):
        verdict = verify(code, WORLD.trust_list, NOON)
        assert isinstance(verdict, Genuine) and read_code(code).value("21") == serial


_CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_SERIALS = st.text(_CSET_82, min_size=1, max_size=20).filter(lambda text: text not in (".", ".."))


@given(st.lists(_SERIALS, min_size=1, max_size=5, unique=True), st.sampled_from([0, 1]))
def test_a_line_equals_what_the_strict_writer_makes_of_the_same_signature(
    serials: list[str], maker: int
) -> None:
    signer = WORLD.signers[maker]
    template = template_of(ORDER, signer.algorithm, 0)
    lines = sign_chunk(signer, template, Chunk(len(serials), tuple(serials))).decode()
    expected = ""
    for serial, line in zip(serials, lines.splitlines(), strict=True):
        header = SignatureField(signer.algorithm, 0, b"").header
        signed_bytes(header, ORDER.ais(serial))
        field = line[-88:]
        code = write_digital_link([*ORDER.ais(serial), ("8030", field)], ORDER.host)
        expected += f"{csv_cell(serial)},{code}\n"
    assert lines == expected


def test_a_signature_is_over_the_bytes_of_the_format(tmp_path: Path) -> None:
    del tmp_path
    signer = WORLD.signers[0]
    lines = sign_chunk(signer, template_of(ORDER, Algorithm.ED25519, 0), Chunk(1, ("S1",)))
    message = signed_bytes(SignatureField(Algorithm.ED25519, 0, b"").header, ORDER.ais("S1"))
    field = encode_signature_field(SignatureField(Algorithm.ED25519, 0, signer.sign(message)))
    assert lines.decode().endswith(field + "\n")


def test_a_signer_that_does_not_sign_stops_the_run() -> None:
    class Broken:
        algorithm, key_slot = Algorithm.ED25519, 0
        public_key = WORLD.signers[0].public_key

        def sign(self, message: bytes) -> bytes:
            return bytes(64)

    with pytest.raises(RuntimeError, match="does not verify"):
        sign_chunk(Broken(), template_of(ORDER, Algorithm.ED25519, 0), Chunk(3))


def test_an_empty_part_file_is_begun_anew(tmp_path: Path) -> None:
    files = RunFolder(tmp_path)
    files.part.write_bytes(b"ser")
    assert files.written(lambda line: True) == 0
    assert files.part.read_bytes() == CSV_HEADER


def test_declarations_follow_each_other_by_revision(tmp_path: Path) -> None:
    batch = run(tmp_path / "out", replace(ORDER, released=False)).batch
    later = NOON + timedelta(days=1)
    released = declared(batch, Declaration.RELEASE, at=later, revision=2)
    recalled = declared(released, Declaration.RECALL, at=later, revision=3)
    stolen = declared(recalled, Declaration.STOLEN, at=later, revision=4)
    back = declared(stolen, Declaration.RELEASE, at=later + timedelta(days=1), revision=5)
    states = [(each.revision, each.status.value) for each in (released, recalled, stolen, back)]
    assert states == [(2, "normal"), (3, "recalled"), (4, "stolen"), (5, "normal")]
    assert back.released_at == later


@pytest.mark.parametrize("declaration", Declaration)
def test_what_has_been_declared_is_not_declared_again(
    tmp_path: Path, declaration: Declaration
) -> None:
    batch = run(tmp_path / "out", replace(ORDER, released=False)).batch
    refuse_if_said(batch, declaration)
    once = declared(batch, declaration, at=NOON, revision=2)
    with pytest.raises(ConfigurationError, match="already"):
        refuse_if_said(once, declaration)


def test_the_run_file_holds_no_secret(tmp_path: Path) -> None:
    run(tmp_path / "out")
    run_file = msgspec.json.decode((tmp_path / "out" / "run.json").read_bytes())
    assert set(run_file) == set(Run.__struct_fields__)


def test_what_a_killed_run_left_of_its_first_file_does_not_make_the_folder_foreign(
    tmp_path: Path,
) -> None:
    (tmp_path / ".run.json.0123456789abcdef.tmp").write_bytes(b"{")
    assert run(tmp_path).signed == 50
