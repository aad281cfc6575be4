"""Files written whole or not at all, and locks that name what they hold."""

import os
from pathlib import Path

import pytest

from authenticity.errors import UnavailableError
from keys.durable_files import is_temporary, locked, replacing, write_durably, write_new


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writing_again_replaces_the_content_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_durably(tmp_path / "facts.json", b"1")
    write_durably(tmp_path / "facts.json", b"2")
    assert names(tmp_path) == ["facts.json"]
    assert (tmp_path / "facts.json").read_bytes() == b"2"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_has_the_mode_that_was_asked_for(tmp_path: Path, mode: int) -> None:
    write_durably(tmp_path / "a", b"1", mode=mode)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("umask", [0, 0o022, 0o377])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_umask_has_no_say(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_durably(tmp_path / "a", b"1")
        write_durably(tmp_path / "b", b"1", mode=mode)
        write_new(tmp_path / "c", b"1", mode=mode)
        with replacing(tmp_path / "d") as temporary:
            temporary.write_bytes(b"1")
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in "abcd"]
    assert modes == [0o600, mode, mode, 0o600]


def test_a_link_under_the_temporary_name_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keys.durable_files.secrets.token_hex", lambda _: "0")
    (tmp_path / "elsewhere").write_bytes(b"x")
    (tmp_path / ".a.0.tmp").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_durably(tmp_path / "a", b"y")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"y", mode=0o600)
    assert (tmp_path / "elsewhere").read_bytes() == b"x"


def test_a_link_that_comes_in_its_place_while_it_is_written_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    with pytest.raises(UnavailableError, match="exchanged"), replacing(tmp_path / "a") as temporary:
        temporary.unlink()
        temporary.symlink_to(tmp_path / "elsewhere")
    assert not (tmp_path / "a").exists()


def test_a_lock_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnavailableError), locked(tmp_path / "lock", "the folder"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_private_file_is_never_open_to_others(tmp_path: Path) -> None:
    with replacing(tmp_path / "a", mode=0o644) as temporary:
        assert temporary.stat().st_mode & 0o777 == 0o600


def test_a_block_that_raises_changes_nothing(tmp_path: Path) -> None:
    write_durably(tmp_path / "a", b"old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a") as temporary:
        temporary.write_bytes(b"half of the ne")
        raise ZeroDivisionError
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    write_durably(tmp_path / "a", b"y")
    assert (tmp_path / "elsewhere").read_bytes() == b"x"
    assert not (tmp_path / "a").is_symlink()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=str(tmp_path / "gone" / "manifest.json")) as caught:
        write_durably(tmp_path / "gone" / "manifest.json", b"1")
    assert "key" not in str(caught.value) + caught.value.next_step


def test_a_new_file_never_replaces_another(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"first", mode=0o600)
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"second", mode=0o600)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"first"


def test_what_a_killed_process_left_can_be_told(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as temporary:
        assert is_temporary(temporary)
    assert not is_temporary(tmp_path / "a")


def test_a_held_lock_is_reported_after_the_wait_by_what_it_holds(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock", "the run folder L7"),
        pytest.raises(UnavailableError, match="another process holds the run folder L7") as caught,
        locked(tmp_path / "lock", "the run folder L7", seconds=0.05),
    ):
        pass
    assert "try again" in caught.value.next_step


def test_a_lock_is_free_again_after_use(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", "it"):
        pass
    with locked(tmp_path / "lock", "it", seconds=0):
        pass
