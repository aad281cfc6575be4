"""Writes `signature_edges.json`: signatures and keys on which verifiers disagree.

Run as `python -m tests.vectors.make_signature_edges`. All keys are test keys, made
from the constants below: never use them for anything else.
"""

import json
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from tests.vectors import edwards25519 as curve

FILE: Final = Path(__file__).with_name("signature_edges.json")
TEST_SEED: Final = b"touchstone TEST key, no secrets!"
TEST_SCALAR: Final = 0x7E57_7E57_7E57
MESSAGE: Final = b"touchstone/code/1\0 an edge case"
N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_FIELD: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1

Case = dict[str, str | bool]


def case(
    name: str,
    algorithm: str,
    key: bytes,
    signature: bytes,
    *,
    key_accepted: bool = True,
    verifies: bool = False,
    message: bytes = MESSAGE,
) -> Case:
    """One line of the file; the byte strings in hexadecimal."""
    return {
        "name": name,
        "algorithm": algorithm,
        "public_key": key.hex(),
        "message": message.hex(),
        "signature": signature.hex(),
        "key_accepted": key_accepted,
        "verifies": verifies,
    }


def small_order_encodings() -> list[bytes]:
    """The 14 spellings of the 8 points of small order."""
    _, y = curve.point_of_order_8()
    ys = (0, 1, curve.P - 1, curve.P, curve.P + 1, y, curve.P - y)
    return [(y | sign << 255).to_bytes(32, "little") for y in ys for sign in (0, 1)]


def ed25519_cases() -> list[Case]:
    """Keys, R and S as an attacker chooses them."""
    key, secret = crypto_sign_seed_keypair(TEST_SEED)
    good = crypto_sign(MESSAGE, secret)[:64]
    r, s = good[:32], int.from_bytes(good[32:], "little")
    cases = [case("a plain signature", "Ed25519", key, good, verifies=True)]
    for number, encoding in enumerate(small_order_encodings()):
        # With R the neutral point and S = 0, such a key takes any message whose k is a
        # multiple of its order.
        forged = curve.encode(curve.IDENTITY) + bytes(32)
        name = f"key of small order {number}"
        cases.append(case(name, "Ed25519", encoding, forged, key_accepted=False))
        k = curve.challenge(encoding, key, MESSAGE)
        answer = k * curve.clamped(TEST_SEED) % curve.L
        made = encoding + answer.to_bytes(32, "little")
        cases.append(case(f"R of small order {number}", "Ed25519", key, made))
    beyond = [
        ("S plus L", s + curve.L),
        ("S is L", curve.L),
        ("S of all ones", 2**256 - 1),
        ("S negated", curve.L - s),
    ]
    for name, value in beyond:
        cases.append(case(name, "Ed25519", key, r + value.to_bytes(32, "little")))
    cases += [
        case("all-zero key", "Ed25519", bytes(32), good, key_accepted=False),
        case("all-zero signature", "Ed25519", key, bytes(64)),
        case("signature cut by a byte", "Ed25519", key, good[:-1]),
        case("signature longer by a byte", "Ed25519", key, good + b"\0"),
        case("empty signature", "Ed25519", key, b""),
        case("R and S swapped", "Ed25519", key, good[32:] + r),
        case("key cut by a byte", "Ed25519", key[:-1], good, key_accepted=False),
        case("key off the curve", "Ed25519", off_curve(), good, key_accepted=False),
        case("key spelled with y above p", "Ed25519", above_p(), good, key_accepted=False),
    ]
    return cases + mixed_order_cases()


def off_curve() -> bytes:
    """The smallest y of no point."""
    encodings = (y.to_bytes(32, "little") for y in range(2, 50))
    return next(each for each in encodings if curve.decode(each) is None)


def above_p() -> bytes:
    """A second spelling of a point whose y is below 19."""
    for y in range(2, 19):
        if curve.decode(y.to_bytes(32, "little")) is not None:
            return (y + curve.P).to_bytes(32, "little")
    raise AssertionError("there is one below 19")


def mixed_order_cases() -> list[Case]:
    """A key with a component of order 8: with a cofactor all verify, without it few."""
    torsion = curve.point_of_order_8()
    secret, nonce = curve.clamped(TEST_SEED), TEST_SCALAR
    key = curve.encode(curve.add(curve.times(secret, curve.BASE), torsion))
    r = curve.encode(curve.times(nonce, curve.BASE))
    cases: list[Case] = []
    for wanted, name in ((True, "k a multiple of 8"), (False, "k no multiple of 8")):
        for number in range(1_000):
            message = b"%b %d" % (MESSAGE, number)
            k = curve.challenge(r, key, message)
            if (k % 8 == 0) == wanted:
                s = (nonce + k * secret) % curve.L
                signature = r + s.to_bytes(32, "little")
                full = f"key of mixed order, {name}"
                cases.append(
                    case(full, "Ed25519", key, signature, verifies=wanted, message=message)
                )
                break
    return cases


def p256_cases() -> list[Case]:
    """r, s and points at their bounds."""
    private = ec.derive_private_key(TEST_SCALAR, ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    key = point(numbers.x, numbers.y)
    deterministic = ec.ECDSA(SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(private.sign(MESSAGE, deterministic))
    s = min(s, N - s)
    good = raw(r, s)
    cases = [
        case("a plain signature", "ES256", key, good, verifies=True),
        case("high s", "ES256", key, raw(r, N - s)),
        case("r is 0", "ES256", key, raw(0, s)),
        case("s is 0", "ES256", key, raw(r, 0)),
        case("r and s are 0", "ES256", key, bytes(64)),
        case("r is n", "ES256", key, raw(N, s)),
        case("s is n", "ES256", key, raw(r, N)),
        case("r and s of all ones", "ES256", key, b"\xff" * 64),
        case("r and s swapped", "ES256", key, raw(s, r)),
        case("signature cut by a byte", "ES256", key, good[:-1]),
        case("signature longer by a byte", "ES256", key, b"\0" + good),
        case("DER instead of raw", "ES256", key, private.sign(MESSAGE, deterministic)),
    ]
    bad_keys = {
        "key off the curve": point(numbers.x, numbers.y ^ 1),
        "all-zero key": point(0, 0),
        "the point at infinity": b"\0",
        "compressed key": b"\x02" + key[1:33],
        "key with x above p": point(5 + P256_FIELD, numbers.y),
    }
    return cases + [
        case(name, "ES256", bad, good, key_accepted=False) for name, bad in bad_keys.items()
    ]


def raw(r: int, s: int) -> bytes:
    """r‖s, big-endian (IEEE P1363)."""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def point(x: int, y: int) -> bytes:
    """SEC 1, section 2.3.3, uncompressed."""
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def document() -> str:
    """The file's content, the same on every machine."""
    about = (
        "key_accepted: whether the key may enter a trust list; verifies: whether the"
        " signature is good under it. Byte strings in hexadecimal; ES256 keys are"
        " uncompressed points, ES256 signatures raw r and s. TEST KEYS ONLY."
    )
    return json.dumps({"about": about, "cases": ed25519_cases() + p256_cases()}, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(document())
