"""The signed document: threshold, rollback, what must be understood, what is bounded."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import (
    ConfigurationError,
    PublicKeyError,
    RollbackError,
    SignatureThresholdError,
    TrustListError,
)
from authenticity.limits import LIMITS
from authenticity.trust.jws import Roots, assemble_jws, encode_roots, read_roots, signing_input
from authenticity.trust.keys import from_base64url, to_base64url
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.trust_list import CLOCK_TOLERANCE, encode_payload, read_trust_list
from simulation.seeded_signer import SeededSigner
from tests.unit.authenticity.trust.lists import (
    KIDS,
    NOON,
    ROOTS,
    SECOND,
    document,
    issuer,
    key,
    roots,
    signed,
    trust_list,
)

LISTED = trust_list(
    issuer(keys=(key(), key("old", revoked_at=NOON, revocation_reason="stolen"))), version=7
)
PAYLOAD = encode_payload(LISTED)


def envelope(*signers: int) -> dict[str, Any]:
    """The document of `LISTED`, taken apart."""
    content: dict[str, Any] = json.loads(document(LISTED, *signers))
    return content


def read(content: dict[str, Any] | bytes, pinned: Roots | None = None) -> object:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_trust_list(raw, pinned or roots(), at=NOON)


def payload_with(**changes: Any) -> bytes:
    """A signed document whose payload has other members."""
    return signed(json.dumps({**json.loads(PAYLOAD), **changes}).encode(), 0)


def test_a_list_is_read_as_it_was_written() -> None:
    assert read(document(LISTED)) == LISTED


def test_the_digest_tells_two_documents_of_one_version_apart() -> None:
    one = read_trust_list(document(LISTED), roots(), at=NOON)
    other = read_trust_list(document(trust_list(version=7)), roots(), at=NOON)
    assert one.version == other.version
    assert one.digest != other.digest
    again = read_trust_list(document(LISTED, 0, 1), roots(2), at=NOON)
    assert one.digest == again.digest  # more signatures, same content


def test_the_payload_is_canonical() -> None:
    content = json.loads(PAYLOAD)
    assert json.dumps(content, sort_keys=True, separators=(",", ":")).encode() == PAYLOAD


@pytest.mark.parametrize(
    ("signers", "threshold"), [((0,), 2), ((), 1), ((2,), 1), ((0, 0), 2), ((0, 2), 2)]
)
def test_too_few_pinned_roots_are_refused(signers: tuple[int, ...], threshold: int) -> None:
    content = envelope(0)
    content["signatures"] = [envelope(number)["signatures"][0] for number in signers]
    with pytest.raises(SignatureThresholdError):
        read(content, roots(2, threshold))


@pytest.mark.parametrize("signers", [(0, 1), (1, 0), (2, 1, 0)])
def test_enough_pinned_roots_are_believed_whoever_else_signed(signers: tuple[int, ...]) -> None:
    assert read(document(LISTED, *signers), roots(2, 2)) == LISTED


def test_one_root_that_signs_twice_counts_once() -> None:
    content = envelope(0)
    content["signatures"] *= 2
    with pytest.raises(SignatureThresholdError, match="1 of the pinned"):
        read(content, roots(2, 2))


def test_a_p256_root_signs_as_es256() -> None:
    root = SeededSigner(1, "root", Algorithm.ECDSA_P256)
    made = root.sign(signing_input(PAYLOAD, "r", Algorithm.ECDSA_P256))
    raw = assemble_jws(PAYLOAD, {"r": made}, {"r": Algorithm.ECDSA_P256})
    assert read(raw, Roots({"r": root.public_key}, 1)) == LISTED
    header = json.loads(from_base64url(json.loads(raw)["signatures"][0]["protected"]))
    assert header == {"alg": "ES256", "kid": "r", "typ": "touchstone-trust-list+jws"}


def resigned(header: dict[str, object] | bytes) -> dict[str, Any]:
    """`LISTED`, honestly signed by root 0 under another protected header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    protected, body = to_base64url(raw), to_base64url(PAYLOAD)
    signature = to_base64url(ROOTS[0].sign(f"{protected}.{body}".encode()))
    return {"payload": body, "signatures": [{"protected": protected, "signature": signature}]}


GOOD_HEADER = {"alg": "EdDSA", "kid": KIDS[0], "typ": "touchstone-trust-list+jws"}


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "ES256"},
        {"alg": None},
        {"kid": KIDS[1]},
        {"kid": 5},
        {"typ": "JWT"},
    ],
    ids=str,
)
def test_a_signature_under_another_header_does_not_count(change: dict[str, object]) -> None:
    assert read(resigned(dict(GOOD_HEADER))) == LISTED
    with pytest.raises(SignatureThresholdError):
        read(resigned({**GOOD_HEADER, **change}))


def test_a_critical_header_field_is_refused() -> None:
    with pytest.raises(TrustListError, match="critical"):
        read(resigned({**GOOD_HEADER, "crit": ["b64"], "b64": False}))


def test_a_header_beyond_its_bound_is_refused() -> None:
    with pytest.raises(TrustListError, match="too long"):
        read(resigned({**GOOD_HEADER, "x": "y" * 1_000}))


@pytest.mark.parametrize(
    "header", [b"[]", b"{", b'{"kid":1,"kid":2}', b"\xff", b"[" * 700], ids=str
)
def test_a_header_that_is_no_object_is_refused(header: bytes) -> None:
    with pytest.raises(TrustListError):
        read(resigned(header))


def test_a_changed_payload_is_refused() -> None:
    content = envelope(0)
    content["payload"] = to_base64url(PAYLOAD.replace(b'"version":7', b'"version":8'))
    with pytest.raises(SignatureThresholdError):
        read(content)


def test_an_older_version_is_a_rollback_and_the_same_is_not() -> None:
    read_trust_list(document(LISTED), roots(), at=NOON, seen_version=7)
    with pytest.raises(RollbackError, match="7 is older than 8"):
        read_trust_list(document(LISTED), roots(), at=NOON, seen_version=8)


def test_an_expired_list_is_returned_for_the_verdict_to_doubt() -> None:
    late = NOON + timedelta(days=3650)
    assert read_trust_list(document(LISTED), roots(), at=late) == LISTED


def test_a_list_from_the_future_is_refused() -> None:
    earliest = LISTED.issued_at - CLOCK_TOLERANCE
    assert read_trust_list(document(LISTED), roots(), at=earliest) == LISTED
    with pytest.raises(TrustListError, match="future"):
        read_trust_list(document(LISTED), roots(), at=earliest - SECOND)


def test_an_unknown_field_is_ignored_unless_it_is_critical() -> None:
    assert read(payload_with(colour="red", critical=["issuers", "revoked_at"])) == LISTED
    with pytest.raises(TrustListError, match="colour"):
        read(payload_with(colour="red", critical=["colour"]))


def test_a_name_twice_in_the_payload_is_refused() -> None:
    with pytest.raises(TrustListError, match="twice"):
        read(signed(PAYLOAD[:-1] + b',"version":9}', 0))


MALFORMED: dict[str, Callable[[], dict[str, Any] | bytes]] = {
    "nothing": lambda: b"",
    "no JSON": lambda: b"\xff",
    "the bare payload": lambda: PAYLOAD,
    "deep nesting": lambda: b'{"x":' * 100_000,
    "deep nesting in the payload": lambda: signed(b'{"x":' * 100_000, 0),
    "a payload that is no object": lambda: signed(b"[]", 0),
    "a payload in Latin-1": lambda: signed(b'{"version":"\xe9"}', 0),
    "a signature that is no base64": lambda: (
        envelope(0) | {"signatures": [envelope(0)["signatures"][0] | {"signature": "é"}]}
    ),
    "padded base64": lambda: envelope(0) | {"payload": "e30="},
    "a time without an offset": lambda: payload_with(issued_at="2026-11-01T00:00:00"),
    "a time before year 1": lambda: payload_with(issued_at="0001-01-01T00:00:00+14:00"),
    "no version": lambda: signed(json.dumps({"issuers": []}).encode(), 0),
    "a version as text": lambda: payload_with(version="7"),
    "a number of 5000 digits": lambda: signed(b'{"version":' + b"9" * 5_000 + b"}", 0),
    "a NaN": lambda: payload_with(version=float("nan")),
    "an unknown algorithm": lambda: with_key(algorithm="RS256"),
    "a key of another algorithm": lambda: with_key(algorithm="ES256"),
    "a slot as text": lambda: with_key(slot="0"),
    "too many signatures": lambda: (
        envelope(0) | {"signatures": envelope(0)["signatures"] * (LIMITS.root_signatures + 1)}
    ),
    "too many bytes": lambda: b" " * (LIMITS.trust_list_bytes + 1),
}


def with_key(**changes: Any) -> bytes:
    issuers = json.loads(PAYLOAD)["issuers"]
    issuers[0]["keys"][0] |= changes
    return payload_with(issuers=issuers)


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_document_is_refused(what: str) -> None:
    with pytest.raises(TrustListError):
        read(MALFORMED[what]())


def test_a_key_of_small_order_is_refused_even_if_the_roots_signed_it() -> None:
    with pytest.raises(PublicKeyError, match="small order"):
        read(with_key(public_key={"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_trust_list_errors(raw: bytes) -> None:
    with pytest.raises(TrustListError):
        read(raw)
    with pytest.raises(TrustListError):
        read(signed(raw, 0))


def test_roots_survive_their_file() -> None:
    assert read_roots(encode_roots(roots(3, 2))) == roots(3, 2)


WRONG_ROOTS: dict[str, Callable[[], object]] = {
    "no JSON": lambda: read_roots(b"{"),
    "deep nesting": lambda: read_roots(b'{"keys":' * 100_000),
    "no keys": lambda: read_roots(b'{"threshold":1,"keys":[]}'),
    "threshold 0": lambda: roots(1, 0),
    "threshold above the number of keys": lambda: roots(1, 2),
    "no kid": lambda: read_roots(b'{"threshold":1,"keys":[{"kty":"OKP"}]}'),
    "a bad key": lambda: read_roots(b'{"threshold":1,"keys":[{"kid":"a","kty":"OKP"}]}'),
    "one key under two names": lambda: Roots(dict.fromkeys("ab", ROOTS[0].public_key), 2),
    "one name for two keys": lambda: read_roots(
        encode_roots(roots(2)).replace(b"root-1", b"root-0")
    ),
}


@pytest.mark.parametrize("what", WRONG_ROOTS)
def test_wrong_roots_are_refused_with_a_next_step(what: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        WRONG_ROOTS[what]()
    assert refusal.value.next_step
