"""No serial of a product is issued twice, whatever folder and lot it is asked for."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from authenticity.errors import ConfigurationError
from producers.issuing import issued_serials
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.run import begin_or_continue, issue
from producers.issuing.run_folder import RunFolder
from tests.unit.producers.issuing.test_run import NOON, ORDER, key, new_run, rows, run

GTIN, OTHER_GTIN = "09521234000013", "09521234000020"
SERIALS = [f"S{number}" for number in range(20)]


@pytest.mark.parametrize("shared", [1, 20])
def test_serials_of_another_folder_and_lot_are_refused_before_anything_is_signed(
    tmp_path: Path, shared: int
) -> None:
    order = replace(ORDER, lot="S1", count=len(SERIALS), serials_sha256="0" * 64)
    run(tmp_path / "one", order, serials=SERIALS)
    again = [*SERIALS[:shared], *(f"T{number}" for number in range(shared, 20))]
    other = replace(order, lot="S9", serials_sha256="1" * 64)
    on_record = IssuedSerials(tmp_path / "keys")
    two = tmp_path / "two"
    for is_there in (False, True):
        if is_there:
            two.mkdir()
        with (
            pytest.raises(ConfigurationError, match=f"{shared} of these serials") as refused,
            RunFolder(two).opened(),
        ):
            files, begun = begin_or_continue(two, other, new_run=new_run(other, batch_id="c" * 32))
            issue(files, begun, key(), on_record=on_record, clock=lambda: NOON, workers=1,
                  serials=again)  # fmt: skip
        assert refused.value.next_step
        assert two.exists() == is_there  # a folder that was made for it is gone
    assert [path.name for path in two.iterdir()] == [".lock"]
    with RunFolder(two).opened():
        assert files.known_run() is None


def test_a_minted_serial_cannot_be_issued_again_even_if_its_run_is_lost(tmp_path: Path) -> None:
    run(tmp_path / "one")
    minted = [serial for serial, _ in rows(tmp_path / "one")]
    for path in (tmp_path / "one").iterdir():
        path.unlink()
    with pytest.raises(ConfigurationError, match="50 of these serials"):
        IssuedSerials(tmp_path / "keys").reserve(ORDER.gtin, "other", [minted])


def test_serials_of_a_lost_run_are_free_again_as_the_refusal_says(tmp_path: Path) -> None:
    record = IssuedSerials(tmp_path)
    record.reserve(GTIN, "lost", [SERIALS])
    with pytest.raises(ConfigurationError) as refused:
        record.reserve(GTIN, "new", [SERIALS])
    named = Path(refused.value.next_step.rpartition("delete ")[2])
    named.unlink()
    record.reserve(GTIN, "new", [SERIALS])


def test_an_interrupted_run_goes_on_with_its_own_serials(tmp_path: Path) -> None:
    order = replace(ORDER, count=len(SERIALS), serials_sha256="0" * 64)
    IssuedSerials(tmp_path / "keys").reserve(order.gtin, "b" * 32, [SERIALS])
    assert run(tmp_path / "out", order, serials=SERIALS).signed == len(SERIALS)


def test_nothing_is_put_on_record_by_what_is_refused(tmp_path: Path) -> None:
    record = IssuedSerials(tmp_path)
    record.reserve(GTIN, "one", [["A"]])
    with pytest.raises(ConfigurationError):
        record.reserve(GTIN, "two", [["A", "B"]])
    record.reserve(GTIN, "three", [["B"]])


def test_another_products_serials_are_its_own(tmp_path: Path) -> None:
    record = IssuedSerials(tmp_path)
    record.reserve(GTIN, "one", [SERIALS])
    record.reserve(OTHER_GTIN, "two", [SERIALS])


_SETS = st.lists(st.sampled_from(SERIALS), unique=True, max_size=6)


@given(st.lists(_SETS, max_size=5))
def test_a_batch_is_refused_exactly_if_it_meets_an_earlier_one(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    record, known = IssuedSerials(tmp_path_factory.mktemp("keys")), set[str]()
    for number, serials in enumerate(batches):
        if known & set(serials):
            with pytest.raises(ConfigurationError):
                record.reserve(GTIN, f"b{number}", [serials])
        else:
            record.reserve(GTIN, f"b{number}", [serials])
            known |= set(serials)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    known=st.sets(st.integers(0, 40), min_size=1),
    asked=st.lists(st.integers(0, 40), unique=True, min_size=1),
    at_once=st.integers(1, 9),
    chunk=st.integers(1, 9),
)
def test_all_that_meet_are_counted_and_the_first_are_named_however_few_are_compared_at_once(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch,
    known: set[int], asked: list[int], at_once: int, chunk: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(issued_serials, "_COMPARED_AT_ONCE", at_once)
    record = IssuedSerials(tmp_path_factory.mktemp("keys"))
    record.keep(GTIN, "one", [[f"S{n}" for n in known]])
    serials = [f"S{n}" for n in asked]
    chunks = [serials[at : at + chunk] for at in range(0, len(serials), chunk)]
    if met := [serial for serial, n in zip(serials, asked, strict=True) if n in known]:
        shown = f"^{len(met)} of these .* in batch one: {', '.join(met[:3])}$"
        with pytest.raises(ConfigurationError, match=shown):
            record.reserve(GTIN, "two", chunks)
    else:
        record.reserve(GTIN, "two", chunks)
    assert record.holds(GTIN, "two") is not bool(met)


def test_only_their_owner_can_read_the_record(tmp_path: Path) -> None:
    IssuedSerials(tmp_path / "keys").reserve(GTIN, "one", [SERIALS])
    folder = tmp_path / "keys" / "issued" / GTIN
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=200),
    st.sampled_from(
        ["../../x", "/etc/x", "..", ".", "a/b", "lot 7/2026", "x\n", ".lock", "~x", "=x"]
    ),
    st.text("./=ab", min_size=1, max_size=8),
)


@given(st.lists(HOSTILE, min_size=1, max_size=4, unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_batch_id_names_a_file_elsewhere_or_that_of_another_id(
    tmp_path: Path, ids: list[str]
) -> None:
    """Whoever writes a batch's header chooses its id."""
    with TemporaryDirectory(dir=tmp_path) as home:
        keys = Path(home) / "one" / "two" / "keys"
        keys.mkdir(parents=True)
        record = IssuedSerials(keys)
        for number, each in enumerate(ids):
            assert not record.holds(GTIN, each)
            record.reserve(GTIN, each, [[f"S{number}"]])
            record.keep(GTIN, each, [[f"S{number}"]])
            assert record.holds(GTIN, each)
        files = [path for path in Path(home).rglob("*") if path.is_file()]
        inside = {keys / "issued.begun", keys / "issued" / GTIN / ".lock"}
        on_record = set(files) - inside
        assert len(on_record) == len(ids)
        assert {path.parent for path in on_record} == {keys / "issued" / GTIN}


@pytest.mark.parametrize("gtin", ["..", "../../../../x", "0952123400001", "09521234000013\n"])
def test_what_is_no_gtin_names_no_folder(tmp_path: Path, gtin: str) -> None:
    with pytest.raises(ConfigurationError, match="is no GTIN"):
        IssuedSerials(tmp_path / "keys").reserve(gtin, "one", [["S"]])
    assert not list(tmp_path.iterdir())
