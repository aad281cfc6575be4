"""Labels: symbols of the right size, text that fits, nothing released that does not read."""

from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from authenticity.errors import ConfigurationError, UnavailableError
from producers.labels.layout import POINTS_PER_MM, LabelLayout, SheetLayout, label_layout, layout_of
from producers.labels.release import (
    SymbolTask,
    draw_labels,
    draw_symbols,
    release_file,
    release_sheets,
)
from producers.labels.sheets import Label, misprints, text_lines, write_sheets
from producers.labels.symbols import draw_mask, draw_png, draw_svg, read_mask, read_png, read_svg
from simulation.two_makers import World

WORLD = World()
HOST_20 = "id.maker-tea.example"
SHEET = layout_of("60x30", "a4", 10, 2, 0.396, "")


def codes(count: int) -> list[str]:
    return [WORLD.code(lot="L7", expiry="281231") for _ in range(count)]


@pytest.mark.parametrize(
    ("lot", "expiry", "modules"),
    [(None, None, 49), ("LOT42", "281231", 53), ("L" * 8, "281231", 53)],
)
def test_symbol_is_version_8_bare_and_9_with_lot_and_expiry(
    lot: str | None, expiry: str | None, modules: int
) -> None:
    code = WORLD.code(lot=lot, expiry=expiry, host=HOST_20)
    assert draw_mask(code)[0] == modules
    with_quiet_zone = f'viewBox="0 0 {modules + 8} {modules + 8}"'
    assert with_quiet_zone in draw_svg(code, 0.396)


def test_widths_are_22_6_and_24_2_mm_at_the_smallest_module() -> None:
    assert f"{(49 + 8) * 0.396:.1f}" == "22.6" and f"{(53 + 8) * 0.396:.1f}" == "24.2"
    assert 'width="24.156mm"' in draw_svg(codes(1)[0], 0.396)


def test_every_form_of_a_symbol_reads_as_its_code() -> None:
    [code] = codes(1)
    assert read_mask(*draw_mask(code)) == code
    assert read_png(draw_png(code, 0.396)) == code
    assert read_svg(draw_svg(code, 0.396)) == code


def test_png_says_how_large_it_is_to_be_printed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(draw_png(codes(1)[0], 0.396))
    with Image.open(tmp_path / "a.png") as image:
        assert image.width / image.info["dpi"][0] * 25.4 == pytest.approx(24.156, abs=0.01)


def test_a_symbol_of_another_code_or_a_spoiled_one_does_not_read_as_this_one() -> None:
    one, other = codes(2)
    side, mask = draw_mask(one)
    assert read_mask(side, mask) != other
    spoiled = bytes(byte ^ 0xFF for byte in mask[:200]) + mask[200:]
    assert read_mask(side, spoiled) is None
    assert read_mask(side, mask[:-7]) is None
    assert read_svg(draw_svg(one, 0.396).replace("h7v1h-7z", "h1v1h-1z")) is None


def test_lines_say_item_lot_and_dates() -> None:
    code = WORLD.code("ABC", lot="L7", expiry="281231", produced="260101")
    assert text_lines(code, ("Tea",)) == (
        "Tea",
        "(01) 09521234000013",
        "(21) ABC",
        "(10) L7",
        "(11) 260101",
        "(17) 281231",
    )


def test_a_sheet_reads_back_label_for_label(tmp_path: Path) -> None:
    wanted = codes(50)
    write_sheets(draw_labels((), wanted), SHEET, tmp_path / "a.pdf")
    assert list(misprints(tmp_path / "a.pdf", wanted)) == []
    with pikepdf.open(tmp_path / "a.pdf") as pdf:
        assert len(pdf.pages) == 3 and SHEET.labels_per_sheet == 24


def test_the_same_labels_make_the_same_bytes(tmp_path: Path) -> None:
    labels = draw_labels(("Tea",), codes(30))
    for name in ("a.pdf", "b.pdf"):
        write_sheets(labels, SHEET, tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def spoil_symbol(labels: list[Label]) -> None:
    labels[1] = Label(labels[1].code, labels[1].modules, bytes(371), labels[1].lines)


def swap_symbols(labels: list[Label]) -> None:
    one, other = labels[1], labels[2]
    labels[1] = Label(one.code, other.modules, other.mask, one.lines)
    labels[2] = Label(other.code, one.modules, one.mask, other.lines)


def swap_text(labels: list[Label]) -> None:
    labels[1] = Label(labels[1].code, labels[1].modules, labels[1].mask, labels[2].lines)


def drop_one(labels: list[Label]) -> None:
    del labels[1]


@pytest.mark.parametrize("spoil", [spoil_symbol, swap_symbols, swap_text, drop_one])
def test_a_file_with_one_misprint_is_not_released(tmp_path: Path, spoil: object) -> None:
    wanted = codes(5)
    labels = draw_labels((), wanted)
    assert callable(spoil)
    spoil(labels)
    with pytest.raises(UnavailableError, match="label 2 ") as caught:
        release_file(tmp_path / "labels-001.pdf", labels, SHEET, wanted)
    assert wanted[1] in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["labels-001.pdf.rejected"]


def test_one_label_too_many_is_not_released(tmp_path: Path) -> None:
    wanted = codes(3)
    with pytest.raises(UnavailableError, match="nothing is to be printed"):
        release_file(tmp_path / "a.pdf", draw_labels((), wanted), SHEET, wanted[:2])


def test_bits_changed_in_the_file_itself_are_noticed(tmp_path: Path) -> None:
    wanted = codes(4)
    path = tmp_path / "a.pdf"
    write_sheets(draw_labels((), wanted), SHEET, path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        mask = pdf.pages[0].Resources.XObject["/S2"]
        mask.write(bytes(byte ^ 0xFF for byte in mask.read_bytes()))
        pdf.save(path)
    assert [misprint.number for misprint in misprints(path, wanted)] == [3]


def test_all_labels_of_a_run_are_released_in_its_order(tmp_path: Path) -> None:
    wanted = codes(30)
    lines = "".join(f"s{n},{code}\n" for n, code in enumerate(wanted))
    (tmp_path / "manifest.csv").write_text("serial,code\n" + lines)
    done: list[int] = []
    [path] = release_sheets(tmp_path, SHEET, on_progress=done.append)
    assert path.name == "labels-001.pdf" and done[-1] == 30
    assert list(misprints(path, wanted)) == []
    assert not list(tmp_path.glob("*.rejected"))


def test_single_symbols_are_named_by_their_serial(tmp_path: Path) -> None:
    code = WORLD.code("a/b")
    assert draw_symbols(None, SymbolTask(str(tmp_path), "svg", 0.4, (("a/b", code),))) == 1
    assert read_svg((tmp_path / "a%2Fb.svg").read_text()) == code


@given(
    st.integers(40, 120),
    st.integers(25, 80),
    st.sampled_from([49, 53, 57, 61]),
    st.integers(3, 7),
    st.integers(19, 25),
)
def test_text_neither_leaves_the_label_nor_touches_symbol_or_quiet_zone(
    width: int, height: int, modules: int, lines: int, characters: int
) -> None:
    sheet = SheetLayout(width, height, width, height, 0, 0, 0.396, ())
    try:
        layout = label_layout(sheet, modules, lines, characters)
    except ConfigurationError:
        return
    assert layout.text_points >= 4.5
    text = text_box(layout, lines, characters)
    quiet = 4 * 0.396
    symbol = (
        layout.symbol_left_mm - quiet,
        layout.symbol_top_mm - quiet,
        layout.symbol_left_mm + layout.symbol_mm + quiet,
        layout.symbol_top_mm + layout.symbol_mm + quiet,
    )
    for left, top, right, bottom in (text, symbol):
        assert left >= -1e-6 and top >= -1e-6
        assert right <= width + 1e-6 and bottom <= height + 1e-6
    apart = text[0] >= symbol[2] - 1e-6 or text[1] >= symbol[3] - 1e-6
    assert apart


def text_box(layout: LabelLayout, lines: int, characters: int) -> tuple[float, float, float, float]:
    width = characters * 0.6 * layout.text_points / POINTS_PER_MM
    height = layout.line_mm * lines
    return (
        layout.text_left_mm,
        layout.text_top_mm,
        layout.text_left_mm + width,
        layout.text_top_mm + height,
    )


def test_20_character_serial_and_lot_fit_on_the_default_label() -> None:
    code = WORLD.code("W" * 20, lot="M" * 20, expiry="281231", produced="260101")
    lines = text_lines(code, ("A product name of 24 ch.", "and its second line here"))
    layout = label_layout(SHEET, draw_mask(code)[0], len(lines), max(map(len, lines)))
    assert layout.text_points >= 5


def test_labels_stay_on_the_sheet() -> None:
    for sheet in (SHEET, layout_of("63.5x33.9", "letter", 7.2, 2.5, 0.396, "")):
        left, top = sheet.corner_mm(sheet.labels_per_sheet - 1)
        assert left + sheet.label_width_mm <= sheet.sheet_width_mm - sheet.margin_mm + 1e-6
        assert top + sheet.label_height_mm <= sheet.sheet_height_mm - sheet.margin_mm + 1e-6


def test_a_roll_has_one_label_a_page() -> None:
    assert layout_of("60x30", "label", 10, 2, 0.396, "").labels_per_sheet == 1


@pytest.mark.parametrize(
    "words",
    [
        ("60", "a4", ""),
        ("0x30", "a4", ""),
        ("60x30", "a9", ""),
        ("300x30", "a4", ""),
        ("60x30", "a4", "차"),
        ("60x30", "a4", "x" * 80),
        ("60x30", "a4", "a\tb\x07"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_with_a_next_step(words: tuple[str, str, str]) -> None:
    size, sheet, product = words
    with pytest.raises(ConfigurationError) as caught:
        layout_of(size, sheet, 10, 2, 0.396, product)
    assert caught.value.next_step


def test_a_label_smaller_than_its_symbol_is_refused_with_the_size_needed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        label_layout(layout_of("20x20", "a4", 10, 2, 0.396, ""), 53, 4, 21)
    assert "--label-size" in caught.value.next_step
