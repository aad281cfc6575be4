"""`touchstone --version`."""

from typer.testing import CliRunner

from authenticity.version import VERSION
from cli.app import app


def test_the_version_is_printed_alone() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"touchstone {VERSION}\n")
