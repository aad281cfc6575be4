"""Lists show whole what other commands need, on a narrow terminal too."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from authenticity.records.batch_statement import read_statement
from cli.app import app
from cli.support import console
from ledger.administration import LedgerAdministration
from ledger.records import Role
from producers.issuing.declarations import keep_statement
from simulation.two_makers import World
from tests.support.new_ledger import make_ledger

WIDTHS = [80, 60]


def shown(monkeypatch: pytest.MonkeyPatch, width: int, *words: str) -> str:
    monkeypatch.setattr(console.out, "_width", width)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("width", WIDTHS)
def test_batch_ids_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    world, ids = World(), [f"{number:032x}" for number in (1, 2**127)]
    for batch_id in ids:
        (tmp_path / batch_id).mkdir()
        batch = world.batch(batch_id=batch_id, lot="A-LOT-OF-20-LETTERS.")
        keep_statement(tmp_path / batch_id, read_statement(world.statement(batch)))
    listed = shown(monkeypatch, width, "batches", "list", *(str(tmp_path / each) for each in ids))
    assert all(each in listed for each in ids) and "\u2026" not in listed
    assert "\\n" not in listed


@pytest.mark.parametrize("width", WIDTHS)
def test_token_ids_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    make_ledger(tmp_path / "ledger.sqlite")
    administration = LedgerAdministration(tmp_path / "ledger.sqlite")
    until = datetime.now(UTC) + timedelta(days=1)
    prefixes = tuple(f"95212{number:02}" for number in range(9))
    ids = [
        administration.create_token(role, f"a long name of a scanner, {role}", prefixes, until)[
            1
        ].id
        for role in Role
    ]
    administration.close()
    listed = shown(monkeypatch, width, "tokens", "list", "--data", str(tmp_path))
    assert all(each in listed for each in ids) and "\u2026" not in listed
