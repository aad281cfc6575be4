"""Where things are on a label and on a sheet. Lengths in mm from the top left, text in points."""

import re
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from authenticity.errors import ConfigurationError

POINTS_PER_MM: Final = 72 / 25.4
QUIET_MODULES: Final = 4
_SHEETS_MM: Final = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)[x×]([0-9]+(?:\.[0-9]+)?)", re.ASCII)
_LARGEST_SHEET_MM: Final = 5_000
_CHARACTER_WIDTH: Final = 0.6  # of the size: every character of Courier
_LINE_HEIGHT: Final = 1.25
_LARGEST_TEXT_POINTS: Final = 8.0
_SMALLEST_TEXT_POINTS: Final = 4.5
_PADDING_MM: Final = 1.0
_PRODUCT_CHARACTERS: Final = 24


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Labels on a sheet, and what is the same on each of them."""

    sheet_width_mm: float
    sheet_height_mm: float
    label_width_mm: float
    label_height_mm: float
    margin_mm: float
    gap_mm: float
    module_mm: float
    product: tuple[str, ...]

    @property
    def columns(self) -> int:
        return self._fitting(self.sheet_width_mm, self.label_width_mm)

    @property
    def rows(self) -> int:
        return self._fitting(self.sheet_height_mm, self.label_height_mm)

    @property
    def labels_per_sheet(self) -> int:
        return self.columns * self.rows

    def corner_mm(self, place: int) -> tuple[float, float]:
        """Left and top of the label in this place (from 0, row by row)."""
        row, column = divmod(place, self.columns)
        left = self.margin_mm + column * (self.label_width_mm + self.gap_mm)
        return left, self.margin_mm + row * (self.label_height_mm + self.gap_mm)

    def _fitting(self, sheet_mm: float, label_mm: float) -> int:
        room = sheet_mm - 2 * self.margin_mm + self.gap_mm
        return int((room + 1e-6) / (label_mm + self.gap_mm))


@dataclass(frozen=True, slots=True)
class LabelLayout:
    """On one label, from its top left: the symbol without its quiet zone, and the text."""

    symbol_left_mm: float
    symbol_top_mm: float
    symbol_mm: float
    text_left_mm: float
    text_top_mm: float
    text_points: float

    @property
    def line_mm(self) -> float:
        """From one baseline to the next."""
        return self.text_points * _LINE_HEIGHT / POINTS_PER_MM


def layout_of(
    label_size: str,
    sheet: str,
    margin_mm: float,
    gap_mm: float,
    module_mm: float,
    product: str,
) -> SheetLayout:
    """From the words of the command line. `sheet` is a4, letter, label (a roll) or WxH.

    Raises `ConfigurationError` if nothing fits, or the product name cannot be drawn.
    """
    label = _size(label_size, "--label-size")
    if sheet.lower() == "label":
        page, margin_mm, gap_mm = label, 0.0, 0.0
    else:
        page = _SHEETS_MM.get(sheet.lower()) or _size(sheet, "--sheet")
    layout = SheetLayout(*page, *label, margin_mm, gap_mm, module_mm, _product_lines(product))
    if not layout.labels_per_sheet:
        raise ConfigurationError(
            f"no label of {label_size} mm fits on the sheet within its margins",
            next_step="choose a smaller --label-size or --margin",
        )
    return layout


def label_layout(sheet: SheetLayout, modules: int, lines: int, characters: int) -> LabelLayout:
    """Text beside the symbol or below it, whichever can be larger.

    `modules`: the symbol's side; `lines` of at most `characters` each. Raises
    `ConfigurationError` if the text would be smaller than 4.5 points.
    """
    whole = (modules + 2 * QUIET_MODULES) * sheet.module_mm
    width, height = sheet.label_width_mm, sheet.label_height_mm
    beside = _text_points(width - whole - _PADDING_MM, height - 2 * _PADDING_MM, lines, characters)
    below = _text_points(width - 2 * _PADDING_MM, height - whole - _PADDING_MM, lines, characters)
    points = max(beside, below)
    if whole > min(width, height) + 1e-6 or points < _SMALLEST_TEXT_POINTS:
        needed = characters * _CHARACTER_WIDTH * _SMALLEST_TEXT_POINTS / POINTS_PER_MM
        raise ConfigurationError(
            f"a label of {width:g}x{height:g} mm is too small for a symbol of {whole:.1f} mm "
            f"with its text",
            next_step=f"choose --label-size {whole + needed + 2:.0f}x{whole + 1:.0f} or larger",
        )
    quiet, side = QUIET_MODULES * sheet.module_mm, modules * sheet.module_mm
    block_mm = points * _LINE_HEIGHT * lines / POINTS_PER_MM
    if beside >= below:
        top = (height - whole) / 2
        return LabelLayout(quiet, top + quiet, side, whole, (height - block_mm) / 2, points)
    left = (width - whole) / 2
    return LabelLayout(left + quiet, quiet, side, _PADDING_MM, whole, points)


def _text_points(width_mm: float, height_mm: float, lines: int, characters: int) -> float:
    by_width = width_mm * POINTS_PER_MM / (characters * _CHARACTER_WIDTH)
    by_height = height_mm * POINTS_PER_MM / (lines * _LINE_HEIGHT)
    return min(by_width, by_height, _LARGEST_TEXT_POINTS)


def _size(text: str, option: str) -> tuple[float, float]:
    match = _SIZE.fullmatch(text.lower())
    width, height = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not (0 < width <= _LARGEST_SHEET_MM and 0 < height <= _LARGEST_SHEET_MM):
        raise ConfigurationError(
            f"{option} {text!r} is no size", next_step="write width x height in mm, as 60x30"
        )
    return width, height


def _product_lines(product: str) -> tuple[str, ...]:
    """Wrapped to the width of the other lines; at most two."""
    try:
        product.encode("cp1252")
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            f"the label's font has no {product[error.start]!r}",
            next_step="give the product name in Latin letters, or print it beside",
        ) from None
    lines = wrap(product, _PRODUCT_CHARACTERS)
    if len(lines) > 2 or not product.isprintable():
        raise ConfigurationError(
            f"the product name does not fit on two lines of {_PRODUCT_CHARACTERS} characters",
            next_step="give a shorter one",
        )
    return tuple(lines)
