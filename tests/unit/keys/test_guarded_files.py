"""Files for their owner alone, and what is refused."""

from pathlib import Path

import pytest

from authenticity.errors import KeyFileError
from keys.guarded_files import make_private_folder, read_guarded, write_new_private


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    make_private_folder(made)
    return made


def test_a_written_file_is_for_its_owner_alone(folder: Path) -> None:
    write_new_private(folder / "a.pem", b"secret")
    assert (folder / "a.pem").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert read_guarded(folder / "a.pem") == b"secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_can_read_is_refused_with_the_remedy(folder: Path, mode: int) -> None:
    write_new_private(folder / "a.pem", b"secret")
    (folder / "a.pem").chmod(mode)
    with pytest.raises(KeyFileError) as caught:
        read_guarded(folder / "a.pem")
    assert caught.value.next_step.startswith(f"chmod 600 {folder / 'a.pem'}")
    assert "secret" not in str(caught.value)


def test_a_folder_that_others_can_enter_is_refused_with_the_remedy(folder: Path) -> None:
    write_new_private(folder / "a.pem", b"secret")
    folder.chmod(0o750)
    with pytest.raises(KeyFileError) as caught:
        read_guarded(folder / "a.pem")
    assert caught.value.next_step == f"chmod 700 {folder}"


def test_an_existing_file_is_never_overwritten(folder: Path) -> None:
    write_new_private(folder / "a.pem", b"first")
    with pytest.raises(KeyFileError, match="will not be overwritten"):
        write_new_private(folder / "a.pem", b"second")
    assert read_guarded(folder / "a.pem") == b"first"
    assert [path.name for path in folder.iterdir()] == ["a.pem"]


def test_a_link_is_not_followed_in_a_key_store(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    (folder / "a.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError):
        read_guarded(folder / "a.pem")


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(KeyFileError, match="no file"):
        read_guarded(folder / "gone.pem")


def test_a_folder_in_the_place_of_a_file_is_refused_in_words(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    with pytest.raises(KeyFileError, match="is a folder") as refused:
        read_guarded(folder)
    assert refused.value.next_step


def test_of_a_missing_file_the_next_step_is_the_callers(folder: Path) -> None:
    with pytest.raises(KeyFileError, match="there is no file") as caught:
        read_guarded(folder / "nix", if_missing="name the file of the passphrase")
    assert caught.value.next_step == "name the file of the passphrase"
    with pytest.raises(KeyFileError) as caught:
        read_guarded(folder / "a.pem")
    assert "restore it" in str(caught.value.next_step)
