"""The screen of the demonstration fits where it must."""

from collections import Counter
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from authenticity.gs1.item import item_id
from demo.feed import read_alert
from demo.running_results import Results, SeenAlert
from demo.view import Frame, plain_line, render
from simulation.attacks import SHOWN
from simulation.score import Outcome, Score

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def frame() -> Frame:
    results = Results({})
    results.scans = 123_456
    results.verdicts = Counter({"genuine": 120_000, "forged": 3_000, "unsigned": 456})
    for second in range(50):
        results.passed(second)
        results.per_second[-1] = second * 5
        item = item_id("09521000000018", f"SERIAL{second:010d}")
        reason = "too far apart in time: km 9740, minutes 223, countries MX,DE"
        alert = SeenAlert(f"a{second}", item, "clone-suspected", "high", False, reason)
        results.alerted(alert, second)
    outcomes = {family: Counter({Outcome.CAUGHT: 1_000, Outcome.MISSED: 5}) for family in SHOWN}
    score = Score(outcomes, 3, Counter(), Counter({"vpn": 3}), 9_999)
    names = ("genuine", "copied", "forged")
    pages = {name: f"http://127.0.0.1:45678/{name}" for name in names}
    return Frame(results, score, 754.0, NOW, 755, pages, "999 s left   Ctrl-C ends")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_the_screen_fits_and_nothing_is_cut_off(width: int, height: int) -> None:
    console = Console(file=StringIO(), width=width, height=height, force_terminal=False)
    lines = console.render_lines(render(frame(), width, height))
    text = ["".join(segment.text for segment in line) for line in lines]
    assert len(lines) <= height
    assert all(len(line) <= width for line in text)
    whole = "\n".join(text)
    for word in (
        "123,456",
        "launched",
        "undetectable",
        "together",
        "6030",
        "6000",
        "clone-suspected",
    ):
        assert word in whole
    for name in ("genuine", "copied", "forged"):
        assert f"http://127.0.0.1:45678/{name}" in whole
    assert "Ctrl-C ends" in whole


def test_the_plain_line_fits_an_ordinary_terminal() -> None:
    assert len(plain_line(frame())) <= 110


def test_an_alert_is_read_from_the_feed_and_from_the_list_alike() -> None:
    alert = {
        "id": "a", "item": "i", "kind": "forged", "severity": "high", "retracted": False,
        "reasons": [{"reason": "code-refused", "facts": {"scanners": "trusted"}}],
    }  # fmt: skip
    assert read_alert(alert) == read_alert({"number": 3, "alert": alert})
    assert read_alert(alert).reason == (
        "Such codes were scanned under this name (read by: known scanners)."
    )
    gone = alert | {
        "retracted": True, "probability": 0.9,
        "retracted_because": [{"reason": "batch-released", "facts": {"batch": "B7"}}],
    }  # fmt: skip
    assert read_alert(gone).reason == "The maker has released batch B7."
