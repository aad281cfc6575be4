"""The screen of the demonstration, from 80 × 24 characters up, and its one-line form."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from rich.align import Align
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from demo.running_results import Results, ShownAlert
from simulation.attacks import SHOWN
from simulation.score import Outcome, Score

ACCENT = "cyan"
GOOD = "green"
BAD = "red"
WARN = "yellow"
QUIET = "bright_black"

_BARS = " ▁▂▃▄▅▆▇█"
_OTHER_LINES = 20
"""Lines of the screen that are not alerts."""
_ALERT_WIDTHS = (5, 16, 16, 19)
_OUTCOME_LABELS = {
    Outcome.CAUGHT: "caught",
    Outcome.NOTICED: "noticed",
    Outcome.MISSED: "missed",
    Outcome.NOT_DETECTABLE: "undetectable",
}
_STYLES = {
    Outcome.CAUGHT: GOOD,
    Outcome.NOTICED: WARN,
    Outcome.MISSED: BAD,
    Outcome.NOT_DETECTABLE: QUIET,
}
_SEVERITY_STYLES = {"critical": f"bold {BAD}", "high": BAD, "medium": WARN}
_FAMILY_LABELS = {
    "copies": "one code on many packs",
    "few-copies": "many codes, few packs each",
    "forged": "signed with a false key",
    "unsigned": "not signed at all",
    "reuse": "used again after its end",
    "diversion": "sold outside its markets",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment. `now` is in the demonstration's calendar; `pages` by name, short URLs;
    `about` names what it runs on, where that has to be said."""

    results: Results
    score: Score
    second: float
    now: datetime
    day: int
    pages: dict[str, str]
    ending: str
    about: str = ""


def render(frame: Frame, width: int, height: int) -> RenderableType:
    """The whole screen."""
    wide = width >= 110
    rows = max(2, height - _OTHER_LINES)
    parts = (
        _headline(frame, wide=wide),
        Text(),
        _verdicts(frame.results),
        Text(),
        attack_table(frame.score, wide=wide),
        _rule("alerts as they come"),
        _alerts(list(frame.results.recent)[-rows:], rows, wide=wide),
        _rule("open one"),
        _pages(frame.pages),
        Align.right(Text(frame.ending, style=QUIET)),
    )
    return Padding(Group(*parts), (0, 1))


def plain_line(frame: Frame) -> str:
    """The moment in one line, for output that is no terminal."""
    results, score = frame.results, frame.score
    return (
        f"{frame.second:4.0f} s  {results.scans:,} scans ({results.scans_a_second:,.0f} a second)  "
        f"{score.attacks} attacks, {score.of(Outcome.CAUGHT)} caught  "
        f"{results.alerts} alerts, {score.false_alerts} false"
    )


def attack_table(score: Score, *, wide: bool) -> Table:
    """Attacks by family and what became of them, with a line of sums."""
    table = Table(box=None, padding=(0, 1), header_style=QUIET, expand=False, pad_edge=False)
    table.add_column("attacks", min_width=12, no_wrap=True)
    if wide:
        table.add_column("", style=QUIET, min_width=27, no_wrap=True)
    table.add_column("launched", justify="right")
    for outcome in Outcome:
        table.add_column(_OUTCOME_LABELS[outcome], justify="right", min_width=8)
    total: Counter[Outcome] = Counter()
    for family in SHOWN:
        counted = score.outcomes.get(family, Counter())
        total.update(counted)
        words = [Text(_FAMILY_LABELS[family])] if wide else []
        table.add_row(Text(family), *words, str(counted.total()), *_numbers(counted))
    blank = [Text()] if wide else []
    table.add_row(
        Text("together", style="bold"), *blank, Text(str(total.total()), "bold"), *_numbers(total)
    )
    return table


def false_alert_text(score: Score) -> Text:
    """How many honest codes have an alert, and the noise and behaviour that they met."""
    number = score.false_alerts
    plural = "" if number == 1 else "s"
    words = Text(f"{number} false alert{plural}", WARN if number else GOOD)
    words.append(f" among {score.honest_codes:,} honest codes", QUIET)
    causes = [name for name, _ in score.false_causes.most_common() if name in ("vpn", "traveller")]
    if score.false_alerts and causes:
        words.append(f" ({', '.join(causes)})", QUIET)
    return words


def _headline(frame: Frame, *, wide: bool) -> Table:
    line = Table.grid(expand=True)
    line.add_column()
    line.add_column(justify="right")
    about = f"  live on {frame.about}" if wide and frame.about else "  live demonstration"
    left = Text.assemble(("TOUCHSTONE", f"bold {ACCENT}"), (about, QUIET))
    clock = f"day {frame.day}, {frame.now:%Y-%m-%d}" if wide else f"day {frame.day}"
    right = Text(f"{_clock(frame.second)}   {clock}, one a second", QUIET)
    line.add_row(left, right)
    return line


def _verdicts(results: Results) -> RenderableType:
    rate = Text.assemble(
        (f"{results.scans:,}", "bold"),
        (" scans  ", QUIET),
        (f"{results.scans_a_second:,.0f}", "bold"),
        (" a second  ", QUIET),
        (_sparkline(list(results.per_second)[:-1], 32), ACCENT),
    )
    counts = Text()
    for verdict, count in results.verdicts.most_common(6):
        style = {"genuine": GOOD, "forged": BAD, "unsigned": BAD}.get(verdict, QUIET)
        counts.append(f"{count:,} ", "bold")
        counts.append(f"{verdict}   ", style)
    return Group(rate, counts)


def _alerts(alerts: list[ShownAlert], rows: int, *, wide: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2), expand=True)
    for width in _ALERT_WIDTHS:
        table.add_column(no_wrap=True, width=width)
    if wide:
        table.add_column(no_wrap=True, ratio=1)
    for shown in alerts:
        alert = shown.alert
        kind = Text(alert.kind, _SEVERITY_STYLES.get(alert.severity, QUIET))
        if alert.retracted:
            kind = Text(f"{alert.kind} retracted", QUIET)
        false = shown.truth == "false alert"
        truth = Text(shown.truth, WARN if false else QUIET)
        item = alert.item.rsplit("/", 1)[-1][-16:]
        reason = Text(alert.reason, QUIET)
        cells = [Text(_clock(shown.second), QUIET), kind, Text(item), truth]
        table.add_row(*cells, *([reason] if wide else []))
    filler = [Text() for _ in range(rows - len(alerts))]
    return Group(table, *filler) if alerts else Group(Text("none yet", QUIET), *filler[1:])


def _pages(pages: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, url in pages.items():
        style = {"genuine": GOOD, "copied": WARN}.get(name, BAD)
        table.add_row(Text(f"a {name} pack", style), Text.assemble((url, f"underline link {url}")))
    return table


def _rule(words: str) -> Rule:
    return Rule(Text(f" {words} ", QUIET), style=QUIET, align="left", characters="─")


def _numbers(counted: "Counter[Outcome]") -> list[Text]:
    return [
        Text(str(counted[outcome] or "·"), _STYLES[outcome] if counted[outcome] else QUIET)
        for outcome in Outcome
    ]


def _sparkline(values: list[int], width: int) -> str:
    shown = values[-width:]
    highest = max(shown, default=0) or 1
    return "".join(_BARS[round(value / highest * (len(_BARS) - 1))] for value in shown)


def _clock(second: float) -> str:
    minutes, seconds = divmod(int(second), 60)
    return f"{minutes:02d}:{seconds:02d}"
