"""A print-ready PDF of labels, written and read back.

Each symbol is a 1-bit mask of its own, drawn larger without smoothing; the text is
in Courier-Bold, one of the standard 14 fonts (ISO 32000-1, section 9.6.2.2). The
same labels make the same bytes: no clock, no random id. Nothing is known here of
manifests.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name

from authenticity.errors import CodeError, UnavailableError
from authenticity.gs1.code import read_code
from producers.labels.layout import POINTS_PER_MM, LabelLayout, SheetLayout, label_layout
from producers.labels.symbols import draw_mask, read_mask

_PRINTED_AIS: Final = ("01", "21", "10", "11", "17")


@dataclass(frozen=True, slots=True)
class Label:
    """What is drawn on one label."""

    code: str
    modules: int
    mask: bytes
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Misprint:
    """A label that does not say its code; `number` counts from 1 over the file."""

    number: int
    code: str
    reason: str


def text_lines(code: str, product: Sequence[str] = ()) -> tuple[str, ...]:
    """The human-readable lines of a label (GS1 General Specifications, section 4.14)."""
    read = read_code(code)
    values = [(ai, read.value(ai)) for ai in _PRINTED_AIS]
    return (*product, *(f"({ai}) {value}" for ai, value in values if value is not None))


def refuse_if_too_small(sheet: SheetLayout, code: str) -> None:
    """Raise `ConfigurationError` if a label with this code would not fit."""
    lines = text_lines(code, sheet.product)
    label_layout(sheet, draw_mask(code)[0], len(lines), max(map(len, lines)))


def write_sheets(labels: Sequence[Label], sheet: SheetLayout, path: Path) -> None:
    """All labels have the layout that the largest symbol and longest text need."""
    layout = label_layout(
        sheet,
        modules=max(label.modules for label in labels),
        lines=max(len(label.lines) for label in labels),
        characters=max(len(line) for label in labels for line in label.lines),
    )
    pdf = pikepdf.new()
    font = pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type1,
            BaseFont=Name("/Courier-Bold"),
            Encoding=Name.WinAnsiEncoding,
        )
    )
    for start in range(0, len(labels), sheet.labels_per_sheet):
        _add_page(pdf, font, labels[start : start + sheet.labels_per_sheet], sheet, layout)
    try:
        pdf.save(path, deterministic_id=True)
    except OSError as error:
        raise UnavailableError(
            f"cannot write {path}: {error}", next_step="make room, then run it again"
        ) from None


def misprints(path: Path, codes: Sequence[str]) -> Iterator[Misprint]:
    """Read every label from the file's own bytes, in the order of drawing.

    1. The symbol that is drawn decodes to the code that belongs there.
    2. The text beside it names the same item, lot and dates.
    3. As many labels as codes, no more.
    """
    expected = iter(enumerate(codes, 1))
    with pikepdf.open(path) as pdf:
        for page in pdf.pages:
            for name, lines in _drawn(page):
                number, code = next(expected, (len(codes) + 1, ""))
                mask = page.Resources.XObject[name]
                if not code:
                    yield Misprint(number, code, "nothing is to be printed here")
                elif read_mask(int(mask.Width), mask.read_bytes()) != code:
                    yield Misprint(number, code, "its symbol does not read as its code")
                elif not set(_expected_text(code)) <= set(lines):
                    yield Misprint(number, code, "its text does not say what its code says")
    for number, code in expected:
        yield Misprint(number, code, "it is not in the file")


def _add_page(
    pdf: pikepdf.Pdf,
    font: Any,
    labels: Sequence[Label],
    sheet: SheetLayout,
    layout: LabelLayout,
) -> None:
    width, height = sheet.sheet_width_mm * POINTS_PER_MM, sheet.sheet_height_mm * POINTS_PER_MM
    symbols = Dictionary()
    parts = []
    for place, label in enumerate(labels):
        name = f"/S{place}"
        symbols[name] = _mask_object(pdf, label)
        left, top = sheet.corner_mm(place)
        parts.append(_drawing(name, label, left, sheet.sheet_height_mm - top, sheet, layout))
    content = pikepdf.Stream(pdf, zlib.compress("".join(parts).encode("cp1252")))
    content.Filter = Name.FlateDecode
    page = Dictionary(
        Type=Name.Page,
        MediaBox=Array([0, 0, round(width, 3), round(height, 3)]),
        Resources=Dictionary(Font=Dictionary(F=font), XObject=symbols),
        Contents=pdf.make_indirect(content),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))


def _mask_object(pdf: pikepdf.Pdf, label: Label) -> Any:
    return pikepdf.Stream(
        pdf,
        label.mask,
        {
            "/Type": Name.XObject,
            "/Subtype": Name.Image,
            "/Width": label.modules,
            "/Height": label.modules,
            "/ImageMask": True,
            "/BitsPerComponent": 1,
        },
    )


def _drawing(
    name: str,
    label: Label,
    left_mm: float,
    top_mm: float,
    sheet: SheetLayout,
    layout: LabelLayout,
) -> str:
    """Operators for one label, whose top left corner counts from the sheet's bottom left."""
    side = label.modules * sheet.module_mm
    inset = (layout.symbol_mm - side) / 2
    x = (left_mm + layout.symbol_left_mm + inset) * POINTS_PER_MM
    y = (top_mm - layout.symbol_top_mm - inset - side) * POINTS_PER_MM
    size = side * POINTS_PER_MM
    text_x = (left_mm + layout.text_left_mm) * POINTS_PER_MM
    leading = layout.line_mm * POINTS_PER_MM
    text_y = (top_mm - layout.text_top_mm) * POINTS_PER_MM - layout.text_points
    shown = " ".join(f"({_escaped(line)}) Tj T*" for line in label.lines)
    return (
        f"q {size:.3f} 0 0 {size:.3f} {x:.3f} {y:.3f} cm {name} Do Q\n"
        f"BT /F {layout.text_points:.2f} Tf {leading:.3f} TL {text_x:.3f} {text_y:.3f} Td "
        f"{shown} ET\n"
    )


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _drawn(page: pikepdf.Page) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each symbol that the page draws, by its name, with the lines of text after it."""
    name, lines = "", list[str]()
    for instruction in pikepdf.parse_content_stream(page, "Do Tj"):
        operator = str(instruction.operator)
        if operator == "Do":
            if name:
                yield name, tuple(lines)
            name, lines = str(instruction.operands[0]), []
        elif operator == "Tj":
            lines.append(bytes(instruction.operands[0]).decode("cp1252"))
    if name:
        yield name, tuple(lines)


def _expected_text(code: str) -> tuple[str, ...]:
    try:
        return text_lines(code)
    except CodeError:
        return (code,)  # no label says this
