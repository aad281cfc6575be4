"""`touchstone geo`: what is said about files and addresses."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.support.data import DataFolder
from cli.support.installation_secret import installation_secret
from tests.support.geo import CLASSES, write_database
from tests.support.new_ledger import make_ledger
from verifier_api.network.keyed_hashes import KeyedHashes


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CITY", "ASN", "RELAYS"):
        monkeypatch.delenv(f"TOUCHSTONE_GEO_{name}", raising=False)
    monkeypatch.delenv("TOUCHSTONE_SECRET_FILE", raising=False)
    (tmp_path / "geo").mkdir()
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["geo", *arguments])


def _json(*arguments: str, code: int = 0) -> dict[str, Any]:
    result = _run(*arguments, "--json")
    assert result.exit_code == code, result.output
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def test_an_installation_without_files_is_told_how_to_get_one(data: Path) -> None:
    checked = _json("check", "--data", str(data), code=1)
    assert [row["path"] for row in checked["files"]] == [None, None, None]
    assert "touchstone geo install" in checked["problems"][0]["next_step"]


def test_files_are_shown_with_type_age_and_classes(data: Path) -> None:
    write_database(data / "geo" / "city.mmdb")
    write_database(data / "geo" / "asn.mmdb", CLASSES, kind="Test-ASN")
    (data / "geo" / "relays.txt").write_text("192.0.2.9\n")
    checked = _json("check", "--data", str(data))
    city, asn, relays = checked["files"]
    assert (city["type"], city["age_days"], city["networks"]) == ("Test-City", 0, 4)
    assert asn["classes"] == {"fixed": 1, "hosting": 1, "mobile": 1, "tunnel": 1}
    assert relays["networks"] == 1
    assert checked["problems"] == []
    assert "1 mobile" in _run("check", "--data", str(data)).stdout


def test_what_is_wrong_with_a_file_is_said_with_a_next_step(data: Path) -> None:
    (data / "geo" / "city.mmdb").write_bytes(b"broken")
    write_database(data / "geo" / "asn.mmdb", {"192.0.2.0/24": {"autonomous_system_number": 64496}})
    (data / "geo" / "relays.csv").write_text("what\n")
    checked = _json("check", "--data", str(data), code=1)
    assert [problem["file"] for problem in checked["problems"]] == ["city", "relays", "asn"]
    assert all(problem["next_step"] for problem in checked["problems"])


def test_an_address_is_explained_and_the_secret_is_not_shown(data: Path) -> None:
    write_database(data / "geo" / "city.mmdb")
    before = _json("explain", "192.0.2.7", "--data", str(data))
    assert before["network"] is None
    assert not (data / "secret.key").exists()
    make_ledger(data / "ledger.sqlite")
    secret = installation_secret(DataFolder(data), {})
    facts = _json("explain", "::ffff:192.0.2.7", "--data", str(data))
    assert facts["network"] == KeyedHashes(secret).network(bytes([192, 0, 2, 0]))
    assert (facts["address"], facts["range"]) == ("192.0.2.7", "192.0.2.0/24")
    assert (facts["country"], facts["kind"], facts["locates"]) == ("FR", "unknown", True)
    assert len(facts["why"]) == 2
    said = _run("explain", "192.0.2.7", "--data", str(data)).output
    assert secret.hex() not in said
    assert "place: from the city or country file" in said


def test_what_is_no_address_is_refused(data: Path) -> None:
    result = _run("explain", "example", "--data", str(data))
    assert result.exit_code == 2
    assert "is no address" in result.output


def test_an_odd_name_reaches_a_terminal_escaped_and_a_problem_is_said_once(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also by way of the handler that Python has for logs that nobody set up."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    odd = data / "\x1b[32modd.mmdb"
    odd.write_bytes(b"broken")
    monkeypatch.setenv("TOUCHSTONE_GEO_CITY", str(odd))
    result = _run("check", "--data", str(data), "--no-count")
    said = result.output + capfd.readouterr().err
    assert "\x1b" not in said
    assert said.count("MaxMind") == 1


@pytest.mark.parametrize("command", [["check"], ["explain", "192.0.2.7"]])
def test_a_damaged_file_is_refused_in_words(data: Path, command: list[str]) -> None:
    path = write_database(data / "geo" / "city.mmdb")
    content = bytearray(path.read_bytes())
    content[0:3] = bytes(3)  # the root of the search tree leads to itself
    path.write_bytes(content)
    result = _run(*command, "--data", str(data))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "search tree" in " ".join(result.output.split())
