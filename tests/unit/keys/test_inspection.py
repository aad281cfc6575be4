"""What `touchstone keys check` finds."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys.durable_files import write_durably
from keys.guarded_files import read_guarded
from keys.inspection import Severity, inspect_store
from keys.store import TRUST_LIST_FILE, KeyStore, create_store

pytestmark = pytest.mark.usefixtures("cheap_key_files")

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSPHRASE = b"a test passphrase"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as it should be; whoever changes it takes a copy."""
    made = create_store(tmp_path_factory.mktemp("made") / "keys", passphrase=PASSPHRASE, at=NOON)
    made.add_issuer(
        "Maker AG",
        issuer_id="maker",
        company_prefixes=["9521234"],
        hosts=["id.maker.example"],
        passphrase=PASSPHRASE,
        at=NOON,
    )
    made.export_trust_list(passphrase=PASSPHRASE, at=NOON, valid_for=timedelta(days=90))
    return made.folder


@pytest.fixture
def store(healthy: Path, tmp_path: Path) -> KeyStore:
    return KeyStore(shutil.copytree(healthy, tmp_path / "keys"))


def found(store: KeyStore, at: datetime = NOON) -> list[tuple[Severity, str]]:
    complaints = inspect_store(store, at=at, passphrase=PASSPHRASE)
    assert all(complaint.next_step for complaint in complaints)
    return [(complaint.severity, complaint.message) for complaint in complaints]


def test_a_healthy_store_has_no_complaints(store: KeyStore) -> None:
    assert found(store) == []


def test_an_exposed_key_file_is_an_error(store: KeyStore) -> None:
    next(store.folder.rglob("slot-0*.pem")).chmod(0o644)
    severity, message = found(store)[0]
    assert severity is Severity.ERROR and "others can read" in message


def test_an_exposed_folder_is_an_error(store: KeyStore) -> None:
    (store.folder / "issuers").chmod(0o755)
    assert "others can enter" in found(store)[0][1]


def test_key_files_in_each_others_place_are_an_error(store: KeyStore) -> None:
    store.rotate("maker", passphrase=PASSPHRASE, at=NOON)
    one, other = sorted((store.folder / "issuers" / "maker").iterdir())
    write_durably(one, read_guarded(other), mode=0o600)
    assert any("does not hold the private key" in message for _, message in found(store))


def test_a_missing_signing_key_is_an_error(store: KeyStore) -> None:
    next(store.folder.rglob("slot-0*.pem")).unlink()
    assert "is missing" in found(store)[0][1]


def test_a_stray_key_file_is_a_warning(store: KeyStore) -> None:
    stray = store.folder / "roots" / "stray.pem"
    write_durably(stray, b"x", mode=0o600)
    assert [severity for severity, _ in found(store)] == [Severity.WARNING]


def test_a_change_that_was_not_exported_is_a_warning(store: KeyStore) -> None:
    store.revoke("maker", 0, reason="lost", revoked_at=NOON, at=NOON)
    assert (Severity.WARNING, "trust list 1 does not say what the keyring says now") in found(store)


def test_a_list_about_to_expire_is_a_warning_and_an_expired_one_an_error(store: KeyStore) -> None:
    assert found(store, NOON + timedelta(days=80))[0][0] is Severity.WARNING
    assert found(store, NOON + timedelta(days=91))[0][0] is Severity.ERROR


def test_a_key_about_to_end_is_a_warning(store: KeyStore) -> None:
    later = NOON + timedelta(days=3_600)
    assert any("signing key of maker" in message for _, message in found(store, later))


def test_a_damaged_trust_list_is_an_error(store: KeyStore) -> None:
    path = store.folder / "trust.jws"
    write_durably(path, path.read_bytes().replace(b"A", b"B"), mode=0o600)
    assert found(store)[0][0] is Severity.ERROR


def test_an_edited_keyring_with_a_prefix_conflict_is_an_error(store: KeyStore) -> None:
    store.add_issuer(
        "Rival",
        issuer_id="rival",
        company_prefixes=["9529999"],
        hosts=["id.rival.example"],
        passphrase=PASSPHRASE,
        at=NOON,
    )
    path = store.folder / "keyring.json"
    write_durably(path, read_guarded(path).replace(b"9529999", b"9521234"), mode=0o600)
    assert any("claimed by" in message for _, message in found(store))


def test_a_key_file_that_the_keyring_does_not_know_is_a_warning(store: KeyStore) -> None:
    known = next(store.folder.rglob("slot-0*.pem"))
    write_durably(known.with_name("slot-9.pem"), read_guarded(known), mode=0o600)
    [(severity, message)] = found(store)
    assert severity is Severity.WARNING and "does not know" in message


def test_a_retired_key_that_is_gone_is_no_complaint(store: KeyStore) -> None:
    old = next(store.folder.rglob("slot-0*.pem"))
    store.rotate("maker", passphrase=PASSPHRASE, at=NOON)
    store.export_trust_list(passphrase=PASSPHRASE, at=NOON, valid_for=timedelta(days=90))
    old.unlink()
    assert found(store) == []


@pytest.mark.parametrize("content", [b"no list", b"x" * (8 * 2**20)], ids=["damaged", "too big"])
def test_a_trust_list_that_cannot_be_read_is_an_error(store: KeyStore, content: bytes) -> None:
    (store.folder / TRUST_LIST_FILE).write_bytes(content)
    assert [severity for severity, _ in found(store)] == [Severity.ERROR]
