"""`touchstone tokens create --gateway`: a token without a role."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app


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
