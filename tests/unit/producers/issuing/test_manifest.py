"""Reading a manifest back, the quick way and the strict one."""

import csv as csv_module
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from authenticity.errors import ConfigurationError
from producers.issuing import manifest
from producers.issuing.manifest import _uniform_width, codes_of, read_codes
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
