"""Every verdict on a code alone, from the vectors that other languages can use."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from authenticity.trust.trust_list import TrustList, read_roots, read_trust_list
from authenticity.trust.verdict import Doubt, Note
from authenticity.trust.verify import check_signature, check_validity, verify
from tests.vectors import make_verdicts

CONTENT = json.loads(Path(make_verdicts.FILE).read_text())
CASES = CONTENT["cases"]


@pytest.fixture(scope="module")
def trust_list() -> TrustList:
    pinned = read_roots(json.dumps(CONTENT["roots"]).encode())
    document = json.dumps(CONTENT["trust_list"]).encode()
    return read_trust_list(document, pinned, at=datetime(2026, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_verdict(case: dict[str, Any], trust_list: TrustList) -> None:
    at = datetime.fromisoformat(case["at"])
    verdict = verify(case["code"], trust_list, at)
    facts = {"verdict": type(verdict).__name__, "doubt": None, **asdict(verdict)}
    facts["notes"] = list(verdict.notes)
    if facts.get("revoked_at"):
        facts["revoked_at"] = facts["revoked_at"].isoformat()
    expected = case["expect"]
    assert {name: facts[name] for name in expected} == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_the_two_halves_make_the_whole(case: dict[str, Any], trust_list: TrustList) -> None:
    at = datetime.fromisoformat(case["at"])
    check = check_signature(case["code"], trust_list)
    assert check_validity(check, trust_list, at) == verify(case["code"], trust_list, at)


def test_every_doubt_and_every_note_has_a_vector() -> None:
    assert {case["expect"]["doubt"] for case in CASES} == {None, *Doubt}
    assert {note for case in CASES for note in case["expect"]["notes"]} == set(Note)


def test_the_names_of_the_cases_are_distinct() -> None:
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)


def test_the_vectors_are_what_their_script_makes() -> None:
    assert make_verdicts.FILE.read_text() == make_verdicts.document()
