"""What others wrote reaches no terminal as it came."""

import json
import logging
import re
import sys
import unicodedata
from collections.abc import Callable
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.main import get_command

from cli.app import app
from cli.support import console
from cli.support.console import SafeConsole, exit_with_translated_errors
from cli.support.escaping import visible, visible_json
from cli.support.json_lines import JsonLines
from cli.support.logging_setup import PlainLines

OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\u2800"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
OUR_STYLES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
GREEN = "\x1b[32mGenuine code from Alpine Tea\x1b[0m"
HOSTILE = (
    GREEN, "\x9b32m", "\x1b]0;title\x07", "a\rb", "a\x08b", "\x7f", "a\u202eb", "a\u2066b",
    "a\u200bb", "a\u2028b", "\ufeff", "\udc9b", "a\u3164b", "a\ufe0fb",
    "a\U000e0101b", "[green]Genuine[/]", ":white_check_mark:",
    "[link=https://x.example]y[/link]", "\U000e0041",
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(codec=None, exclude_categories=()))
)


@given(TEXTS)
def test_an_escaped_text_is_one_line_of_what_is_shown(text: str) -> None:
    shown = visible(text)
    assert "\n" not in shown and not OBEYED.search(shown)
    assert visible(shown) == shown
    assert visible(text, lines=True).count("\n") == text.count("\n")


def test_what_unicode_names_as_unseen_is_escaped() -> None:
    """By name: fillers, selectors of variants, joiners and separators without width, tags,
    controls of direction."""
    unseen = re.compile(
        "^H.*FILLER$|VARIATION SELECTOR|ZERO WIDTH|WORD JOINER|GRAPHEME JOINER|INVISIBLE|^TAG "
        "|SOFT HYPHEN|BRAILLE PATTERN BLANK"
        "|(LEFT-TO-RIGHT|RIGHT-TO-LEFT) (MARK|EMBEDDING|OVERRIDE|ISOLATE)|ARABIC LETTER MARK"
        "|^POP DIRECTIONAL|FIRST STRONG ISOLATE|VOWEL INHERENT|VOWEL SEPARATOR"
    )
    named = [chr(n) for n in range(0x110000) if unseen.search(unicodedata.name(chr(n), ""))]
    named = [each for each in named if unicodedata.category(each) in ("Cf", "Mn", "Lo", "So")]
    assert len(named) > 350
    assert [unicodedata.name(each) for each in named if visible(each) == each] == []


@given(st.text())
def test_escaped_json_means_the_same(text: str) -> None:
    escaped = visible_json(msgspec.json.encode({text: text}).decode())
    assert json.loads(escaped) == {text: text}
    assert not OBEYED.search(escaped)


def _table(text: str) -> Table:
    table = Table(text, title=text, caption=text)
    table.add_row(text)
    table.add_row(Text(text, "bold"))
    return table


def _printed(*shown: RenderableType, **how: Any) -> str:
    console = SafeConsole(width=200)
    console.file = StringIO()
    console._force_terminal = True
    console._color_system = console._detect_color_system()
    console.print(*shown, **how)
    return console.file.getvalue()


RENDERABLES: list[Callable[[str], RenderableType]] = [
    lambda text: text, Text, _table, Panel,
    lambda text: Text.assemble("ours ", (text, "bold green")),
]  # fmt: skip


@pytest.mark.parametrize("make", RENDERABLES)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_of_a_foreign_text_is_obeyed_wherever_it_stands(
    make: Callable[[str], RenderableType], text: str
) -> None:
    printed = _printed(make(text), style="red")
    assert not OBEYED.search(OUR_STYLES.sub("", printed))
    assert "\x1b[32m" not in printed  # no green but ours, which is bold
    assert "✅" not in printed
    assert not re.search(r"\x1b\]", printed)


def test_markup_is_read_only_where_it_is_asked_for() -> None:
    assert "[green]x[/]" in OUR_STYLES.sub("", _printed("[green]x[/]"))
    assert OUR_STYLES.sub("", _printed("[green]x[/]", markup=True)) == "x\n"


@cache
def _touchstone() -> Any:
    """The program, which `app` would make again for each call."""
    return get_command(app)


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["touchstone", *arguments])
    return exit_with_translated_errors(_touchstone())


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(console.out, "_force_terminal", True)
    monkeypatch.setattr(console.err, "_force_terminal", True)


COMMANDS = [
    ["verify", "{}", "--trust-list", "none"],
    ["verify", "{}", "--trust-list", "list.jws", "--roots", "roots.json"],
    ["verify", "x", "--trust-list", "{}"],
    ["verify", "x", "--trust-list", "none", "--at", "{}"],
    ["inspect", "{}"],
    ["inspect", "{}", "--json"],
    ["scan", "{}", "--data", "data"],
    ["scan", "{}", "--data", "data", "--json"],
    ["scan", "x", "--channel", "{}"],
    ["scan", "x", "--place", "{}"],
    ["scan", "x", "--api", "{}"],
    ["tokens", "create", "--role", "officer", "--name", "{}"],
    ["tokens", "create", "--role", "{}", "--name", "x"],
    ["tokens", "revoke", "{}"],
    ["batches", "list", "--data", "{}"],
    ["batches", "register", "{}"],
    ["dead-letters", "show", "{}"],
    ["policy", "{}"],
    ["replay", "--scans", "{}"],
    ["keys", "list", "--keys", "{}"],
    ["keys", "add-issuer", "{}", "--id", "{}", "--prefix", "{}", "--host", "{}"],
    ["issue", "--gtin", "{}", "--count", "1", "--out", "{}"],
    ["export", "--data", "{}"],
    ["{}"],
    ["verify", "--{}"],
    ["keys", "{}"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("text", [GREEN, "a\x9b32m\u202eb\u2028c\u200b", "\udc9b"], ids=ascii)
def test_no_command_passes_a_foreign_text_on(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    text: str,
) -> None:
    (Path("list.jws")).write_text(f'{{"{text.encode("ascii", "replace").decode()}": 1')
    _run(monkeypatch, *(part.replace("{}", text) for part in command))
    printed = "".join(capsys.readouterr())
    assert printed
    assert not OBEYED.search(OUR_STYLES.sub("", printed))
    assert "\x1b[32m" not in printed


def test_a_fault_of_ours_shows_its_text_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(GREEN)

    assert exit_with_translated_errors(broken) == 1  # type: ignore[arg-type]
    printed = capsys.readouterr().err
    assert "RuntimeError: \\x1b[32mGenuine" in printed and not OBEYED.search(printed)


@pytest.mark.parametrize("formatter", [PlainLines(), JsonLines()], ids=["plain", "json"])
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_log_line_carries_what_a_terminal_obeys(formatter: logging.Formatter, text: str) -> None:
    if isinstance(formatter, JsonLines):  # no JSON text holds a lone surrogate
        text = text.replace("\udc9b", "\x9b")
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("cli", 30, "f", 1, "read %s", (text,), sys.exc_info())
    record.__dict__["code"] = text
    assert not OBEYED.search(formatter.format(record))
