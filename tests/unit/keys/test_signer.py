"""Signatures from key files, and what is refused."""

import pickle
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import KeyFileError
from authenticity.trust.keys import P256_ORDER, p256_signature_from_der, verifies
from authenticity.trust.signature_field import Algorithm
from keys.guarded_files import make_private_folder, write_new
from keys.signer import FileSigner, KeyFile, _raw_low_s, generate_key_file

PASSPHRASE = b"a test passphrase"
BOTH = pytest.mark.parametrize("algorithm", list(Algorithm))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    make_private_folder(made)
    return made


@BOTH
def test_what_a_file_signer_signs_verifies_under_its_public_key(
    folder: Path, algorithm: Algorithm
) -> None:
    path, public = generate_key_file(folder, "slot-3", algorithm, PASSPHRASE)
    signer = KeyFile(path, 3, PASSPHRASE, public.thumbprint).open()
    assert (signer.algorithm, signer.key_slot, signer.public_key) == (algorithm, 3, public)
    messages = [bytes([n]) * n for n in range(64)]
    assert all(verifies(public, message, signer.sign(message)) for message in messages)


@BOTH
def test_several_threads_may_sign_at_once(folder: Path, algorithm: Algorithm) -> None:
    path, public = generate_key_file(folder, "slot-0", algorithm, PASSPHRASE)
    signer = KeyFile(path, 0, PASSPHRASE).open()
    messages = [str(n).encode() for n in range(200)]
    with ThreadPoolExecutor(4) as threads:
        signatures = list(threads.map(signer.sign, messages))
    assert all(map(verifies, [public] * 200, messages, signatures))


@BOTH
def test_openssl_opens_the_file_with_the_passphrase_alone(
    folder: Path, algorithm: Algorithm
) -> None:
    path, _ = generate_key_file(folder, "slot-0", algorithm, PASSPHRASE)
    command = ["openssl", "pkey", "-in", str(path), "-passin", "stdin", "-noout"]
    subprocess.run(command, input=PASSPHRASE + b"\n", check=True, timeout=30)


@BOTH
def test_the_key_is_derived_with_scrypt(folder: Path, algorithm: Algorithm) -> None:
    path, _ = generate_key_file(folder, "slot-0", algorithm, PASSPHRASE)
    command = ["openssl", "asn1parse", "-in", str(path)]
    shown = subprocess.run(command, check=True, timeout=30, capture_output=True, text=True)
    assert "scrypt" in shown.stdout and "aes-256-cbc" in shown.stdout


def test_another_passphrase_is_refused_and_not_repeated(folder: Path) -> None:
    path, _ = generate_key_file(folder, "slot-0", Algorithm.ED25519, PASSPHRASE)
    with pytest.raises(KeyFileError, match="does not open") as caught:
        KeyFile(path, 0, b"wrong guess").open()
    assert "wrong guess" not in str(caught.value) + caught.value.next_step


def test_an_empty_passphrase_makes_no_key(folder: Path) -> None:
    with pytest.raises(KeyFileError):
        generate_key_file(folder, "slot-0", Algorithm.ED25519, b"")
    assert not list(folder.iterdir())


def test_a_key_that_is_not_encrypted_is_refused(folder: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_new(folder / "bare.pem", pem)
    with pytest.raises(KeyFileError, match="not encrypted"):
        KeyFile(folder / "bare.pem", 0, PASSPHRASE).open()


def test_a_key_of_another_curve_is_refused(folder: Path) -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE),
    )
    write_new(folder / "p384.pem", pem)
    with pytest.raises(KeyFileError, match="neither"):
        KeyFile(folder / "p384.pem", 0, PASSPHRASE).open()


def test_a_swapped_file_is_noticed(folder: Path) -> None:
    one, _ = generate_key_file(folder, "slot-0", Algorithm.ED25519, PASSPHRASE)
    _, other = generate_key_file(folder, "slot-1", Algorithm.ED25519, PASSPHRASE)
    with pytest.raises(KeyFileError, match="does not hold the private key"):
        KeyFile(one, 0, PASSPHRASE, other.thumbprint).open()


def test_damaged_bytes_are_an_error_in_words(folder: Path) -> None:
    write_new(folder / "bad.pem", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n")
    with pytest.raises(KeyFileError):
        KeyFile(folder / "bad.pem", 0, PASSPHRASE).open()


def test_the_passphrase_is_not_in_the_repr() -> None:
    shown = repr(KeyFile(Path("a.pem"), 0, PASSPHRASE))
    assert PASSPHRASE.decode() not in shown and "a.pem" in shown


def test_a_signer_does_not_travel_but_its_file_does(folder: Path) -> None:
    path, public = generate_key_file(folder, "slot-0", Algorithm.ECDSA_P256, PASSPHRASE)
    file = KeyFile(path, 0, PASSPHRASE, public.thumbprint)
    assert pickle.loads(pickle.dumps(file)) == file
    with pytest.raises(TypeError, match="does not travel"):
        pickle.dumps(file.open())


_NUMBERS = st.integers(1, P256_ORDER - 1) | st.integers(1, 2**32)


@given(_NUMBERS, _NUMBERS)
def test_the_quick_way_from_der_to_raw_equals_the_strict_one(r: int, s: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    der = encode_dss_signature(r, s)
    assert _raw_low_s(der) == p256_signature_from_der(der)


def test_a_file_signer_is_not_made_of_anything_readable() -> None:
    signer = FileSigner(Ed25519PrivateKey.generate(), 0)
    assert not hasattr(signer, "__dict__")
