"""One meaning of "verifies": outside vectors, and the edges where verifiers disagree."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import PublicKeyError, SignatureFormatError
from authenticity.trust.keys import (
    P256_ORDER,
    SMALL_ORDER_ENCODINGS,
    PublicKey,
    from_base64url,
    p256_signature_from_der,
    to_base64url,
    verifies,
)
from authenticity.trust.signature_field import Algorithm
from simulation.seeded_signer import SeededSigner
from tests.vectors import make_signature_edges as edges

VECTORS = Path(__file__).parents[3] / "vectors"
ALGORITHMS = {"Ed25519": Algorithm.ED25519, "ES256": Algorithm.ECDSA_P256}
RFC_8037_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


def wycheproof(file: str, raw_key: str) -> list[Any]:
    content = json.loads((VECTORS / file).read_text())
    return [
        pytest.param(group["publicKey"][raw_key], test, id=f"{test['tcId']}")
        for group in content["testGroups"]
        for test in group["tests"]
    ]


ED25519_CASES = wycheproof("wycheproof_ed25519.json", "pk")
P256_CASES = wycheproof("wycheproof_p256_p1363.json", "uncompressed")
EDGES = json.loads((VECTORS / "signature_edges.json").read_text())["cases"]


def test_the_outside_vectors_are_all_there() -> None:
    assert (len(ED25519_CASES), len(P256_CASES)) == (151, 262)


@pytest.mark.parametrize(("key", "test"), ED25519_CASES)
def test_wycheproof_ed25519(key: str, test: dict[str, str]) -> None:
    public = PublicKey(Algorithm.ED25519, bytes.fromhex(key))
    answer = verifies(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
    assert answer == (test["result"] == "valid")


@pytest.mark.parametrize(("key", "test"), P256_CASES)
def test_wycheproof_p256_with_low_s(key: str, test: dict[str, str]) -> None:
    public = PublicKey(Algorithm.ECDSA_P256, bytes.fromhex(key))
    message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
    s = int.from_bytes(signature[32:], "big")
    expected = test["result"] == "valid" and s <= P256_ORDER // 2
    assert verifies(public, message, signature) == expected
    if test["result"] == "valid" and not expected:  # its twin with low s is good
        low = signature[:32] + (P256_ORDER - s).to_bytes(32, "big")
        assert verifies(public, message, low)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge['algorithm']}-{edge['name']}")
def test_edge(edge: dict[str, Any]) -> None:
    algorithm, raw = ALGORITHMS[edge["algorithm"]], bytes.fromhex(edge["public_key"])
    if not edge["key_accepted"]:
        with pytest.raises(PublicKeyError):
            PublicKey(algorithm, raw)
        return
    message, signature = bytes.fromhex(edge["message"]), bytes.fromhex(edge["signature"])
    assert verifies(PublicKey(algorithm, raw), message, signature) == edge["verifies"]


def test_the_edges_file_is_what_its_script_makes() -> None:
    assert edges.FILE.read_text() == edges.document()


def test_the_14_encodings_of_small_order_are_those_the_curve_has() -> None:
    assert set(edges.small_order_encodings()) == SMALL_ORDER_ENCODINGS
    assert len(SMALL_ORDER_ENCODINGS) == 14


@pytest.mark.parametrize("algorithm", Algorithm)
@given(message=st.binary(max_size=300), seed=st.integers(0, 2**32))
def test_what_the_holder_signed_verifies(algorithm: Algorithm, message: bytes, seed: int) -> None:
    signer = SeededSigner(seed, "holder", algorithm)
    assert verifies(signer.public_key, message, signer.sign(message))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_every_flipped_bit_of_a_signature_breaks_it(algorithm: Algorithm) -> None:
    signer = SeededSigner(1, "holder", algorithm)
    signature = int.from_bytes(signer.sign(b"message"), "big")
    for bit in range(512):
        flipped = (signature ^ 1 << bit).to_bytes(64, "big")
        assert not verifies(signer.public_key, b"message", flipped)


@pytest.mark.parametrize("algorithm", Algorithm)
@given(signature=st.binary(max_size=130), message=st.binary(max_size=50))
def test_arbitrary_signatures_are_refused_and_never_raise(
    algorithm: Algorithm, signature: bytes, message: bytes
) -> None:
    assert not verifies(SeededSigner(1, "holder", algorithm).public_key, message, signature)


def test_the_high_s_of_a_signing_library_becomes_low() -> None:
    private = ec.derive_private_key(99, ec.SECP256R1())
    signer = PublicKey.from_jwk(jwk_of(private))
    raws = [p256_signature_from_der(private.sign(b"m", ec.ECDSA(SHA256()))) for _ in range(20)]
    assert all(verifies(signer, b"m", raw) for raw in raws)


@given(st.binary(max_size=90))
def test_arbitrary_der_gives_64_bytes_or_one_error(der: bytes) -> None:
    try:
        raw = p256_signature_from_der(der)
    except SignatureFormatError:
        return
    assert len(raw) == 64


_EDGES = st.sampled_from([0, 1, P256_ORDER - 1, P256_ORDER, P256_ORDER + 1, 2**256, 2**400])


@given(_EDGES | st.integers(0, 2**300), _EDGES | st.integers(0, 2**300))
def test_der_integers_outside_the_order_are_refused(r: int, s: int) -> None:
    der = encode_dss_signature(r, s)
    if 0 < r < P256_ORDER and 0 < s < P256_ORDER:
        raw = p256_signature_from_der(der)
        assert int.from_bytes(raw[:32], "big") == r
        assert int.from_bytes(raw[32:], "big") in (s, P256_ORDER - s)
        assert int.from_bytes(raw[32:], "big") <= P256_ORDER // 2
    else:
        with pytest.raises(SignatureFormatError):
            p256_signature_from_der(der)


def jwk_of(private: ec.EllipticCurvePrivateKey) -> dict[str, object]:
    numbers = private.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    return {"kty": "EC", "crv": "P-256", "x": to_base64url(x), "y": to_base64url(y)}


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_survives_its_jwk(algorithm: Algorithm) -> None:
    key = SeededSigner(1, "holder", algorithm).public_key
    assert PublicKey.from_jwk({**key.to_jwk(), "kid": "k", "use": "sig"}) == key


def test_the_names_of_algorithms_that_are_stored_or_typed_stay() -> None:
    assert [tuple(algorithm.names) for algorithm in Algorithm] == [
        ("ed25519", "ed25519", "Ed25519", "EdDSA", ("OKP", "Ed25519")),
        ("p256", "ecdsa-p256", "ES256", "ES256", ("EC", "P-256")),
    ]


def test_the_command_line_offers_every_algorithm_by_its_name() -> None:
    from cli.commands.keys import KeyKind

    assert set(KeyKind) == {algorithm.names.command_line for algorithm in Algorithm}


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """Appendix A.3."""
    expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert PublicKey.from_jwk(RFC_8037_KEY).thumbprint == expected


@pytest.mark.parametrize(
    "change",
    [
        {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"},
        {"kty": "RSA"},
        {"crv": "X25519"},
        {"crv": None},
        {"x": None},
        {"x": 5},
        {"x": ""},
        {"x": RFC_8037_KEY["x"] + "="},
        {"x": RFC_8037_KEY["x"][:-1] + "p"},
        {"x": "é" * 43},
        {"x": RFC_8037_KEY["x"][:-2]},
        {"kty": "EC", "crv": "P-256"},
    ],
    ids=str,
)
def test_a_wrong_jwk_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(PublicKeyError):
        PublicKey.from_jwk({**RFC_8037_KEY, **change})


def test_a_private_key_is_refused_without_being_shown() -> None:
    with pytest.raises(PublicKeyError) as refusal:
        PublicKey.from_jwk({**RFC_8037_KEY, "d": "c2VjcmV0"})
    assert "private" in str(refusal.value)
    assert "c2VjcmV0" not in str(refusal.value) + refusal.value.next_step


@given(st.binary(max_size=80))
def test_base64url_has_one_spelling(data: bytes) -> None:
    text = to_base64url(data)
    assert from_base64url(text) == data
    for other in (text + "=", text + "\n", "+" + text, text + "A", text + "é"):
        try:
            assert to_base64url(from_base64url(other)) == other
        except ValueError:
            continue
