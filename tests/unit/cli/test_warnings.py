"""Warnings, and that no text printed by a command holds markup that the console does not read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.support.console import warn

ROOT = Path(__file__).parents[3]
MARKUP = re.compile(r"\[/?(bold|red|green|yellow|cyan|dim)?[a-z ]*\]")


def printed() -> Iterator[tuple[str, ast.Call]]:
    for path in (*ROOT.glob("cli/**/*.py"), *ROOT.glob("demo/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "print"
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def texts_of(call: ast.Call) -> Iterator[str]:
    for argument in call.args:
        for node in ast.walk(argument):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_a_warning_reads_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    warn("[bold]a file[/] is old", next_step="get another")
    assert capsys.readouterr().err.splitlines() == [
        "warning: [bold]a file[/] is old",
        "next:    get another",
    ]


def test_markup_is_written_only_where_the_console_is_asked_to_read_it() -> None:
    calls = list(printed())
    assert len(calls) > 50
    wrong = [
        where
        for where, call in calls
        if any(map(MARKUP.search, texts_of(call)))
        and not any(keyword.arg == "markup" for keyword in call.keywords)
    ]
    assert wrong == []
