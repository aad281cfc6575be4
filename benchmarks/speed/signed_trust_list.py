"""Trust lists of any number of issuers, signed by one root, for the benchmarks."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.jws import Roots, assemble_jws, signing_input
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.trust_list import encode_payload
from authenticity.trust.verdict import IssuerId
from benchmarks.speed.printed_codes import HOST, NOW
from simulation.seeded_signer import SeededSigner

ISSUERS: Final = 200
_ROOT: Final = "root"


def trust_list_of(signer: SeededSigner, issuers: int = ISSUERS) -> TrustList:
    """The signer's issuer among others, with company prefixes of every usual length."""
    begin, end = NOW - timedelta(days=30), NOW + timedelta(days=3650)
    key = IssuerKey(signer.key_slot, signer.algorithm, signer.public_key, begin, end)
    maker = Issuer(IssuerId("bench"), "Bench", ("9521234",), (HOST,), (key,))
    others = []
    for number in range(issuers - 1):
        public = SeededSigner(2, f"other-{number}").public_key
        other = replace(key, algorithm=Algorithm.ED25519, public_key=public)
        prefix = f"4{number:0{5 + number % 6}}"
        name = f"other-{number}"
        others.append(Issuer(IssuerId(name), name, (prefix,), (f"{name}.example",), (other,)))
    return TrustList(1, begin, end, (*others, maker))


def signed_document(trust_list: TrustList) -> tuple[bytes, Roots]:
    """The list as a JWS document with one signature, and the root that vouches for it."""
    root = SeededSigner(1, _ROOT)
    payload = encode_payload(trust_list)
    document = assemble_jws(payload, {_ROOT: root.sign(signing_input(payload, _ROOT))})
    return document, Roots({_ROOT: root.public_key}, 1)
