"""The 829 outside vectors: agree with GS1's own engine wherever the profile reaches."""

import json
from pathlib import Path
from typing import Any

import pytest

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.ai_table import PROFILE
from authenticity.gs1.code import read_code

FILE = Path(__file__).parents[3] / "vectors" / "gs1_reading.jsonl"
VECTORS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text().splitlines()]
VALID = [each for each in VECTORS if each["valid"]]
INVALID = [each for each in VECTORS if not each["valid"]]


def _text(vector: dict[str, Any]) -> str:
    text: str = vector["input"]
    if vector["kind"] == "elementstring":
        return text.replace("|^", "\x1d").replace("^", "\x1d")
    return text


def _within_profile(vector: dict[str, Any]) -> bool:
    return set(vector["expect"]["ais"]) <= set(PROFILE)


def _id(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def test_no_vector_is_lost() -> None:
    assert len(VECTORS) == 829
    assert sum(map(_within_profile, VALID)) == 205


@pytest.mark.parametrize("vector", [v for v in VALID if _within_profile(v)], ids=_id)
def test_valid_code_within_the_profile_reads_as_gs1_reads_it(vector: dict[str, Any]) -> None:
    code = read_code(_text(vector))
    expect = vector["expect"]
    assert dict(code.ais) == expect["ais"]
    assert [ai for ai, _ in code.ais] == expect["order"]
    assert code.canonical == expect["canonical_dl"]


@pytest.mark.parametrize("vector", [v for v in VALID if not _within_profile(v)], ids=_id)
def test_valid_code_beyond_the_profile_is_refused_by_that_name(vector: dict[str, Any]) -> None:
    with pytest.raises(CodeError) as refusal:
        read_code(_text(vector))
    assert refusal.value.fault is CodeFault.OUTSIDE_PROFILE


@pytest.mark.parametrize("vector", INVALID, ids=_id)
def test_invalid_code_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(CodeError):
        read_code(_text(vector))
