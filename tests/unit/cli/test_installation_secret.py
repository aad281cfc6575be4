"""The secret of an installation: made once, shared, guarded."""

import logging
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from authenticity.errors import ConfigurationError, LedgerUnavailableError, TouchstoneError
from authenticity.history.history import encode_history, history_of
from authenticity.history.observation import observe
from authenticity.records.scan import Scan, encode_scan
from cli.app import app
from cli.support.data import DataFolder
from cli.support.installation_secret import SETTING, find_secret, installation_secret
from events.embedded.log import EmbeddedLog
from events.publisher import Record
from events.topics import SCANS
from ledger.installation import secret_fingerprint
from tests.support.new_ledger import make_ledger
from tests.unit.authenticity.detection import make_observations as observations
from verifier_api.network.keyed_hashes import KeyedHashes


def _folder(path: Path) -> DataFolder:
    """With a ledger."""
    folder = DataFolder(path / "data")
    make_ledger(path / "data" / "ledger.sqlite")
    return folder


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert find_secret(folder, {}) is None
    secret = installation_secret(folder, {})
    assert len(secret) == 32
    assert installation_secret(folder, {}) == find_secret(folder, {}) == secret
    assert stat.S_IMODE(folder.secret.stat().st_mode) == 0o600
    assert installation_secret(_folder(tmp_path / "other"), {}) != secret


def test_many_that_start_at_once_have_the_same(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: installation_secret(folder, {}), range(64)))
    assert len(found) == 1
    names = sorted(path.name for path in folder.root.iterdir() if "sqlite" not in path.name)
    assert names == ["secret.key"]


def test_another_file_may_hold_it_by_a_link_too(tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.write_bytes(b"s" * 32)
    mounted.chmod(0o600)
    (tmp_path / "link").symlink_to(mounted)
    environ = {"TOUCHSTONE_SECRET_FILE": str(tmp_path / "link")}
    assert installation_secret(_folder(tmp_path), environ) == b"s" * 32
    assert not _folder(tmp_path).secret.exists()


@pytest.mark.parametrize("size", [0, 31, 33, 10_000])
def test_a_file_of_another_size_is_refused_in_words_and_stays(tmp_path: Path, size: int) -> None:
    folder = _folder(tmp_path)
    folder.secret.write_bytes(b"s" * size)
    folder.secret.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"secret\.key") as refused:
        installation_secret(folder, {})
    assert "backup" in refused.value.next_step
    assert folder.secret.stat().st_size == size


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    folder = _folder(tmp_path)
    installation_secret(folder, {})
    folder.secret.chmod(mode)
    with pytest.raises(ConfigurationError, match="others can read") as refused:
        installation_secret(folder, {})
    assert "chmod 600" in refused.value.next_step


def test_a_link_in_the_data_folder_is_not_followed(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    planted = tmp_path / "planted"
    for content in (None, b"p" * 32):
        if content is not None:
            planted.write_bytes(content)
            planted.chmod(0o600)
        folder.secret.unlink(missing_ok=True)
        folder.secret.symlink_to(planted)
        with pytest.raises(TouchstoneError):
            installation_secret(folder, {})
    assert planted.read_bytes() == b"p" * 32


def test_a_setting_that_names_no_file_is_refused_and_none_is_made(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(ConfigurationError, match="missing"):
        installation_secret(_folder(tmp_path), {"TOUCHSTONE_SECRET_FILE": str(missing)})
    assert not missing.exists()


def _put(folder: DataFolder, secret: bytes) -> None:
    folder.secret.unlink(missing_ok=True)
    folder.secret.write_bytes(secret)
    folder.secret.chmod(0o600)


@pytest.mark.parametrize("scanned", [False, True])
def test_a_missing_secret_of_a_ledger_that_knows_one_is_refused_until_it_is_restored(
    tmp_path: Path, scanned: bool
) -> None:
    """Whatever the log holds by now: it forgets."""
    folder = _folder(tmp_path)
    first = installation_secret(folder, {})
    if scanned:
        with closing(EmbeddedLog(folder.log)) as log:
            log.append([])
    folder.secret.unlink()
    with pytest.raises(ConfigurationError, match="no secret") as refused:
        installation_secret(folder, {})
    assert "backup" in refused.value.next_step and "--forget-secret" in refused.value.next_step
    assert not folder.secret.exists()
    _put(folder, first)
    assert installation_secret(folder, {}) == first


def _scan(**changes: Any) -> Scan:
    return observations.scan("1", code='"selection":"', **changes)


def _logged(folder: DataFolder, scan: Scan) -> None:
    with closing(EmbeddedLog(folder.log)) as log:
        log.append([Record(SCANS, b"k", encode_scan(scan))])


def _folded(folder: DataFolder, scan: Scan) -> None:
    history = history_of([observe(scan, observations.genuine(), 1)])
    assert isinstance(folder.ledger, Path)
    with closing(sqlite3.connect(folder.ledger)) as ledger, ledger:
        row = (observations.ITEM, encode_history(history))
        ledger.execute("INSERT INTO items (item, history, version) VALUES (?, ?, 1)", row)


KEPT = {"on the log": _logged, "in a history": _folded}


@pytest.mark.parametrize("kept", KEPT)
def test_scans_with_hashes_under_a_secret_tell_of_it_though_the_ledger_knows_none(
    tmp_path: Path, kept: str
) -> None:
    """The ledger was made anew from the log, or is a backup from before the fingerprint."""
    folder = _folder(tmp_path)
    KEPT[kept](folder, _scan(place=observations.PARIS))
    with pytest.raises(ConfigurationError, match="no secret") as refused:
        installation_secret(folder, {})
    assert kept.split()[-1][:4] in str(refused.value)
    assert "backup" in refused.value.next_step and "--forget-secret" in refused.value.next_step
    assert not folder.secret.exists()
    CliRunner().invoke(app, ["migrate", "--data", str(folder.root), "--forget-secret"])
    assert installation_secret(folder, {}) == find_secret(folder, {})


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("authorised", [False, True])
def test_scans_of_the_first_version_need_no_secret(
    tmp_path: Path, kept: str, authorised: bool
) -> None:
    folder = _folder(tmp_path)
    KEPT[kept](folder, _scan(v=1, selection=None, network=None, authorised=authorised))
    assert len(installation_secret(folder, {})) == 32


def test_another_secret_than_the_ledgers_is_refused_wherever_it_comes_from(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    first = installation_secret(folder, {})
    named = tmp_path / "named"
    named.write_bytes(b"n" * 32)
    named.chmod(0o600)
    _put(folder, b"p" * 32)
    for environ, path in (({}, folder.secret), ({"TOUCHSTONE_SECRET_FILE": str(named)}, named)):
        with pytest.raises(ConfigurationError, match="not the secret") as refused:
            installation_secret(folder, environ)
        assert str(path) in str(refused.value)
        assert SETTING in refused.value.next_step
        assert first.hex() not in str(refused.value) + refused.value.next_step


def test_whoever_lost_the_secret_can_begin_with_another_knowingly(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    first = installation_secret(folder, {})
    folder.secret.unlink()
    forgotten = CliRunner().invoke(app, ["migrate", "--data", str(folder.root), "--forget-secret"])
    assert forgotten.exit_code == 0, forgotten.output
    second = installation_secret(folder, {})
    assert second != first
    assert installation_secret(folder, {}) == second


def test_the_ledger_holds_nothing_of_the_secret_but_a_hash(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    secret = installation_secret(folder, {})
    known = secret_fingerprint(folder.ledger)
    assert known is not None and len(known) == 16
    assert known not in secret and known == KeyedHashes(secret).fingerprint()


def test_a_ledger_that_is_away_stops_no_service_that_has_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = _folder(tmp_path)
    monkeypatch.setenv("TOUCHSTONE_LEDGER", "postgresql://x@127.0.0.1:1/x")
    with pytest.raises(LedgerUnavailableError):
        installation_secret(folder, {})
    assert not folder.secret.exists()
    _put(folder, b"p" * 32)
    with caplog.at_level(logging.WARNING):
        assert installation_secret(folder, {}) == b"p" * 32
    [said] = caplog.messages
    assert "cannot be told now" in said


def test_a_new_secret_where_others_may_have_one_is_warned_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        installation_secret(_folder(tmp_path / "alone"), {})
        assert caplog.messages == []
        monkeypatch.setenv("TOUCHSTONE_KAFKA", "127.0.0.1:1")
        for _ in range(2):
            secret = installation_secret(_folder(tmp_path), {})
    [said] = caplog.messages
    assert "TOUCHSTONE_SECRET_FILE" in said
    assert secret.hex() not in said
