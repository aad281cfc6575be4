"""The serial list of a large batch, as a run writes it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from authenticity.errors import BatchError, ConfigurationError
from authenticity.limits import Limits
from authenticity.records.batch import Batch
from authenticity.records.part_statement import check_part
from authenticity.records.serial_filter import may_hold, serials_in
from authenticity.records.serial_parts import SerialPart, part_names, share_of
from keys.batch_signing import sign_part
from keys.signer import Signer
from producers.issuing import serial_list
from producers.issuing.declarations import Declaration, declared
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.manifest import serials_of
from producers.issuing.order import Order
from producers.issuing.run import Issued, SigningKey, begin_or_continue, issue
from producers.issuing.run_folder import Run, RunFolder
from producers.issuing.serial_list import (
    check_list,
    read_serial_list,
    sign_list_again,
    with_serial_list,
)
from simulation.two_makers import World
from tests.support.examples import examples

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WORLD = World()
LIMITS = Limits(batch_filter_serials=40, part_serials=16)
ORDER = Order(issuer="alpine", gtin="09521234000013", count=100, host="id.alpine.example", lot="L7")


@dataclass(frozen=True)
class Seeded:
    """Opens the small world's signer."""

    def open(self) -> Signer:
        return WORLD.signers[0]


def signing(signer: Signer = WORLD.signers[0]) -> Callable[[SerialPart], bytes]:
    return lambda part: sign_part(part, signer, at=NOON)


def run(folder: Path, order: Order = ORDER, **changes: Any) -> Issued:
    key = SigningKey(Seeded(), 0, WORLD.signers[0].public_key, "Alpine Tea")
    begun = Run(1, order, "b" * 32, 0, key.public_key.thumbprint, NOON)
    with RunFolder(folder).opened():
        files, begun = begin_or_continue(folder, order, new_run=lambda: begun)
        record = IssuedSerials(folder.parent / "keys")
        return issue(
            files, begun, key, on_record=record, clock=lambda: NOON, workers=1,
            **({"limits": LIMITS} | changes),
        )  # fmt: skip


def made(folder: Path, serials: list[str], **changes: Any) -> Batch:
    batch = WORLD.batch(count=len(serials))
    options: dict[str, Any] = {"workers": 1, "limits": LIMITS} | changes
    return with_serial_list(batch, [serials], folder, signing(), **options)


def test_a_run_of_many_codes_has_a_list_in_signed_parts_that_its_header_names(
    tmp_path: Path,
) -> None:
    issued = run(tmp_path / "out")
    batch, parts = issued.batch, list(read_serial_list(tmp_path / "out"))
    assert (batch.serials, batch.parts, len(parts)) == (None, 7, 7)
    assert [part.name for part in parts] == part_names(batch)
    assert all(check_part(part, WORLD.trust_list, at=NOON) for part in parts)
    assert sum(serials_in(part.part.serials) for part in parts) == 100
    for some in serials_of(tmp_path / "out" / "manifest.csv"):
        assert all(may_hold(parts[share_of(serial, 7)].part.serials, serial) for serial in some)
    assert not (tmp_path / "out" / ".serials").exists()


def test_a_run_of_few_codes_has_a_filter_in_its_header_and_no_parts(tmp_path: Path) -> None:
    issued = run(tmp_path / "out", replace(ORDER, count=40))
    assert issued.batch.serials is not None
    assert issued.batch.parts == 0
    assert list(read_serial_list(tmp_path / "out")) == []


def test_declarations_name_the_same_parts(tmp_path: Path) -> None:
    batch = run(tmp_path / "out").batch
    for declaration in (Declaration.RECALL, Declaration.STOLEN):
        assert declared(batch, declaration, at=NOON, revision=2).serial_parts == batch.serial_parts


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40))
@given(st.integers(41, 200), st.integers(0, 2**32), st.integers(1, 5))
def test_the_same_serials_give_the_same_digests_in_whatever_order_they_come(
    tmp_path: Path, count: int, seed: int, most_files: int
) -> None:
    serials = [f"S,{n}" for n in range(count)]
    first = made(tmp_path, serials)
    Random(seed).shuffle(serials)
    before = serial_list._MOST_FILES
    serial_list._MOST_FILES = most_files  # type: ignore[misc]
    try:
        assert made(tmp_path, serials) == first
    finally:
        serial_list._MOST_FILES = before  # type: ignore[misc]


def test_parts_are_made_in_processes_as_in_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[object] = []

    def here(prepare: Any, work: Any, some: Any, *, workers: int) -> Any:
        assert workers == 2
        tasks.extend(some)
        return (work(prepare(), each) for each in some)

    serials = [f"S{n}" for n in range(200)]
    alone = made(tmp_path, serials)
    monkeypatch.setattr(serial_list, "in_processes", here)
    assert made(tmp_path, serials, workers=2) == alone
    assert len(tasks) == 13


def test_another_key_signs_the_same_parts(tmp_path: Path) -> None:
    batch = made(tmp_path, [f"S{n}" for n in range(100)])
    sign_list_again(tmp_path, signing(WORLD.successors[0]))
    again = list(read_serial_list(tmp_path))
    assert {part.key_slot for part in again} == {1}
    assert [part.name for part in again] == part_names(batch)
    check_list(batch, tmp_path)


@pytest.mark.parametrize("harm", ["truncated", "doubled", "swapped"])
def test_a_list_that_is_not_the_one_the_header_names_is_noticed(tmp_path: Path, harm: str) -> None:
    batch = made(tmp_path, [f"S{n}" for n in range(100)])
    path = tmp_path / "serials.jws"
    lines = path.read_bytes().splitlines(keepends=True)
    harmed = {
        "truncated": lines[:-1],
        "doubled": [*lines, lines[-1]],
        "swapped": [lines[1], lines[0], *lines[2:]],
    }
    path.write_bytes(b"".join(harmed[harm]))
    with pytest.raises(ConfigurationError, match="does not hold the parts") as refused:
        check_list(batch, tmp_path)
    assert refused.value.next_step
    path.write_bytes(lines[0][:-9] + b"\n")
    with pytest.raises(BatchError, match=r"serials.jws line 1: "):
        list(read_serial_list(tmp_path))


def test_a_batch_of_more_than_all_parts_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="the limit is 48") as refused:
        made(tmp_path, [f"S{n}" for n in range(49)], limits=replace_limits(serial_parts=3))
    assert refused.value.next_step == "divide it into several batches"


def replace_limits(**changes: int) -> Limits:
    return Limits(batch_filter_serials=40, part_serials=16, **changes)


def test_what_a_kill_left_of_the_sorting_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".serials"
    left.mkdir()
    (left / "0").write_text("LEFTOVER\n")
    batch = made(tmp_path, [f"S{n}" for n in range(100)])
    parts = list(read_serial_list(tmp_path))
    assert not may_hold(parts[share_of("LEFTOVER", batch.parts)].part.serials, "LEFTOVER")
    assert not left.exists()
