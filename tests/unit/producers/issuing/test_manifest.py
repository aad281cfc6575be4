"""Reading a manifest back, the quick way and the strict one."""

import csv as csv_module
import io
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from authenticity.errors import ConfigurationError
from producers.issuing import manifest
from producers.issuing.manifest import (
    DuplicateSerials,
    _uniform_width,
    codes_of,
    digest_of,
    read_codes,
    serials_of_run,
)
from tests.support.examples import examples

_CELLS = st.text('AB,"1\n', min_size=1, max_size=3)


def written(rows: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    writer = csv_module.writer(text, lineterminator="\n")
    writer.writerows([("serial", "code"), *rows])
    return text.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(300))
@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=6))
@example([("A", "BB"), ("AA", "B")])
@example([("AA", "BB"), ("11", "B1")])
def test_whatever_is_cut_by_position_is_what_a_csv_parser_reads(
    tmp_path: Path, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(written(rows))
    if _uniform_width(path) != (0, 0):
        quick = read_codes(path)
        cells = zip(quick["serial"].to_pylist(), quick["code"].to_pylist(), strict=True)
        assert list(cells) == rows


def test_lines_of_one_length_are_cut_by_position(tmp_path: Path) -> None:
    rows = [(f"S{n:03}", f"https://x/{n:03}") for n in range(500)]
    (tmp_path / "m.csv").write_text(written(rows))
    assert _uniform_width(tmp_path / "m.csv") == (len("S000,https://x/000\n"), 4)
    assert read_codes(tmp_path / "m.csv")["serial"].to_pylist() == [serial for serial, _ in rows]


@pytest.mark.parametrize("serial", ["{n:05}", "{n}"])
def test_a_large_manifest_is_read_some_rows_at_a_time(
    tmp_path: Path, serial: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_ROWS_AT_ONCE", 100)
    rows = [(serial.format(n=n), "x" * 1_000) for n in range(3_000)]
    (tmp_path / "m.csv").write_text(written(rows))
    some = [batch.num_rows for batch in codes_of(tmp_path / "m.csv")]
    assert sum(some) == 3_000 and max(some) < 1_500
    assert read_codes(tmp_path / "m.csv")["serial"].to_pylist() == [serial for serial, _ in rows]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "serial,code\n1\n", "serial,code\n1,2,3\n"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    assert not text or _uniform_width(tmp_path / "m.csv") == (0, 0)
    with pytest.raises(ConfigurationError, match="is no manifest"):
        read_codes(tmp_path / "m.csv")


def defined_digest(serials: list[str]) -> str:
    """As docs/how-to/issue-and-print.md defines it."""
    return sha256(b"".join(sorted(serial.encode() + b"\n" for serial in serials))).hexdigest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(300))
@given(
    serials=st.lists(st.text('!AB"é', min_size=1, max_size=4), max_size=60),
    sorted_at_once=st.integers(1, 12),
    sampled_every=st.integers(1, 7),
    chunk=st.integers(1, 20),
)
def test_the_digest_is_the_defined_one_however_few_serials_are_sorted_at_once(
    monkeypatch: pytest.MonkeyPatch,
    serials: list[str],
    sorted_at_once: int,
    sampled_every: int,
    chunk: int,
) -> None:
    monkeypatch.setattr(manifest, "_SORTED_AT_ONCE", sorted_at_once)
    monkeypatch.setattr(manifest, "_SAMPLED_EVERY", sampled_every)
    chunks = [pa.array(serials[at : at + chunk]) for at in range(0, len(serials), chunk)]
    twice = {serial for serial, times in Counter(serials).items() if times > 1}
    if twice:
        with pytest.raises(DuplicateSerials) as found:
            digest_of(lambda: iter(chunks))
        assert found.value.serials == twice
    else:
        assert digest_of(lambda: iter(chunks)) == defined_digest(serials)


@pytest.mark.parametrize("step", [1, -1, 7_919])
def test_no_more_serials_are_sorted_at_once_than_a_share_has(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """In rising, falling and mixed order."""
    monkeypatch.setattr(manifest, "_SORTED_AT_ONCE", 1_000)
    monkeypatch.setattr(manifest, "_SAMPLED_EVERY", 10)
    sizes: list[int] = []
    sort = manifest._sorted_lines

    def noted(arrays: object) -> pa.Array:
        lines = sort(arrays)  # type: ignore[arg-type]
        sizes.append(len(lines))
        return lines

    monkeypatch.setattr(manifest, "_sorted_lines", noted)
    serials = [f"S{n * step % 20_011:05}" for n in range(20_000)]
    chunks = [pa.array(serials[at : at + 500]) for at in range(0, len(serials), 500)]
    assert digest_of(lambda: iter(chunks)) == defined_digest(serials)
    assert sum(sizes) == 20_000
    assert len(sizes) == 20 and max(sizes) < 1_500


def test_the_serials_of_a_run_are_read_again_and_again_of_either_manifest(tmp_path: Path) -> None:
    rows = [(f"S{n}", f"https://x/{n}") for n in range(300)]
    (tmp_path / "manifest.csv").write_text(written(rows))
    manifest.write_parquet(
        tmp_path / "manifest.csv", tmp_path / "manifest.parquet",
        lambda digest: manifest.ManifestHeader(
            1, "b", "i", "I", 0, "a", "t", "09521234000013", None, None, None, 300, digest
        ),
    )  # fmt: skip
    for _ in range(2):
        serials = serials_of_run(tmp_path)
        assert serials is not None
        for _ in range(2):
            assert [each for some in serials for each in some] == [serial for serial, _ in rows]
            assert serials.digest() == defined_digest([serial for serial, _ in rows])
        (tmp_path / "manifest.csv").unlink(missing_ok=True)
    (tmp_path / "manifest.parquet").write_bytes(b"no Parquet")
    with pytest.raises(ConfigurationError, match="is no manifest"):
        list(serials_of_run(tmp_path) or ())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(200))
@given(
    st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8),
    st.integers(1, 4), st.integers(1, 4),
)  # fmt: skip
def test_rows_are_the_same_however_they_are_divided(
    one: list[int], other: list[int], by: int, otherwise: int
) -> None:
    def divided(numbers: list[int], size: int) -> list[pa.RecordBatch]:
        rows = [{"serial": f"S{n}", "code": f"C{n}"} for n in numbers]
        return [
            pa.RecordBatch.from_pylist(rows[at : at + size], manifest._SCHEMA)
            for at in range(0, len(rows) + 1, size)
        ]

    same = manifest._same_rows(iter(divided(one, by)), iter(divided(other, otherwise)))
    assert same is (one == other)
    assert manifest._same_rows(iter(divided(one, by)), iter(divided(one, otherwise)))
