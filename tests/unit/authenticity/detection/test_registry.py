"""The tables of findings and reasons are complete, and the core keeps to them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import authenticity
from authenticity.detection.findings import (
    FINDINGS,
    PUBLIC_FINDINGS,
    STANDING_OF_DOUBT,
    FindingKind,
)
from authenticity.detection.reasons import REASONS, ReasonCode
from authenticity.detection.standing import Standing
from authenticity.trust.verdict import Doubt

CORE = sorted(Path(authenticity.__file__).parent.rglob("*.py"))


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _calls() -> Iterator[tuple[ReasonCode, tuple[str, ...], str]]:
    """Every call of `because` in the core: the code, the names of its facts, and where."""
    for source in CORE:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "because":
                where, [code] = f"{source.name}:{node.lineno}", node.args
                assert isinstance(code, ast.Attribute), f"{where}: name the code itself"
                facts = tuple(keyword.arg or "**" for keyword in node.keywords)
                yield ReasonCode[code.attr], facts, where


CALLS = list(_calls())


@pytest.mark.parametrize(("code", "facts", "where"), CALLS)
def test_a_reason_is_given_with_exactly_the_facts_of_its_row(
    code: ReasonCode, facts: tuple[str, ...], where: str
) -> None:
    assert facts == REASONS[code].facts, where


def test_every_reason_code_has_a_row_and_is_used() -> None:
    assert set(REASONS) == set(ReasonCode)
    assert {code for code, _, _ in CALLS} == set(ReasonCode)


def test_a_sentence_tells_every_fact_of_its_row() -> None:
    for code, row in REASONS.items():
        assert _names(row.sentence) == set(row.facts), code


def test_every_kind_has_a_row_and_every_doubt_a_kind_with_a_standing() -> None:
    assert set(FINDINGS) == set(FindingKind)
    assert set(STANDING_OF_DOUBT) == set(Doubt)


def test_what_anybody_may_know_leads_to_a_standing_and_has_a_text_for_anybody() -> None:
    for kind in PUBLIC_FINDINGS:
        row = FINDINGS[kind]
        assert row.standing is not None
        assert row.public_text or row.standing is Standing.SEEN_BEFORE
        assert _names(row.public_text) <= {"issuer"}
    public = {kind for kind, row in FINDINGS.items() if row.public_text}
    assert public <= set(PUBLIC_FINDINGS)
