"""Signatures from key files, and what is refused."""

import pickle
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authenticity.errors import KeyFileError
from authenticity.trust.keys import verifies
from authenticity.trust.signature_field import Algorithm
from keys.encrypted_key import encode_encrypted_key
from keys.guarded_files import make_private_folder, write_new_private
from keys.signer import FileSigner, KeyFile, generate_key_file
from tests.support.patience import PATIENCE_S

PASSPHRASE = b"a test passphrase"
BOTH = pytest.mark.parametrize("algorithm", list(Algorithm))

# Written by version 0.1.0, by algorithm: the file, and the thumbprint of its public key.
OLD_KEY_FILES = {
    Algorithm.ED25519: (
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        b"MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSsGAQQB2kcECzAcBBADJt6D0iQvTQ+8oj3d\n"
        b"CgfhAgJAAAIBCAIBATAdBglghkgBZQMEASoEEAGrXQzQhK0iGpmYSA11W2kEQPHL\n"
        b"5eOlbl9NgQl95xvSju/w6RDqM59iPR/lb+lqzahUAEyfIvQYRwkYgeIBKrwvCpHi\n"
        b"II8DWUd+eNtoZUGTpEc=\n"
        b"-----END ENCRYPTED PRIVATE KEY-----\n",
        "FHENaQnx0K96lK2CDEsUehQUoXDznSjgzks_TGmsjdY",
    ),
    Algorithm.ECDSA_P256: (
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        b"MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSsGAQQB2kcECzAcBBB+M7mKNaUKLVrKSj4r\n"
        b"ztGXAgJAAAIBCAIBATAdBglghkgBZQMEASoEEP+Xk3iEoLrlX40/0q746ycEgZCy\n"
        b"GyAEz6IFFU+CHD5M3ZZDkBE/BBkkbIERLMqYl0P0RL4yUXYj/QrPiKwueFI5Xj0A\n"
        b"hj6JTXtIXVdlZYSstLk2e7OShDAloRb7ppUNIm7gHc4zL4dqvAo5Gbslmp4lRgz9\n"
        b"dy40glg2PYJQU/KLwP5QmaUoZcOayMCpim7FkvPvIPtXIz9qVIZ9aqK4IraSZWA=\n"
        b"-----END ENCRYPTED PRIVATE KEY-----\n",
        "ZDyfpzhaYiYw3yc2woLm8G9vzADLuxRxzFVYteWMIqQ",
    ),
}


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
    subprocess.run(command, input=PASSPHRASE + b"\n", check=True, timeout=PATIENCE_S)


@BOTH
def test_the_key_is_derived_with_scrypt(folder: Path, algorithm: Algorithm) -> None:
    path, _ = generate_key_file(folder, "slot-0", algorithm, PASSPHRASE)
    command = ["openssl", "asn1parse", "-in", str(path)]
    shown = subprocess.run(command, check=True, timeout=PATIENCE_S, capture_output=True, text=True)
    assert "scrypt" in shown.stdout and "aes-256-cbc" in shown.stdout
    numbers = [line.rpartition(":")[2] for line in shown.stdout.splitlines() if "INTEGER" in line]
    assert numbers == ["4000", "08", "01"], "2^14 blocks of 1 KB"


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
    write_new_private(folder / "bare.pem", pem)
    with pytest.raises(KeyFileError, match="not encrypted"):
        KeyFile(folder / "bare.pem", 0, PASSPHRASE).open()


def test_a_key_of_another_curve_is_refused(folder: Path) -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE),
    )
    write_new_private(folder / "p384.pem", pem)
    with pytest.raises(KeyFileError, match="neither"):
        KeyFile(folder / "p384.pem", 0, PASSPHRASE).open()


def test_a_swapped_file_is_noticed(folder: Path) -> None:
    one, _ = generate_key_file(folder, "slot-0", Algorithm.ED25519, PASSPHRASE)
    _, other = generate_key_file(folder, "slot-1", Algorithm.ED25519, PASSPHRASE)
    with pytest.raises(KeyFileError, match="does not hold the private key"):
        KeyFile(one, 0, PASSPHRASE, other.thumbprint).open()


def test_damaged_bytes_are_an_error_in_words(folder: Path) -> None:
    write_new_private(folder / "bad.pem", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n")
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


def test_a_key_file_has_the_asn1_that_version_0_1_wrote() -> None:
    """Version 0.1.0 wrote these bytes by hand for this salt, IV and content."""
    written = encode_encrypted_key(
        bytes(range(64)), salt=b"s" * 16, costs=(1 << 14, 8, 1), iv=b"i" * 16
    )
    assert written.hex() == (
        "30819b305706092a864886f70d01050d304a302906092b06010401da47040b301c04107373737373"
        "737373737373737373737302024000020108020101301d060960864801650304012a041069696969"
        "6969696969696969696969690440000102030405060708090a0b0c0d0e0f10111213141516171819"
        "1a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
    )


@BOTH
def test_a_key_file_of_version_0_1_opens_and_signs(folder: Path, algorithm: Algorithm) -> None:
    content, thumbprint = OLD_KEY_FILES[algorithm]
    write_new_private(folder / "old.pem", content)
    signer = KeyFile(folder / "old.pem", 0, PASSPHRASE, thumbprint).open()
    assert verifies(signer.public_key, b"message", signer.sign(b"message"))


def test_a_file_signer_is_not_made_of_anything_readable() -> None:
    signer = FileSigner(Ed25519PrivateKey.generate(), 0)
    assert not hasattr(signer, "__dict__")
