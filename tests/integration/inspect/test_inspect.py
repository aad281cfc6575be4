"""`touchstone inspect` as a process: stable JSON, exit codes, any bytes on stdin."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.patience import PATIENCE_S

G = "09520123456788"
CODE = f"https://id.maker.example/01/{G}/10/L7/21/AB2?17=271231"


def _inspect(*arguments: str | bytes, stdin: bytes = b"") -> tuple[int, list[Any], str]:
    command = [sys.executable, "-m", "cli.main", "inspect", *arguments]
    done = subprocess.run(
        command, input=stdin, capture_output=True, timeout=PATIENCE_S, check=False
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, answers, done.stderr.decode()


def test_code_is_described_with_stable_keys() -> None:
    status, answers, complaint = _inspect(CODE)
    assert status == 0
    assert complaint == ""
    assert answers == [
        {
            "ais": {"01": G, "10": "L7", "21": "AB2", "17": "271231"},
            "order": ["01", "10", "21", "17"],
            "item": f"https://id.gs1.org/01/{G}/21/AB2",
            "canonical": f"https://id.gs1.org/01/{G}/10/L7/21/AB2?17=271231",
            "form": "digital-link",
            "host": "id.maker.example",
        }
    ]


def test_code_without_item_or_link_has_nulls() -> None:
    status, answers, _ = _inspect(f"(01){G}(235)T(10)L7")
    assert status == 0
    assert answers[0]["item"] is None
    assert answers[0]["canonical"] is None
    assert answers[0]["host"] is None
    assert answers[0]["form"] == "bracketed"


def test_refused_text_is_named_and_placed_and_ends_with_one() -> None:
    status, answers, _ = _inspect(f"(01){G[:-1]}0")
    assert status == 1
    assert set(answers[0]) == {"error", "detail", "offset"}
    assert answers[0]["error"] == "bad-check-digit"
    assert answers[0]["offset"] == 17


def test_every_line_of_stdin_gets_its_own_answer_in_order() -> None:
    lines = [
        CODE.encode(),
        b"",
        b"\xff\xfe",
        "é".encode() + b"\xff",
        f"]d201{G}21A".encode() + b"\x1d10L\r",
        b"x" * 2_000_000,
        b"\0",
        f"(01){G}".encode(),
    ]
    status, answers, complaint = _inspect("-", stdin=b"\n".join(lines))
    assert status == 1
    assert complaint == ""
    assert [each.get("error") for each in answers] == [
        *(None, "not-a-code", "bad-character", "bad-character", None, "too-long"),
        *("not-a-code", None),
    ]
    assert answers[3]["offset"] == 1
    assert answers[4]["order"] == ["01", "21", "10"]


def test_good_lines_alone_end_with_zero() -> None:
    status, answers, _ = _inspect("-", stdin=f"{CODE}\n{CODE}\n".encode())
    assert status == 0
    assert len(answers) == 2


def test_no_line_gives_no_answer() -> None:
    assert _inspect("-") == (0, [], "")


@pytest.mark.parametrize("argument", [b"\xff\xfe", b"\x1b[31m", b" "])
def test_bytes_of_no_code_as_argument_are_refused_not_a_crash(argument: bytes) -> None:
    status, answers, complaint = _inspect(argument)
    assert status == 1
    assert answers[0]["error"] == "not-a-code"
    assert "Traceback" not in complaint


def test_missing_argument_is_wrong_use() -> None:
    status, answers, complaint = _inspect()
    assert status == 2
    assert answers == []
    assert "TEXT" in complaint
