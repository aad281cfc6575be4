"""Plots as SVG text to embed in a page, drawn by matplotlib; the same data give the same bytes."""

from collections.abc import Sequence
from html import escape
from io import StringIO
from typing import Any, Final, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS: Final = (
    "#0b6e4f", "#c2410c", "#1d4ed8", "#a21caf", "#a16207", "#0e7490", "#be123c", "#4d7c0f",
)  # fmt: skip
_WIDTH_IN: Final = 6.2
_CHART_HEIGHT_IN: Final = 4.2
_ROW_HEIGHT_IN: Final = 0.28
_GUIDE: Final[dict[str, Any]] = {"color": "#78716c", "linestyle": "--", "linewidth": 1.0}
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "touchstone",  # ids follow from the data instead of a random number
    "svg.fonttype": "none",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))


class Axis(NamedTuple):
    """From `low` to `high`, marked at `ticks`. On a logarithmic one, values below lie on `low`."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False


class Series(NamedTuple):
    """Points joined by a line; with `radii`, points marked by discs of so many points each."""

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
    """Lines and marks between two axes, with a legend below; `label` is read to the blind."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH_IN, _CHART_HEIGHT_IN), layout="constrained")
        axes = figure.add_subplot()
        _set_axis(axes, x, "x")
        _set_axis(axes, y, "y")
        axes.grid(visible=True, color="#d6d3d1", linewidth=0.6)
        if diagonal:
            axes.plot((x.low, x.high), (x.low, x.high), **_GUIDE)
        for each in series:
            xs = [max(at_x, x.low) for at_x, _ in each.points]
            ys = [max(at_y, y.low) for _, at_y in each.points]
            if each.radii:
                areas = [(2 * radius) ** 2 for radius in each.radii]
                axes.scatter(xs, ys, areas, each.colour, label=each.name, alpha=0.75, zorder=3)
            else:
                axes.plot(xs, ys, color=each.colour, label=each.name)
        if any(each.name for each in series):
            figure.legend(loc="outside lower center", ncols=2, frameon=False, markerscale=0.6)
        return _svg(label, figure)


def bars(
    label: str, rows: Sequence[Bar], *, limit: float | None = None, logarithmic: bool = False
) -> str:
    """Horizontal bars with intervals, cut at the right edge; `limit` as a line across them."""
    most = max([1.6 * row.value for row in rows] + [1.6 * (limit or 0.0)])
    most = most or max([row.high for row in rows] + [1e-9])
    least = most / 1e5 if logarithmic else 0.0
    with rc_context(_STYLE):
        height_in = 0.5 + len(rows) * _ROW_HEIGHT_IN
        figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
        axes = figure.add_subplot()
        if logarithmic:
            axes.set_xscale("log")
        axes.set_xlim(least, most)
        places = range(len(rows))
        axes.barh(places, [row.value for row in rows], height=0.65, color=COLOURS[0])
        axes.hlines(
            places, [max(row.low, least) for row in rows], [row.high for row in rows],
            color=_GUIDE["color"], linewidth=2,
        )  # fmt: skip
        for place, row in enumerate(rows):
            at_x = min(max(row.value, row.high, least), 0.8 * most)
            text = f" {row.value:.3g}" + (f"   {row.note}" if row.note else "")
            axes.text(at_x, place - 0.02, text, va="bottom", fontsize=7)
        axes.set_yticks(places, [row.name for row in rows])
        axes.invert_yaxis()
        if limit is not None:
            axes.axvline(limit, **_GUIDE)
        return _svg(label, figure)


def _set_axis(axes: Axes, axis: Axis, which: str) -> None:
    if axis.logarithmic:
        axes.set(**{f"{which}scale": "log"})
    labels = [f"{tick:g}" for tick in axis.ticks]
    axes.set(
        **{
            f"{which}label": axis.title,
            f"{which}lim": (axis.low, axis.high),
            f"{which}ticks": axis.ticks,
            f"{which}ticklabels": labels,
        }
    )


def _svg(label: str, figure: Figure) -> str:
    """The `<svg>` element alone: in HTML the declarations and name spaces before it are noise."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata=_NO_METADATA)
    element = text.getvalue().partition("<svg ")[2]
    attributes, _, content = element.partition(">")
    view_box = attributes.partition('viewBox="')[2].partition('"')[0]
    return f'<svg viewBox="{view_box}" role="img" aria-label="{escape(label)}">{content}'
