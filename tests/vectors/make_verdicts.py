"""Writes `verdicts.json`: every verdict on a code alone, each case with its own clock.

Run as `python -m tests.vectors.make_verdicts`. All keys are test keys, made from the
seed below: never use them for anything else.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from authenticity.gs1.code import write_digital_link
from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.jws import Roots, assemble_jws, encode_roots, signing_input
from authenticity.trust.keys import P256_ORDER
from authenticity.trust.signature_field import (
    Algorithm,
    SignatureField,
    encode_signature_field,
    signed_bytes,
)
from authenticity.trust.trust_list import encode_payload
from authenticity.trust.verdict import IssuerId
from simulation.seeded_signer import SeededSigner

FILE: Final = Path(__file__).with_name("verdicts.json")
TEST_SEED: Final = 7357  # TEST KEYS ONLY
GTIN, OTHER_GTIN = "09521234000013", "09521234000020"
HARBOUR_GTIN, SOLD_GTIN, NOBODYS_GTIN = "09526543000013", "09521234567899", "09520000000004"
SERIAL: Final = "23456789ABCDEFGH"
HOST: Final = "id.alpine.example"
ISSUED: Final = datetime(2026, 11, 1, tzinfo=UTC)
EXPIRES: Final = datetime(2027, 11, 1, tzinfo=UTC)
NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
REVOKED: Final = datetime(2026, 6, 1, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)

Case = dict[str, Any]
ED, EC = Algorithm.ED25519, Algorithm.ECDSA_P256

ROOT: Final = SeededSigner(TEST_SEED, "root-1")
ALPINE: Final = SeededSigner(TEST_SEED, "alpine", ED, 0)
ALPINE_OLD: Final = SeededSigner(TEST_SEED, "alpine-old", ED, 1)
ALPINE_NEW: Final = SeededSigner(TEST_SEED, "alpine-new", ED, 1)
ALPINE_STOLEN: Final = SeededSigner(TEST_SEED, "alpine-stolen", ED, 2)
ALPINE_P256: Final = SeededSigner(TEST_SEED, "alpine-p256", EC, 3)
ALPINE_NEXT: Final = SeededSigner(TEST_SEED, "alpine-next", ED, 7)
ALPINE_DISGUISED: Final = SeededSigner(TEST_SEED, "alpine-stolen", ED, 8)
HARBOUR: Final = SeededSigner(TEST_SEED, "harbour", ED, 0)
HARBOUR_P256: Final = SeededSigner(TEST_SEED, "harbour-p256", EC, 4)
BUYER: Final = SeededSigner(TEST_SEED, "buyer", ED, 0)
STRANGER: Final = SeededSigner(TEST_SEED, "stranger", ED, 0)


def year(number: int) -> datetime:
    """Its first instant."""
    return datetime(number, 1, 1, tzinfo=UTC)


def listed(signer: SeededSigner, begin: int, end: int, **revocation: Any) -> IssuerKey:
    """This signer's key, valid between two years."""
    return IssuerKey(
        signer.key_slot, signer.algorithm, signer.public_key, year(begin), year(end), **revocation
    )


def trust_list() -> TrustList:
    """Alpine has every kind of key; the buyer bought a part of Alpine's range."""
    alpine_keys = (
        listed(ALPINE, 2025, 2036),
        listed(ALPINE_OLD, 2020, 2024),
        listed(ALPINE_NEW, 2025, 2036),
        listed(ALPINE_STOLEN, 2025, 2036, revoked_at=REVOKED, revocation_reason="stolen"),
        listed(ALPINE_P256, 2025, 2036),
    )
    harbour_keys = (listed(HARBOUR, 2025, 2036), listed(HARBOUR_P256, 2025, 2036))
    issuers = (
        Issuer(IssuerId("alpine"), "Alpine Tea", ("9521234",), (HOST,), alpine_keys),
        Issuer(IssuerId("harbour"), "Harbour Pharma", ("9526543",), (), harbour_keys),
        Issuer(IssuerId("buyer"), "Buyer", ("952123456",), (HOST,), (listed(BUYER, 2025, 2036),)),
    )
    return TrustList(5, ISSUED, EXPIRES, issuers)


def ais_of(
    gtin: str = GTIN,
    serial: str = SERIAL,
    lot: str | None = "L7",
    expiry: str | None = "281231",
    produced: str | None = "260901",
) -> list[tuple[str, str]]:
    """In the order of the printed code."""
    values = {"01": gtin, "10": lot, "21": serial, "11": produced, "17": expiry}
    return [(ai, value) for ai, value in values.items() if value is not None]


def signature_of(ais: list[tuple[str, str]], signer: SeededSigner) -> SignatureField:
    """The maker's signature over these AIs."""
    unsigned = SignatureField(signer.algorithm, signer.key_slot, bytes(64))
    return SignatureField(
        signer.algorithm, signer.key_slot, signer.sign(signed_bytes(unsigned.header, ais))
    )


def printed(ais: list[tuple[str, str]], field: SignatureField | str, host: str = HOST) -> str:
    """The Digital Link that carries them."""
    value = field if isinstance(field, str) else encode_signature_field(field)
    return write_digital_link([*ais, ("8030", value)], host)


def code(signer: SeededSigner = ALPINE, host: str = HOST, **ais: str | None) -> str:
    """A code as its maker prints it."""
    chosen = ais_of(**ais)  # type: ignore[arg-type]
    return printed(chosen, signature_of(chosen, signer), host)


def case(name: str, text: str, verdict: str, at: datetime = NOON, **expect: Any) -> Case:
    """`verdict` is Genuine or the doubt. What `expect` does not name is not checked."""
    genuine = verdict == "Genuine"
    expected = {
        "verdict": "Genuine" if genuine else "Doubtful",
        "doubt": None if genuine else verdict,
        "notes": [],
        **expect,
    }
    return {"name": name, "code": text, "at": at.isoformat(), "expect": expected}


def item(gtin: str, serial: str = SERIAL) -> str:
    """The item's URI."""
    return f"https://id.gs1.org/01/{gtin}/21/{serial}"


def genuine_cases() -> Iterator[Case]:
    """What must never be doubted."""
    facts: dict[str, Any] = {
        "item": item(GTIN),
        "issuer": "alpine",
        "lot": "L7",
        "expiry": "281231",
    }
    yield case("genuine, Ed25519", code(), "Genuine", **facts, provisional=False)
    yield case("genuine, P-256", code(ALPINE_P256), "Genuine", **facts)
    yield case("genuine, no lot and no dates", code(lot=None, expiry=None, produced=None),
               "Genuine", item=item(GTIN), lot=None, expiry=None)  # fmt: skip
    yield case("the older key of a slot used twice", code(ALPINE_OLD), "Genuine", year(2023))
    yield case("the newer key of a slot used twice", code(ALPINE_NEW), "Genuine")
    yield case("the holder of the longer prefix", code(BUYER, gtin=SOLD_GTIN), "Genuine",
               issuer="buyer")  # fmt: skip
    yield case("a serial with characters that need escapes", code(serial="A/B%C+d"), "Genuine",
               item=item(GTIN, "A%2FB%25C%2Bd"))  # fmt: skip
    field = encode_signature_field(signature_of(ais_of(), ALPINE))
    elements = f"01{GTIN}112609011728123110L7\x1d21{SERIAL}\x1d8030{field}"
    yield case("as an element string", elements, "Genuine", **facts)
    yield case("as a GS1 DataMatrix scanner sends it", f"]d2{elements}", "Genuine", **facts)
    brackets = f"(01){GTIN}(11)260901(17)281231(10)L7(21){SERIAL}(8030){field}"
    yield case("in brackets", brackets, "Genuine", **facts)
    path = f"https://{HOST}/01/{GTIN}/10/L7/21/{SERIAL}"
    reordered = f"{path}?8030={field}&linkType=gs1:pip&17=281231&11=260901#top"
    yield case("query in another order, with more in it", reordered, "Genuine", **facts)
    escaped = code().replace("/10/L7", "/10/%4C7")
    yield case("a letter written as an escape", escaped, "Genuine", **facts)


def noted_cases() -> Iterator[Case]:
    """Side notes: the verdict stays."""
    lookalike, expired = "lookalike-host", "expired"
    yield case("another host", code(host="id.a1pine.example"), "Genuine", notes=[lookalike])
    yield case("another port", code(host=f"{HOST}:8443"), "Genuine", notes=[lookalike])
    harbour = code(HARBOUR, gtin=HARBOUR_GTIN)
    yield case("an issuer without hosts", harbour, "Genuine", notes=[lookalike])
    today = code(expiry="261124")
    yield case("on the day of expiry", today, "Genuine")
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    yield case("a day after expiry", today, "Genuine", midnight, notes=[expired])
    whole_month = code(expiry="261100")
    yield case(
        "end of the month of expiry", whole_month, "Genuine", datetime(2026, 11, 30, tzinfo=UTC)
    )
    yield case("the month of expiry is over", whole_month, "Genuine",
               datetime(2026, 12, 1, tzinfo=UTC), notes=[expired])  # fmt: skip
    yield case("expiry 50 years ahead", code(expiry="760101"), "Genuine")
    yield case(
        "51 years ahead is the past century", code(expiry="770101"), "Genuine", notes=[expired]
    )
    both = code(host="other.example", expiry="250101")
    yield case("both notes", both, "Genuine", notes=[lookalike, expired])
    forged = code(STRANGER, host="other.example", expiry="250101")
    yield case("notes on a forged code", forged, "forged", notes=[lookalike, expired])


def list_and_key_cases() -> Iterator[Case]:
    """Time: of the list and of the key."""
    end = EXPIRES + timedelta(days=14)
    yield case("at the list's end", code(), "Genuine", EXPIRES, provisional=False)
    yield case("just past the list's end", code(), "Genuine", EXPIRES + SECOND, provisional=True)
    yield case("at the end of the grace", code(), "Genuine", end, provisional=True)
    stale = "stale-trust-list"
    yield case("past the grace", code(), stale, end + SECOND, issuer=None)
    yield case("forged, past the grace", code(STRANGER), stale, end + SECOND)
    nobody = code(STRANGER, gtin=NOBODYS_GTIN)
    yield case("unknown issuer, past the grace", nobody, stale, end + SECOND)
    yield case("revoked, past the grace", code(ALPINE_STOLEN), stale, end + SECOND)
    unsigned = write_digital_link(ais_of(), HOST)
    yield case("unsigned, past the grace", unsigned, "unsigned", end + SECOND)
    yield case("read before the list was issued", code(), "Genuine", ISSUED - timedelta(days=90))
    invalid = "key-not-valid"
    yield case("at the key's beginning", code(), "Genuine", year(2025))
    yield case("before the key's beginning", code(), invalid, year(2025) - SECOND)
    yield case("at the key's end", code(ALPINE_OLD), "Genuine", year(2024))
    yield case("past the key's end", code(ALPINE_OLD), invalid, year(2024) + SECOND,
               item=item(GTIN), issuer="alpine", revoked_at=None)  # fmt: skip
    stolen = code(ALPINE_STOLEN)
    yield case("just before the revocation", stolen, "Genuine", REVOKED - SECOND)
    yield case("at the revocation", stolen, "key-revoked", REVOKED,
               item=item(GTIN), issuer="alpine", revoked_at=REVOKED.isoformat())  # fmt: skip
    yield case("after the revocation", stolen, "key-revoked", revoked_at=REVOKED.isoformat())
    yield case("revoked, but read before the key began", stolen, invalid, year(2024))


def moved_cases() -> Iterator[Case]:
    """A real signature on another code."""
    field = signature_of(ais_of(), ALPINE)
    changes = {
        "serial": ais_of(serial="23456789ABCDEFGJ"),
        "GTIN": ais_of(gtin=OTHER_GTIN),
        "lot": ais_of(lot="L8"),
        "expiry": ais_of(expiry="291231"),
        "production date": ais_of(produced="260902"),
    }
    for what, ais in changes.items():
        yield case(f"signature moved to another {what}", printed(ais, field), "forged")
    yield case("lot taken away", printed(ais_of(lot=None), field), "forged")
    yield case(
        "a variant added", printed([("01", GTIN), ("22", "V"), *ais_of()[1:]], field), "forged"
    )
    yield case(
        "signature under another slot",
        printed(ais_of(), SignatureField(ED, 1, field.signature)),
        "forged",
    )
    yield case(
        "signature under an empty slot",
        printed(ais_of(), SignatureField(ED, 9, field.signature)),
        "newer-key",
    )
    yield case("signature under another algorithm",
               printed(ais_of(), SignatureField(EC, 0, field.signature)),
               "forged")  # fmt: skip
    yield case("signature under another slot and algorithm",
               printed(ais_of(), SignatureField(EC, 3, field.signature)), "forged")  # fmt: skip
    others = printed(ais_of(gtin=HARBOUR_GTIN), field)
    yield case("signature moved to another maker's product", others, "forged", issuer="harbour",
               notes=["lookalike-host"])  # fmt: skip
    p256 = signature_of(ais_of(), ALPINE_P256)
    s = P256_ORDER - int.from_bytes(p256.signature[32:], "big")
    twin = SignatureField(EC, 3, p256.signature[:32] + s.to_bytes(32, "big"))
    yield case("the high-s twin of a P-256 signature", printed(ais_of(), twin), "forged")
    for number in (2, 33, 34, 65):
        flipped = bytearray(field.header + field.signature)
        flipped[number] ^= 1
        damaged = SignatureField(ED, 0, bytes(flipped[2:]))
        yield case(
            f"a bit flipped in byte {number} of the signature", printed(ais_of(), damaged), "forged"
        )
    ones = SignatureField(ED, 0, bytes(range(64)))
    yield case("a signature of consecutive bytes", printed(ais_of(), ones), "forged")
    zeros = SignatureField(ED, 0, bytes(64))
    yield case("an all-zero signature is in a single case", printed(ais_of(), zeros), "mangled")


def wrong_signer_cases() -> Iterator[Case]:
    """A real key that had no right, or none at all."""
    yield case("a stranger's key", code(STRANGER), "forged", item=item(GTIN), issuer="alpine")
    refused = "not-entitled"
    yield case("another maker's key", code(HARBOUR), refused, issuer="alpine")
    yield case("another maker's P-256 key", code(HARBOUR_P256), refused, issuer="alpine")
    yield case("the shorter prefix on a range that was sold", code(gtin=SOLD_GTIN), refused,
               issuer="buyer")  # fmt: skip
    yield case("the buyer outside the range", code(BUYER), refused, issuer="alpine")
    yield case("a maker's key on nobody's prefix", code(gtin=NOBODYS_GTIN), refused, issuer=None)
    yield case("a key newer than the list", code(ALPINE_NEXT), "newer-key", item=item(GTIN),
               issuer="alpine", lot="L7", revoked_at=None)  # fmt: skip
    past = EXPIRES + timedelta(days=14) + SECOND
    yield case("newer than a list past its grace", code(ALPINE_NEXT), "stale-trust-list", past)
    yield case("a revoked key under a slot that is not its own", code(ALPINE_DISGUISED), "forged")
    nobody = code(STRANGER, gtin=NOBODYS_GTIN)
    yield case("nobody's prefix", nobody, "unknown-issuer", item=item(NOBODYS_GTIN), issuer=None)


def unsigned_and_foreign_cases() -> Iterator[Case]:
    """Codes about which nothing can be said."""
    unsigned = write_digital_link(ais_of(), HOST)
    yield case("no signature", unsigned, "unsigned", item=item(GTIN), issuer="alpine", lot="L7")
    yield case("no signature and no serial", f"https://{HOST}/01/{GTIN}", "unsigned", item=None)
    yield case("a logistic unit", "(00)395212340000000014", "unsigned", item=None)
    foreign = "foreign-signature"
    yield case("a shorter signature", printed(ais_of(), "Zm9yZWlnbg"), foreign, item=item(GTIN))
    whole = encode_signature_field(signature_of(ais_of(), ALPINE))
    yield case("a later format version", printed(ais_of(), "IQ" + whole[2:]), foreign)
    yield case("an unknown algorithm", printed(ais_of(), "Hw" + whole[2:]), foreign)
    yield case("longer than a signature", printed(ais_of(), whole + "AA"), foreign)


def damaged_cases() -> Iterator[Case]:
    """A broken scanner makes no forgery."""
    whole = code(lot=None)
    mangled = "mangled"
    yield case("all upper case", whole.upper().replace("HTTPS", "https"), mangled)
    field = encode_signature_field(signature_of(ais_of(), ALPINE))
    for name, changed in (("upper", field.upper()), ("lower", field.lower())):
        yield case(f"signature in {name} case", printed(ais_of(), changed), mangled)
    yield case("cut in the signature", whole[:-20], mangled)
    swapped = whole.translate(str.maketrans("yzYZ", "zyZY"))
    yield case("Y and Z swapped (QWERTZ)", swapped, mangled)
    azerty = whole.translate(str.maketrans("aqzwAQZW", "qawzQAWZ"))
    yield case("A and Q, Z and W swapped (AZERTY)", azerty, mangled)
    forged = code(STRANGER, lot=None).translate(str.maketrans("yzYZ", "zyZY"))
    yield case("a forged code does not become a damaged one by a swap", forged, "forged")


def unreadable_cases() -> Iterator[Case]:
    """What is no code at all."""
    unreadable = "unreadable"
    yield case("nothing", "", unreadable, offset=0)
    yield case("words", "hello", unreadable, offset=0)
    yield case("another web page", "https://www.example.com/tea", unreadable)
    yield case("an EAN-13", "9521234000013", unreadable)
    wrong = code().replace(GTIN, "09521234000014")
    yield case("a wrong check digit", wrong, unreadable, item=None, issuer=None)
    yield case("too long", code() + "&x=" + "y" * 512, unreadable, offset=512)
    twice = code() + "&17=281231"
    yield case("an AI twice", twice, unreadable)
    stem = code().replace(HOST, f"{HOST}/01/{OTHER_GTIN}")
    yield case("a second product in the stem", stem, unreadable)
    no_serial = (
        f"https://{HOST}/01/{GTIN}?8030={encode_signature_field(signature_of(ais_of(), ALPINE))}"
    )
    yield case("signed, but without a serial", no_serial, unreadable)


def document() -> str:
    """The file's content, the same on every machine."""
    payload = encode_payload(trust_list())
    signed = assemble_jws(payload, {"root-1": ROOT.sign(signing_input(payload, "root-1"))})
    roots = encode_roots(Roots({"root-1": ROOT.public_key}, 1))
    groups = (
        genuine_cases(),
        noted_cases(),
        list_and_key_cases(),
        moved_cases(),
        wrong_signer_cases(),
        unsigned_and_foreign_cases(),
        damaged_cases(),
        unreadable_cases(),
    )
    about = (
        "Verify `code`, read at `at`, under `trust_list` (signed by `roots`), with 14 days"
        " of grace past the list's end. `expect` names what must come out. TEST KEYS ONLY."
    )
    content = {
        "about": about,
        "roots": json.loads(roots),
        "trust_list": json.loads(signed),
        "cases": [case for group in groups for case in group],
    }
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(document())
