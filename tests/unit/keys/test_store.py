"""What may be done with a key store, seen through what verifiers then say."""

import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from authenticity.errors import ConfigurationError, KeyFileError, UnavailableError
from authenticity.gs1.code import write_digital_link
from authenticity.trust.issuers import TrustList
from authenticity.trust.signature_field import (
    Algorithm,
    SignatureField,
    encode_signature_field,
    signed_bytes,
)
from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verdict import Doubt, Doubtful, Genuine
from authenticity.trust.verify import verify
from keys.durable_files import locked
from keys.keyring import KEYRING_FILE
from keys.signer import Signer
from keys.store import KeyStore, create_store

pytestmark = pytest.mark.usefixtures("cheap_key_files")

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSPHRASE = b"a test passphrase"
GTIN = "09521234000013"
HOST = "id.maker.example"


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as it is made; whoever changes it takes a copy."""
    folder = tmp_path_factory.mktemp("made") / "keys"
    return create_store(folder, passphrase=PASSPHRASE, at=NOON).folder


@pytest.fixture
def store(new: Path, tmp_path: Path) -> KeyStore:
    return KeyStore(shutil.copytree(new, tmp_path / "keys"))


def add(
    store: KeyStore,
    issuer_id: str = "maker",
    prefix: str = "9521234",
    algorithm: Algorithm = Algorithm.ED25519,
) -> None:
    store.add_issuer(
        "Maker AG",
        issuer_id=issuer_id,
        company_prefixes=[prefix],
        hosts=[HOST],
        passphrase=PASSPHRASE,
        at=NOON,
        algorithm=algorithm,
    )


def export(store: KeyStore, at: datetime = NOON) -> TrustList:
    made = store.export_trust_list(passphrase=PASSPHRASE, at=at, valid_for=timedelta(days=90))
    return read_trust_list(made.document, store.roots(), at=at)


def signer_of(store: KeyStore, issuer_id: str = "maker") -> Signer:
    return store.key_file(issuer_id, passphrase=PASSPHRASE, at=NOON).open()


def code_by(signer: Signer) -> str:
    ais = [("01", GTIN), ("21", "ABC123")]
    header = SignatureField(signer.algorithm, signer.key_slot, b"").header
    field = SignatureField(
        signer.algorithm, signer.key_slot, signer.sign(signed_bytes(header, ais))
    )
    return write_digital_link([*ais, ("8030", encode_signature_field(field))], HOST)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_code_signed_by_the_store_is_genuine_under_its_trust_list(
    store: KeyStore, algorithm: Algorithm
) -> None:
    add(store, algorithm=algorithm)
    assert isinstance(verify(code_by(signer_of(store)), export(store), NOON), Genuine)


def test_rotation_keeps_old_codes_valid_and_lets_the_new_key_sign(store: KeyStore) -> None:
    add(store)
    old = code_by(signer_of(store))
    key = store.rotate("maker", passphrase=PASSPHRASE, at=NOON)
    new = code_by(signer_of(store))
    trust_list = export(store)
    verdicts = [verify(code, trust_list, NOON) for code in (old, new)]
    assert [(type(verdict), getattr(verdict, "key_slot", None)) for verdict in verdicts] == [
        (Genuine, 0),
        (Genuine, 1),
    ]
    assert key.slot == 1


def test_it_is_seen_that_the_key_that_signs_has_another_passphrase(store: KeyStore) -> None:
    add(store)
    assert not store.is_locked_otherwise("maker", PASSPHRASE)
    assert store.is_locked_otherwise("maker", b"another")
    store.rotate("maker", passphrase=b"another", at=NOON)
    assert store.is_locked_otherwise("maker", PASSPHRASE), "the newest key decides"


def test_rotation_may_change_the_algorithm(store: KeyStore) -> None:
    add(store)
    key = store.rotate("maker", passphrase=PASSPHRASE, at=NOON, algorithm=Algorithm.ECDSA_P256)
    assert key.public.algorithm is Algorithm.ECDSA_P256
    assert isinstance(verify(code_by(signer_of(store)), export(store), NOON), Genuine)


def test_a_code_read_after_the_revocation_is_doubtful(store: KeyStore) -> None:
    add(store)
    code = code_by(signer_of(store))
    since = NOON + timedelta(hours=1)
    store.revoke("maker", 0, reason="laptop stolen", revoked_at=since, at=NOON)
    trust_list = export(store)
    assert isinstance(verify(code, trust_list, NOON), Genuine)
    verdict = verify(code, trust_list, since)
    assert isinstance(verdict, Doubtful) and verdict.doubt is Doubt.KEY_REVOKED


def test_a_revoked_key_signs_no_more_until_the_issuer_rotates(store: KeyStore) -> None:
    add(store)
    store.revoke("maker", 0, reason="lost", revoked_at=NOON, at=NOON)
    with pytest.raises(KeyFileError, match="no key that may sign"):
        signer_of(store)
    store.rotate("maker", passphrase=PASSPHRASE, at=NOON)
    assert signer_of(store).key_slot == 1


def test_a_key_past_its_end_signs_no_more(store: KeyStore) -> None:
    add(store)
    later = NOON + timedelta(days=4_000)
    with pytest.raises(KeyFileError, match="no key that may sign"):
        store.key_file("maker", passphrase=PASSPHRASE, at=later)


def test_a_revocation_can_only_be_moved_back_in_time(store: KeyStore) -> None:
    add(store)
    store.revoke("maker", 0, reason="lost", revoked_at=NOON, at=NOON)
    with pytest.raises(ConfigurationError, match="already revoked"):
        store.revoke("maker", 0, reason="no", revoked_at=NOON + timedelta(days=1), at=NOON)
    earlier = NOON - timedelta(days=3)
    key = store.revoke("maker", 0, reason="lost earlier", revoked_at=earlier, at=NOON)
    assert key.revoked_at == earlier


def test_each_export_has_the_next_version(store: KeyStore) -> None:
    assert [export(store).version for _ in range(3)] == [1, 2, 3]


def test_an_export_that_fails_to_sign_does_not_burn_nor_repeat_a_version(store: KeyStore) -> None:
    with pytest.raises(KeyFileError):
        store.export_trust_list(passphrase=b"wrong", at=NOON, valid_for=timedelta(days=1))
    assert export(store).version == 1


def test_two_of_three_roots_are_enough_when_the_third_lies_in_a_safe(tmp_path: Path) -> None:
    store = create_store(
        tmp_path / "keys", passphrase=PASSPHRASE, at=NOON, root_count=3, threshold=2
    )
    files = sorted((tmp_path / "keys" / "roots").iterdir())
    files[0].unlink()
    assert export(store).version == 1
    files[1].unlink()
    with pytest.raises(KeyFileError, match="2 must sign"):
        export(store)


def test_a_root_may_be_a_p256_key(tmp_path: Path) -> None:
    store = create_store(
        tmp_path / "keys", passphrase=PASSPHRASE, at=NOON, algorithm=Algorithm.ECDSA_P256
    )
    assert export(store).version == 1


@pytest.mark.parametrize(("roots", "threshold"), [(1, 2), (0, 0), (17, 1), (2, 0)])
def test_a_threshold_that_cannot_be_is_refused(tmp_path: Path, roots: int, threshold: int) -> None:
    with pytest.raises(ConfigurationError):
        create_store(
            tmp_path / "keys",
            passphrase=PASSPHRASE,
            at=NOON,
            root_count=roots,
            threshold=threshold,
        )


def test_a_store_is_not_made_twice(store: KeyStore) -> None:
    with pytest.raises(KeyFileError, match="already is a key store"):
        create_store(store.folder, passphrase=PASSPHRASE, at=NOON)


def test_a_prefix_that_another_issuer_claims_is_refused_and_leaves_no_key(store: KeyStore) -> None:
    add(store)
    with pytest.raises(ConfigurationError, match="claimed by"):
        add(store, "rival")
    assert [issuer.id for issuer in store.keyring().issuers] == ["maker"]
    assert not (store.folder / "issuers" / "rival").exists()


def test_a_longer_prefix_takes_its_range_from_the_shorter_one(store: KeyStore) -> None:
    add(store, "maker", "9521234")
    add(store, "buyer", "95212340")
    holder = export(store).issuer_of(GTIN)
    assert holder is not None and holder.id == "buyer"


@pytest.mark.parametrize("prefix", ["952", "9521234567890", "95a1", "", "٩٥٢١"])
def test_a_bad_prefix_is_refused(store: KeyStore, prefix: str) -> None:
    with pytest.raises(ConfigurationError):
        add(store, prefix=prefix)


@pytest.mark.parametrize("issuer_id", ["../evil", "a/b", "", ".hidden", "x" * 65])
def test_an_id_that_is_no_file_name_is_refused(store: KeyStore, issuer_id: str) -> None:
    with pytest.raises(ConfigurationError):
        add(store, issuer_id)


def test_an_issuer_is_not_added_twice(store: KeyStore) -> None:
    add(store)
    with pytest.raises(ConfigurationError, match="already is an issuer"):
        add(store, prefix="9529999")


def test_an_unknown_issuer_is_answered_with_the_known_ones(store: KeyStore) -> None:
    add(store)
    with pytest.raises(KeyFileError, match="known: maker"):
        store.rotate("nobody", passphrase=PASSPHRASE, at=NOON)


def test_a_folder_without_a_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError) as caught:
        KeyStore(tmp_path / "none").keyring()
    assert "keys init" in caught.value.next_step


def test_no_private_key_is_in_the_keyring_or_the_roots_file(store: KeyStore) -> None:
    add(store)
    public = (store.folder / "keyring.json").read_text() + (store.folder / "roots.json").read_text()
    assert '"d"' not in public and "PRIVATE" not in public


def test_a_store_that_another_process_holds_is_named_as_worth_another_try(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keys.store.locked", partial(locked, seconds=0))
    with (
        locked(store.folder / "keyring.lock", "it"),
        pytest.raises(UnavailableError, match=f"holds the key store {store.folder}"),
    ):
        add(store)
    add(store)


def test_a_keyring_of_a_later_program_or_a_damaged_one_is_refused(store: KeyStore) -> None:
    path = store.folder / KEYRING_FILE
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"v":1', b'"v":9').replace(b'"v": 1', b'"v": 9'))
    with pytest.raises(KeyFileError, match="format version 9"):
        store.keyring()
    path.write_bytes(whole[:-2])
    with pytest.raises(KeyFileError, match="is damaged"):
        store.keyring()


def test_a_slot_that_does_not_exist_is_refused_with_those_that_do(store: KeyStore) -> None:
    add(store)
    with pytest.raises(KeyFileError, match="no key in slot 3") as refusal:
        store.revoke("maker", 3, reason="lost", revoked_at=NOON, at=NOON)
    assert refusal.value.next_step == "its slots are 0"
    with pytest.raises(KeyFileError, match="that may sign in slot 3"):
        store.key_file("maker", passphrase=PASSPHRASE, at=NOON, slot=3)


def test_an_issuer_needs_a_prefix_and_a_host(store: KeyStore) -> None:
    with pytest.raises(ConfigurationError, match="at least one company prefix and one host"):
        store.add_issuer(
            "Maker AG", issuer_id="maker", company_prefixes=[], hosts=[HOST],
            passphrase=PASSPHRASE, at=NOON,
        )  # fmt: skip
