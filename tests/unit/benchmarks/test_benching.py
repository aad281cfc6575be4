"""`touchstone bench`: an engine belongs to `stream` product."""

import pytest
from typer.testing import CliRunner

from cli.app import app


@pytest.mark.parametrize("name", ["verify", "issue", "labels", "api", "growth"])
def test_an_engine_for_what_runs_none_is_refused_in_words(name: str) -> None:
    result = CliRunner().invoke(app, ["bench", name, "--engine", "kafka"])
    assert result.exit_code == 2
    assert f"`{name}` runs no engine" in result.stderr
    assert "touchstone bench stream --engine kafka" in result.stderr
