"""The secret of an installation: made once, shared, guarded."""

import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authenticity.errors import ConfigurationError, TouchstoneError
from authenticity.records.scan import SCAN_FORMAT, Channel, Scan
from cli.support.data import DataFolder
from cli.support.installation_secret import find_secret, installation_secret
from events.embedded.log import EmbeddedLog
from verifier_api.services.recording import record_of


def _folder(path: Path) -> DataFolder:
    return DataFolder(path / "data")


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
    assert [path.name for path in folder.root.iterdir()] == ["secret.key"]


def test_another_file_may_hold_it_by_a_link_too(tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.write_bytes(b"s" * 32)
    mounted.chmod(0o600)
    (tmp_path / "link").symlink_to(mounted)
    environ = {"TOUCHSTONE_SECRET_FILE": str(tmp_path / "link")}
    assert installation_secret(_folder(tmp_path), environ) == b"s" * 32
    assert not _folder(tmp_path).root.exists()


@pytest.mark.parametrize("size", [0, 31, 33, 10_000])
def test_a_file_of_another_size_is_refused_in_words_and_stays(tmp_path: Path, size: int) -> None:
    folder = _folder(tmp_path)
    folder.root.mkdir()
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
    folder.root.mkdir()
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


def _appended(folder: DataFolder, selection: str | None) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    scan = Scan(SCAN_FORMAT, "s", "consumer-web", "code", at, at, Channel.CONSUMER, False,
                selection=selection)  # fmt: skip
    folder.root.mkdir(exist_ok=True)
    with closing(EmbeddedLog(folder.log)) as log:
        log.append([record_of(scan, None)])


def test_a_missing_secret_beside_scans_recorded_under_one_is_refused_until_one_is_put_there(
    tmp_path: Path,
) -> None:
    folder = _folder(tmp_path)
    _appended(folder, "0123456789abcdef")
    with pytest.raises(ConfigurationError, match="no secret") as refused:
        installation_secret(folder, {})
    assert "backup" in refused.value.next_step
    assert not folder.secret.exists()
    folder.secret.write_bytes(b"n" * 32)
    folder.secret.chmod(0o600)
    assert installation_secret(folder, {}) == b"n" * 32


def test_a_log_of_scans_without_a_secret_is_no_hindrance(tmp_path: Path) -> None:
    """As an earlier version wrote it."""
    _appended(_folder(tmp_path), None)
    assert len(installation_secret(_folder(tmp_path), {})) == 32


@pytest.mark.parametrize(
    "setting",
    [{"TOUCHSTONE_KAFKA": "127.0.0.1:1"}, {"TOUCHSTONE_LEDGER": "postgresql://x@127.0.0.1:1/x"}],
)
def test_a_new_secret_where_others_may_have_one_is_warned_of(
    tmp_path: Path,
    setting: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        installation_secret(_folder(tmp_path / "alone"), {})
        assert caplog.messages == []
        for name, value in setting.items():
            monkeypatch.setenv(name, value)
        for _ in range(2):
            secret = installation_secret(_folder(tmp_path), {})
    [said] = caplog.messages
    assert "TOUCHSTONE_SECRET_FILE" in said
    assert secret.hex() not in said
