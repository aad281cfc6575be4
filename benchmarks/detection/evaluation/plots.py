"""Plots as SVG text, drawn by hand: no library, nothing to load."""

from collections.abc import Sequence
from html import escape
from math import log10
from typing import Final, NamedTuple

WIDTH: Final = 560
HEIGHT: Final = 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 14, 46
COLOURS: Final = (
    "#0b6e4f", "#c2410c", "#1d4ed8", "#a21caf", "#a16207", "#0e7490", "#be123c", "#4d7c0f",
)  # fmt: skip


class Axis(NamedTuple):
    """From `low` to `high`, marked at `ticks`. On a logarithmic one, values below lie on `low`."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high end."""
        within = min(max(value, self.low), self.high)
        if self.logarithmic:
            return log10(within / self.low) / log10(self.high / self.low)
        return (within - self.low) / (self.high - self.low)


class Series(NamedTuple):
    """Points joined by a line, or marks with a radius in pixels each."""

    name: str
    points: tuple[tuple[float, float], ...]
    radii: tuple[float, ...] = ()
    colour: str = COLOURS[0]


class Bar(NamedTuple):
    """A value with the ends of its interval."""

    name: str
    value: float
    low: float
    high: float
    note: str = ""


def chart(label: str, x: Axis, y: Axis, series: Sequence[Series], *, diagonal: bool = False) -> str:
    """Lines and marks between two axes, with a legend."""
    parts = [*_grid(x, y)]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        ends = _path([(low, low), (high, high)], x, y)
        parts.append(f'<path class="guide" d="{ends}"/>')
    for each in series:
        if each.radii:
            for (at_x, at_y), radius in zip(each.points, each.radii, strict=True):
                px, py = _pixel(at_x, at_y, x, y)
                title = f"<title>{escape(each.name)}: {at_x:.4g}, {at_y:.4g}</title>"
                parts.append(
                    f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{radius:.1f}"'
                    f' fill="{each.colour}" fill-opacity="0.75">{title}</circle>'
                )
        elif each.points:
            path = _path(each.points, x, y)
            parts.append(f'<path class="line" stroke="{each.colour}" d="{path}"/>')
    legend = "".join(
        f'<span><i style="background:{each.colour}"></i>{escape(each.name)}</span>'
        for each in series
        if each.name
    )
    return f'{_svg(label, parts, HEIGHT)}<p class="legend">{legend}</p>'


def bars(
    label: str, rows: Sequence[Bar], *, limit: float | None = None, logarithmic: bool = False
) -> str:
    """Horizontal bars with intervals, cut at the right edge; `limit` as a line across them."""
    ends = [1.6 * row.value for row in rows] or [0.0]
    most = max(*ends, 1.6 * (limit or 0.0)) or max([row.high for row in rows] + [1e-9])
    axis = Axis("", most / 1e5 if logarithmic else 0.0, most, (), logarithmic)
    left, row_height = 170, 24
    wide = WIDTH - left - 96
    parts: list[str] = []
    for number, row in enumerate(rows):
        y = 8 + number * row_height
        end, low, high = (left + axis.place(v) * wide for v in (row.value, row.low, row.high))
        middle = y + 8
        parts += [
            f'<text x="{left - 8}" y="{middle + 4}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect class="bar" x="{left}" y="{y}" width="{end - left:.1f}" height="16"/>',
            f'<path class="whisker" d="M{low:.1f} {middle}H{high:.1f}"/>',
            f'<text x="{max(end, high) + 6:.1f}" y="{middle + 4}">{row.value:.3g}'
            f"<title>{escape(row.note)}</title></text>",
        ]
    height = 16 + len(rows) * row_height
    if limit is not None:
        x = left + axis.place(limit) * wide
        parts.append(f'<path class="guide" d="M{x:.1f} 2V{height - 6}"/>')
    return _svg(label, parts, height)


def _grid(x: Axis, y: Axis) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts: list[str] = []
    for tick in x.ticks:
        px, _ = _pixel(tick, y.low, x, y)
        parts.append(f'<path class="grid" d="M{px:.1f} {_TOP}V{bottom}"/>')
        parts.append(f'<text x="{px:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for tick in y.ticks:
        _, py = _pixel(x.low, tick, x, y)
        parts.append(f'<path class="grid" d="M{_LEFT} {py:.1f}H{right}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{py + 4:.1f}" text-anchor="end">{tick:g}</text>')
    middle = (_TOP + bottom) / 2
    parts.append(
        f'<text x="{(_LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(x.title)}</text>"
    )
    parts.append(
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y.title)}</text>"
    )
    return parts


def _pixel(at_x: float, at_y: float, x: Axis, y: Axis) -> tuple[float, float]:
    wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    return _LEFT + x.place(at_x) * wide, _TOP + (1 - y.place(at_y)) * high


def _path(points: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    places = [_pixel(at_x, at_y, x, y) for at_x, at_y in points]
    return "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in places)


def _svg(label: str, parts: Sequence[str], height: float) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
