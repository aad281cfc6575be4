"""`touchstone tokens create --gateway`: a token without a role."""

import json
import sys
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app

BLANKS = [
    number
    for number in range(sys.maxunicode + 1)
    if unicodedata.category(chr(number)) == "Zs" and number != ord(" ")
]


def _run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["tokens", *arguments, "--data", str(data)])


def test_a_gateways_token_has_no_role(tmp_path: Path) -> None:
    made = json.loads(_run(tmp_path, "create", "--gateway", "--name", "app", "--json").stdout)
    assert (made["role"], made["gateway"], made["prefixes"]) == (None, True, None)
    [listed] = json.loads(_run(tmp_path, "list", "--json").stdout)
    same = ("id", "role", "gateway", "prefixes", "name", "scanner")
    assert [listed[key] for key in same] == [made[key] for key in same]
    assert made["id"] in _run(tmp_path, "list").stdout


@pytest.mark.parametrize(
    "more", [["--gateway", "--role", "officer"], ["--gateway", "--prefix", "9521234"], []]
)
def test_a_token_has_a_role_or_is_a_gateways(tmp_path: Path, more: list[str]) -> None:
    refused = _run(tmp_path, "create", "--name", "app", *more)
    assert refused.exit_code == 2
    assert "--role" in refused.output
    assert not (tmp_path / "ledger.sqlite").exists()


@pytest.mark.parametrize(
    "name", ["a\x1b[32mb", "a\nb", "a\u202eb", "a\u3164b", "a\x9bb", "a\ufe0f"]
)
def test_a_name_that_is_not_what_it_looks_like_is_refused(tmp_path: Path, name: str) -> None:
    refused = _run(tmp_path, "create", "--gateway", "--name", name)
    assert refused.exit_code == 2
    assert name not in refused.output
    assert not (tmp_path / "ledger.sqlite").exists()


@pytest.mark.parametrize("kind", [["--gateway"], ["--role", "officer"]])
@pytest.mark.parametrize(
    "name",
    [
        *(pattern.format(chr(blank)) for blank in BLANKS for pattern in ("a{}", "{}a", "a{}b")),
        " a", "a ", "a  b", "consumer-web", "command-line", " command-line",
    ],
)  # fmt: skip
def test_a_name_that_looks_like_another_or_is_the_programs_own_is_refused(
    tmp_path: Path, name: str, kind: list[str]
) -> None:
    refused = _run(tmp_path / "data", "create", *kind, "--name", name)
    assert refused.exit_code == 2
    assert "next:" in refused.output
    assert not (tmp_path / "data").exists()


def test_a_name_of_several_words_is_taken(tmp_path: Path) -> None:
    assert _run(tmp_path, "create", "--role", "officer", "--name", "port Busan 3").exit_code == 0


def test_a_list_of_tokens_makes_no_folder(tmp_path: Path) -> None:
    refused = _run(tmp_path / "typo", "list")
    assert refused.exit_code == 2
    assert "there is no ledger" in refused.output and "next:" in refused.output
    assert not (tmp_path / "typo").exists()


OFFICER = ("--role", "officer")


@pytest.mark.parametrize(
    ("first", "second"), [(("--gateway",), OFFICER), (OFFICER, ("--gateway",))]
)
def test_a_gateway_and_a_known_scanner_never_share_a_name(
    tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    """Also of a token that was revoked: its scans are under that name."""
    made = json.loads(_run(tmp_path, "create", *first, "--name", "gw1", "--json").stdout)
    for _ in range(2):
        refused = _run(tmp_path, "create", *second, "--name", "gw1")
        assert refused.exit_code == 2
        assert "another name" in refused.output
        _run(tmp_path, "revoke", made["id"])
    assert _run(tmp_path, "create", *first, "--name", "gw1").exit_code == 0
    assert _run(tmp_path, "create", *second, "--name", "gw2").exit_code == 0
