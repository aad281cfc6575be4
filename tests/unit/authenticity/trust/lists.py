"""Trust lists for these tests, made from two seeds a case may vary."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.jws import Roots, assemble_jws, signing_input
from authenticity.trust.trust_list import encode_payload
from authenticity.trust.verdict import IssuerId
from simulation.seeded_signer import SeededSigner

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROOTS = tuple(SeededSigner(1, f"root-{number}") for number in range(3))
KIDS = ("root-0", "root-1", "root-2")


def key(name: str = "maker", slot: int = 0, **changes: Any) -> IssuerKey:
    """A key for ten years around noon; the same name is the same key."""
    signer = SeededSigner(1, name)
    made = IssuerKey(
        slot,
        signer.algorithm,
        signer.public_key,
        NOON - timedelta(days=365),
        NOON + timedelta(days=3650),
    )
    return replace(made, **changes)


def issuer(name: str = "maker", *prefixes: str, keys: tuple[IssuerKey, ...] = ()) -> Issuer:
    """With its own prefix and key, unless told otherwise."""
    chosen = prefixes or ("9521234",)
    return Issuer(IssuerId(name), name.title(), chosen, (f"id.{name}.example",), keys)


def trust_list(*issuers: Issuer, version: int = 1, **changes: Any) -> TrustList:
    """Issued a day before noon, for a year."""
    begin = NOON - timedelta(days=1)
    return replace(TrustList(version, begin, begin + timedelta(days=365), issuers), **changes)


def roots(count: int = 1, threshold: int = 1) -> Roots:
    """The first `count` roots."""
    pinned = {kid: signer.public_key for kid, signer in zip(KIDS, ROOTS, strict=True)}
    return Roots(dict(list(pinned.items())[:count]), threshold)


def signed(payload: bytes, *signers: int) -> bytes:
    """The document in which the roots with these numbers vouch for the payload."""
    kids = [KIDS[number] for number in signers]
    return assemble_jws(
        payload,
        {
            kid: ROOTS[number].sign(signing_input(payload, kid))
            for number, kid in zip(signers, kids, strict=True)
        },
    )


def document(listed: TrustList, *signers: int) -> bytes:
    """The list, signed by root 0 unless told otherwise."""
    return signed(encode_payload(listed), *(signers or (0,)))
