"""A second opinion on JWS, by joserfc: where it agrees with ours, and where it is laxer.

The cases of the second kind are why `authenticity.trust.jws` does not verify with it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey

from authenticity.errors import SignatureThresholdError, TrustListError
from authenticity.trust.jws import Roots, assemble_jws, signing_input, vouched_payload
from authenticity.trust.keys import P256_ORDER, PublicKey, from_base64url, to_base64url
from authenticity.trust.signature_field import Algorithm
from simulation.seeded_signer import SeededSigner

PAYLOAD = b'{"version":1}'
TYPE = "touchstone-trust-list+jws"
BOTH = pytest.mark.parametrize("algorithm", list(Algorithm))
pytestmark = pytest.mark.filterwarnings(f"ignore::{SecurityWarning.__module__}.SecurityWarning")


def root(algorithm: Algorithm) -> SeededSigner:
    return SeededSigner(1, "root", algorithm)


def joserfc_key(jwk: dict[str, str]) -> ECKey | OKPKey:
    return ECKey.import_key(dict(jwk)) if jwk["kty"] == "EC" else OKPKey.import_key(dict(jwk))


def document(algorithm: Algorithm) -> dict[str, Any]:
    signature = root(algorithm).sign(signing_input(PAYLOAD, "r", algorithm))
    made: dict[str, Any] = json.loads(assemble_jws(PAYLOAD, {"r": signature}, {"r": algorithm}))
    return made


def ours(made: dict[str, Any], public: PublicKey) -> bytes:
    return vouched_payload(json.dumps(made).encode(), Roots({"r": public}, 1))


def theirs(made: dict[str, Any], public: PublicKey) -> bytes:
    key, names = joserfc_key(public.to_jwk()), [public.algorithm.names.jws]
    return jws.deserialize_json(made, key, algorithms=names).payload  # type: ignore[call-overload, no-any-return]


@BOTH
def test_it_reads_what_ours_writes(algorithm: Algorithm) -> None:
    public = root(algorithm).public_key
    assert theirs(document(algorithm), public) == ours(document(algorithm), public) == PAYLOAD


@BOTH
def test_ours_reads_what_it_writes(algorithm: Algorithm) -> None:
    key: ECKey | OKPKey
    key = OKPKey.generate_key("Ed25519") if algorithm is Algorithm.ED25519 else ECKey.generate_key()
    public = PublicKey.from_jwk(key.as_dict(private=False))
    header = {"alg": algorithm.names.jws, "kid": "r", "typ": TYPE}
    accepted = 0
    for _ in range(20):
        made: Any = jws.serialize_json(
            [{"protected": header}], PAYLOAD, key, algorithms=[header["alg"]]
        )
        signature = from_base64url(made["signatures"][0]["signature"])
        if algorithm is Algorithm.ED25519 or _s(signature) <= P256_ORDER // 2:
            assert ours(made, public) == PAYLOAD
            accepted += 1
    assert accepted


@BOTH
def test_both_refuse_a_changed_payload(algorithm: Algorithm) -> None:
    public, made = root(algorithm).public_key, document(algorithm)
    made["payload"] = to_base64url(b'{"version":2}')
    with pytest.raises(SignatureThresholdError):
        ours(made, public)
    with pytest.raises(JoseError):
        theirs(made, public)


def test_it_takes_the_twin_of_a_p256_signature_and_ours_does_not() -> None:
    public, made = root(Algorithm.ECDSA_P256).public_key, document(Algorithm.ECDSA_P256)
    signature = from_base64url(made["signatures"][0]["signature"])
    twin = signature[:32] + (P256_ORDER - _s(signature)).to_bytes(32, "big")
    made["signatures"][0]["signature"] = to_base64url(twin)
    assert theirs(made, public) == PAYLOAD
    with pytest.raises(SignatureThresholdError):
        ours(made, public)


def _resigned(header: bytes) -> Iterator[tuple[dict[str, Any], PublicKey]]:
    for algorithm in Algorithm:
        raw = header.replace(b"ALG", algorithm.names.jws.encode())
        protected, body = to_base64url(raw), to_base64url(PAYLOAD)
        made = to_base64url(root(algorithm).sign(f"{protected}.{body}".encode()))
        entry = {"protected": protected, "signature": made}
        yield {"payload": body, "signatures": [entry]}, root(algorithm).public_key


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"ALG","kid":"x","kid":"r","typ":"touchstone-trust-list+jws"}',
        b'{"alg":"ALG","kid":"r","typ":"touchstone-trust-list+jws","crit":["b64"],"b64":true}',
        b'{"alg":"ALG","kid":"r","typ":"JWT"}',
        b'{"alg":"ALG","kid":"another","typ":"touchstone-trust-list+jws"}',
    ],
    ids=["a name twice", "a critical field", "another type", "another key"],
)
def test_it_takes_headers_that_ours_does_not(header: bytes) -> None:
    for made, public in _resigned(header):
        assert theirs(made, public) == PAYLOAD
        with pytest.raises(TrustListError):
            ours(made, public)


def test_it_refuses_a_list_that_a_stranger_has_signed_too() -> None:
    """Ours counts the pinned roots: otherwise roots could not be changed one by one."""
    made, public = document(Algorithm.ED25519), root(Algorithm.ED25519).public_key
    stranger = SeededSigner(1, "stranger")
    more = assemble_jws(PAYLOAD, {"s": stranger.sign(signing_input(PAYLOAD, "s"))})
    made["signatures"] += json.loads(more)["signatures"]
    assert ours(made, public) == PAYLOAD
    with pytest.raises(JoseError):
        theirs(made, public)


def _s(signature: bytes) -> int:
    return int.from_bytes(signature[32:], "big")
