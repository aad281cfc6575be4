"""The commands with a ledger in PostgreSQL, as an operator runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import LiteralString

import pytest

from authenticity.gs1.item import scanner_entity
from authenticity.history.history import encode_history, history_of
from authenticity.history.observation import actor_hash
from ledger.address import PostgresAddress
from ledger.installation import (
    forget_secret,
    has_keyed_histories,
    may_begin_anew,
    secret_fingerprint,
)
from simulation.two_makers import World
from tests.contracts.ledger.folding import alert, change, one_scan
from tests.contracts.ledger.ledgers import Ledgers
from tests.integration.ledger.server import Server, query
from tests.support.patience import PATIENCE_S
from tests.unit.authenticity.detection.make_observations import PARIS, seen


class Commands:
    """In an installation whose ledger is at this address."""

    def __init__(self, folder: Path, address: PostgresAddress) -> None:
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
        self._env |= {"TOUCHSTONE_DATA": str(folder), "TOUCHSTONE_LEDGER": address.url}

    def run(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=self._env | env, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip


@pytest.fixture
def commands(tmp_path: Path, ledger_address: PostgresAddress) -> Commands:
    return Commands(tmp_path, ledger_address)


def test_tokens_are_made_listed_and_revoked_in_the_database(commands: Commands) -> None:
    made = commands.run("tokens", "create", "--role", "officer", "--name", "port-3", "--json")
    assert made.returncode == 0, made.stderr
    token_id = json.loads(made.stdout)["id"]
    [listed] = json.loads(commands.run("tokens", "list", "--json").stdout)
    assert (listed["id"], listed["revoked_at"]) == (token_id, None)
    assert listed["scanner"] == scanner_entity(actor_hash("port-3"), known=True)
    assert commands.run("tokens", "revoke", token_id).returncode == 0
    [listed] = json.loads(commands.run("tokens", "list", "--json").stdout)
    assert listed["revoked_at"] is not None


def test_batches_dead_letters_and_the_final_state_are_read_from_the_database(
    commands: Commands, ledgers: Ledgers
) -> None:
    world, writer = World(3), ledgers.writer()
    item, history = one_scan(world)
    writer.accept_batches([world.batch()])
    writer.write([change(item, history, 0, alert(item))], 1, world.now)
    [batch] = json.loads(commands.run("batches", "list", "--json").stdout)
    assert batch["batch_id"] == world.batch().batch_id
    assert commands.run("dead-letters", "list").stdout == "none\n"
    exported = [json.loads(line) for line in commands.run("export").stdout.splitlines()]
    assert [(line["type"], line["item"]) for line in exported] == [
        ("alert", item),
        ("standing", item),
    ]


def test_a_database_without_tables_is_refused_until_migrate_has_been_run(
    server: Server, tmp_path: Path
) -> None:
    commands = Commands(tmp_path, server.new_database("fresh"))
    for arguments in (["export"], ["tokens", "list"], ["batches", "list"]):
        refused = commands.run(*arguments)
        assert refused.returncode == 2
        assert "touchstone migrate" in refused.stderr
    assert "up to date" in commands.run("migrate").stdout
    assert "up to date" in commands.run("migrate").stdout
    assert commands.run("export").returncode == 0
    server.drop_database("fresh")


def test_a_database_that_is_down_ends_the_command_with_3_and_shows_no_password(
    server: Server, tmp_path: Path
) -> None:
    commands = Commands(tmp_path, server.at(host="127.0.0.1:1", password="s3cret"))
    for arguments in (["export"], ["migrate"], ["tokens", "list"]):
        ended = commands.run(*arguments)
        assert ended.returncode == 3
        assert "next:" in ended.stderr
        assert "s3cret" not in ended.stdout + ended.stderr


def test_the_password_may_be_in_a_file_of_its_own(
    server: Server, ledger_address: PostgresAddress, tmp_path: Path
) -> None:
    database = ledger_address.shown.rpartition("/")[2]
    file = tmp_path / "password"
    file.write_text(
        server.address.url.partition("//")[2].partition("@")[0].partition(":")[2] + "\n"
    )
    commands = Commands(tmp_path, server.at(database=database, password="wr0ng"))
    assert commands.run("export").returncode == 3
    assert commands.run("export", TOUCHSTONE_LEDGER_PASSWORD_FILE=str(file)).returncode == 0
    missing = commands.run("export", TOUCHSTONE_LEDGER_PASSWORD_FILE=str(tmp_path / "none"))
    assert missing.returncode == 2
    assert "TOUCHSTONE_LEDGER_PASSWORD_FILE" in missing.stderr


def test_the_grants_are_printed_as_sql(commands: Commands) -> None:
    printed = commands.run("migrate", "--print-grants", "--api-role", 'odd"name').stdout
    assert 'GRANT SELECT, INSERT, UPDATE ON items TO "touchstone_worker";' in printed
    assert 'GRANT SELECT ON tokens TO "odd""name";' in printed
    assert all(line.endswith(";") for line in printed.splitlines())


def test_the_embedded_engine_refuses_a_ledger_that_is_elsewhere(
    commands: Commands, tmp_path: Path
) -> None:
    (tmp_path / "roots.json").write_bytes(World(3).roots_document)
    refused = commands.run("up", "--no-api")
    assert refused.returncode == 2
    assert "--engine kafka" in refused.stderr


@pytest.mark.parametrize("network", ["", None])
def test_hashes_in_the_databases_histories_tell_that_there_was_a_secret(
    ledger_address: PostgresAddress, network: str | None
) -> None:
    history = encode_history(history_of([seen("1", network=network, place=PARIS)]))
    insert: LiteralString = (
        "INSERT INTO items (item, history, version) VALUES (%s, %s, 1) RETURNING item"
    )
    assert not has_keyed_histories(ledger_address)
    query(ledger_address, insert, "an item", history)
    assert has_keyed_histories(ledger_address) == (network is not None)
    assert not may_begin_anew(ledger_address)
    assert not forget_secret(ledger_address)
    assert may_begin_anew(ledger_address) and secret_fingerprint(ledger_address) is None
