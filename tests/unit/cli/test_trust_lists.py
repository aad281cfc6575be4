"""Which trust list a command believes, and what it says of a file that it cannot."""

from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.errors import TouchstoneError
from authenticity.trust.jws import encode_roots
from cli.app import app
from events.embedded.log import EmbeddedLog
from events.publisher import Record
from events.topics import SCANS, TRUST, TRUST_KEY
from ledger.opening import migrate, open_store
from simulation.two_makers import World
from stream.sources.embedded import EmbeddedSource

WORLD = World()
CODE = WORLD.code()


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder with the roots, an old list and the next one."""
    (tmp_path / "roots.json").write_bytes(encode_roots(WORLD.roots))
    (tmp_path / "roots.json").chmod(0o600)
    (tmp_path / "old.jws").write_bytes(WORLD.trust_document)
    (tmp_path / "new.jws").write_bytes(WORLD.next_trust_document())
    return tmp_path


def error_of(*arguments: object) -> TouchstoneError:
    outcome = CliRunner().invoke(app, [str(each) for each in arguments])
    assert isinstance(outcome.exception, TouchstoneError), outcome.output
    return outcome.exception


@pytest.mark.parametrize("command", ["verify", "scan"])
def test_every_command_that_says_what_a_code_proves_refuses_an_older_list(
    lists: Path, command: str
) -> None:
    data = ("--data", lists / "data") if command == "scan" else ()
    first = CliRunner().invoke(
        app, ["verify", CODE, "--trust-list", str(lists / "new.jws"), "--json"]
    )
    assert first.exit_code in (0, 1), first.output
    arguments = (command, CODE, "--trust-list", lists / "old.jws", *data)
    refused = error_of(*arguments)
    assert "you had version 2" in str(refused)
    assert "--allow-older-list" in refused.next_step
    assert not (lists / "data").exists()
    allowed = CliRunner().invoke(app, [*map(str, arguments), "--allow-older-list"])
    assert allowed.exit_code in (0, 1), allowed.output


def test_scan_refuses_the_list_of_a_data_folder_that_is_older_than_the_newest_handed_to_us(
    lists: Path,
) -> None:
    """A folder that was copied before a revocation, or an engine that was away."""
    folder = lists / "data"
    migrate(folder / "ledger.sqlite")
    (folder / "roots.json").write_bytes(encode_roots(WORLD.roots))
    (folder / "roots.json").chmod(0o600)
    log = EmbeddedLog(folder / "log.sqlite")
    log.append([Record(TRUST, TRUST_KEY, WORLD.trust_document)])
    store = open_store(folder / "ledger.sqlite")
    engine = EmbeddedSource(log, store, WORLD.roots, DEFAULT_POLICY, clock=lambda: WORLD.now)
    assert engine.run_round()
    engine.close()
    scan = ["scan", CODE, "--data", str(folder)]
    before = CliRunner().invoke(app, scan)
    assert before.exit_code == 0 and "genuine" in before.stdout, before.output
    CliRunner().invoke(app, ["verify", CODE, "--trust-list", str(lists / "new.jws")])
    refused = error_of(*scan)
    assert "version 1; you had version 2" in str(refused)
    assert "trust publish" in refused.next_step and "--allow-older-list" in refused.next_step
    with closing(EmbeddedLog(folder / "log.sqlite")) as kept:
        assert len(kept.read(SCANS, 0, 9)) == 1
    allowed = CliRunner().invoke(app, [*scan, "--allow-older-list"])
    assert allowed.exit_code == 0 and "not the newest" in allowed.output


@pytest.mark.parametrize(
    "content", [b"", b"{", b"not a list", b"\xff\xfe", b'{"payload":"","signatures":[]}']
)
@pytest.mark.parametrize("command", ["verify", "scan", "trust publish"])
def test_a_file_that_is_no_list_is_named_with_what_to_do(
    lists: Path, command: str, content: bytes
) -> None:
    (lists / "list.jws").write_bytes(content)
    if command == "trust publish":
        error = error_of(*command.split(), lists / "list.jws", "--data", lists)
    else:
        error = error_of(command, CODE, "--trust-list", lists / "list.jws")
    assert "list.jws" in str(error)
    assert error.next_step


@pytest.mark.parametrize("text", ["", "51", "51,4,1,1", "x,y", "51;4", "91,4", "nan,4", "51,4,inf"])
def test_a_place_that_is_none_is_said_in_words(lists: Path, text: str) -> None:
    outcome = CliRunner().invoke(app, ["scan", CODE, "--data", str(lists), f"--place={text}"])
    assert outcome.exit_code == 2
    assert "51.95,4.14" in outcome.output
    assert "convert" not in outcome.output
    assert "unpack" not in outcome.output


def test_a_policy_file_with_a_bad_line_is_named(lists: Path) -> None:
    (lists / "strict.toml").write_text("nonsense = 1\n")
    error = error_of("replay", lists / "s.ndjson", "--policy", lists / "strict.toml",
                     "--trust-list", lists / "old.jws")  # fmt: skip
    assert "strict.toml" in str(error)
    assert error.next_step
