"""What others of the machine may read, change, or put in the place of something."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from authenticity.errors import ConfigurationError, TrustListError
from cli.app import app
from cli.support.data import DataFolder
from cli.support.lists_seen import refuse_older
from cli.support.trust_list import load_roots, load_trust_list
from events.embedded.log import EmbeddedLog
from ledger.opening import migrate
from simulation.two_makers import World

WORLD = World()
AT = WORLD.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a list and its roots."""
    made = tmp_path / "pinned"
    made.mkdir()
    (made / "list.jws").write_bytes(WORLD.trust_document)
    (made / "roots.json").write_bytes(WORLD.roots_document)
    (made / "roots.json").chmod(0o644)
    return made


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o602, 0o620, 0o666])
def test_roots_that_others_may_change_are_refused_with_what_to_do(folder: Path, mode: int) -> None:
    roots = folder / "roots.json"
    roots.chmod(mode)
    for read in (
        lambda: load_trust_list(folder / "list.jws", None, AT),
        lambda: load_trust_list(folder / "list.jws", roots, AT),
        lambda: load_roots(DataFolder(folder)),
    ):
        with pytest.raises(ConfigurationError, match="others may change") as caught:
            read()
        assert f"chmod go-w {roots}" in caught.value.next_step
    roots.chmod(mode & 0o755)
    assert load_trust_list(folder / "list.jws", None, AT).version == 1


@pytest.mark.parametrize("which", ["pinned", "."])
def test_roots_that_others_may_replace_are_refused(folder: Path, which: str) -> None:
    open_folder = folder.parent / which
    open_folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="in the place of") as caught:
        load_roots(DataFolder(folder))
    assert "chmod o-w" in caught.value.next_step
    open_folder.chmod(0o1777)  # as /tmp
    load_roots(DataFolder(folder))


def test_a_link_in_a_folder_of_everybody_is_refused_wherever_it_leads(folder: Path) -> None:
    everybodys = folder.parent / "everybodys"
    everybodys.mkdir()
    everybodys.chmod(0o777)
    (everybodys / "roots.json").symlink_to(folder / "roots.json")
    with pytest.raises(ConfigurationError, match="in the place of"):
        load_roots(DataFolder(everybodys))


def test_an_older_list_is_refused_for_its_roots_alone(tmp_path: Path) -> None:
    first = WORLD.trust_list
    second_document = WORLD.next_trust_document()
    from authenticity.trust.trust_list import read_trust_list

    second = read_trust_list(second_document, WORLD.roots, at=AT)
    refuse_older(first, WORLD.roots)
    refuse_older(first, WORLD.roots)
    refuse_older(second, WORLD.roots)
    with pytest.raises(TrustListError, match="version 1; you had version 2") as caught:
        refuse_older(first, WORLD.roots)
    assert "--allow-older-list" in caught.value.next_step
    refuse_older(first, WORLD.roots, allow=True)
    with pytest.raises(TrustListError):
        refuse_older(first, WORLD.roots)  # allowed once, not forgotten
    other = read_trust_list(
        WORLD.next_trust_document(expires_at=first.expires_at - timedelta(days=1)),
        WORLD.roots,
        at=AT,
    )
    with pytest.raises(TrustListError, match="another trust list of version 2"):
        refuse_older(other, WORLD.roots)
    refuse_older(first, World(seed=9).roots)
    memory = Path(os.environ["XDG_STATE_HOME"]) / "touchstone"
    assert stat.S_IMODE(memory.stat().st_mode) == 0o700
    assert stat.S_IMODE((memory / "trust-lists.json").stat().st_mode) == 0o600


def test_a_memory_that_is_damaged_is_said(tmp_path: Path) -> None:
    memory = Path(os.environ["XDG_STATE_HOME"]) / "touchstone"
    memory.mkdir(parents=True)
    (memory / "trust-lists.json").write_bytes(b"{")
    with pytest.raises(ConfigurationError, match=r"trust-lists\.json cannot be read"):
        refuse_older(WORLD.trust_list, WORLD.roots)


def test_where_nothing_can_be_remembered_a_warning_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a-file"))
    refuse_older(WORLD.trust_list, WORLD.roots)
    assert "cannot be remembered" in capsys.readouterr().err


def test_databases_that_were_left_open_are_closed_and_links_are_not_followed(
    tmp_path: Path,
) -> None:
    (tmp_path / "ledger.sqlite").touch(mode=0o644)
    (tmp_path / "elsewhere").touch(mode=0o644)
    (tmp_path / "log.sqlite").symlink_to(tmp_path / "elsewhere")
    folder = DataFolder.find(tmp_path)
    assert stat.S_IMODE((tmp_path / "ledger.sqlite").stat().st_mode) == 0o644
    folder.make_databases_private()
    assert stat.S_IMODE((tmp_path / "ledger.sqlite").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) & 0o044


@pytest.mark.parametrize(
    "command",
    [["migrate"], ["tokens", "list"], ["dead-letters", "list"], ["trust", "publish", "list.jws"],
     ["scan", "x"], ["export"]],
    ids=" ".join,
)  # fmt: skip
def test_every_command_that_opens_a_database_closes_it_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.jws").write_bytes(WORLD.trust_document)
    databases = [tmp_path / "ledger.sqlite", tmp_path / "log.sqlite"]
    migrate(databases[0])
    EmbeddedLog(databases[1]).close()
    (tmp_path / "roots.json").write_bytes(WORLD.roots_document)
    for path in databases:
        path.chmod(0o644)
    CliRunner().invoke(app, [*command, "--data", str(tmp_path)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in databases} == {0o600}
