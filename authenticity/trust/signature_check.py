"""Steps 1 to 6 of `authenticity.trust.verify`: read a code and find the key that signed it."""

from collections.abc import Iterable
from itertools import islice
from typing import Final, NamedTuple

from authenticity.errors import CodeError
from authenticity.gs1.ai_table import EXPIRY, GTIN, LOT, SERIAL, SIGNATURE
from authenticity.gs1.code import Code, read_code
from authenticity.gs1.item import item_id
from authenticity.gs1.scanner_errors import Mangling, looks_mangled, unmangled_candidates
from authenticity.limits import LIMITS
from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.keys import verifies
from authenticity.trust.signature_field import algorithm_of, signature_field_bytes, signed_bytes
from authenticity.trust.verdict import Doubt, Doubtful, Genuine, Note, Verdict

_ADVICE: Final = {
    Mangling.SINGLE_CASE: "the scanner changed upper and lower case: check its Caps Lock setting",
    Mangling.TRUNCATED: "the end of the code is missing: check the scanner's length limit",
    Mangling.LOST_SEPARATORS: "the scanner left out separators: check its GS1 (FNC1) setting",
    Mangling.KEYBOARD_LAYOUT: "the scanner types for another keyboard: check its layout setting",
}


class SignatureCheck(NamedTuple):
    """What a code proves under one trust list, whenever it was read.

    `finding` is the verdict while the list is fresh and the key stands; `key` is
    the key that verified, None unless `finding` is Genuine. May be remembered by
    code text and trust list version, and checked for validity at any number of times.
    """

    finding: Verdict
    key: IssuerKey | None
    rests_on_list: bool
    trust_list_version: int


def check_signature(code_text: str, trust_list: TrustList) -> SignatureCheck:
    """Read the text and check its signature under every key that could have made it."""
    try:
        code = read_code(code_text)
    except CodeError as refusal:
        return _refused(code_text, refusal, trust_list)
    values = dict(code.ais)
    field_value = values.get(SIGNATURE)
    if field_value is None:
        return _doubtful(Doubt.UNSIGNED, code, trust_list, "this code carries no signature")
    packed = signature_field_bytes(field_value)
    gtin, serial = values.get(GTIN), values.get(SERIAL)
    if packed is None or gtin is None or serial is None:
        return _foreign(code_text, code, trust_list)
    holder = trust_list.issuer_of(gtin)
    if holder is not None:
        key = _maker_of(packed, code, trust_list.keys(holder, packed[1]))
        if key is not None:
            genuine = Genuine(
                item_id(gtin, serial),
                holder.id,
                holder.name,
                key.slot,
                values.get(LOT),
                values.get(EXPIRY),
                _host_notes(code, holder),
            )
            return SignatureCheck(genuine, key, True, trust_list.version)
    return _not_genuine(code_text, code, packed, holder, trust_list)


def _maker_of(packed: bytes, code: Code, keys: Iterable[IssuerKey]) -> IssuerKey | None:
    """The first of `keys` under which the 66 bytes in `packed` verify for this code.

    Works on the bytes, not on a `SignatureField`: this is the hot path.
    """
    message, signature = signed_bytes(packed[:2], code.ais), packed[2:]
    algorithm = algorithm_of(packed)
    for key in keys:
        if key.algorithm is algorithm and verifies(key.public_key, message, signature):
            return key
    return None


def _refused(code_text: str, refusal: CodeError, trust_list: TrustList) -> SignatureCheck:
    damage = _damage(code_text, None, trust_list)
    finding = Doubtful(
        doubt=Doubt.MANGLED if damage else Doubt.UNREADABLE,
        offset=refusal.offset,
        detail=damage or str(refusal),
    )
    return SignatureCheck(finding, None, False, trust_list.version)


def _foreign(code_text: str, code: Code, trust_list: TrustList) -> SignatureCheck:
    damage = _damage(code_text, code, trust_list)
    if damage:
        return _doubtful(Doubt.MANGLED, code, trust_list, damage)
    detail = "this code's signature is of another system; nothing can be said about it"
    return _doubtful(Doubt.FOREIGN_SIGNATURE, code, trust_list, detail)


def _not_genuine(
    code_text: str, code: Code, packed: bytes, holder: Issuer | None, trust_list: TrustList
) -> SignatureCheck:
    damage = _damage(code_text, code, trust_list)
    if damage:
        return _doubtful(Doubt.MANGLED, code, trust_list, damage)
    signer = _issuer_who_signed(code, packed, holder, trust_list)
    if signer is not None:
        detail = f"signed by {signer.name}, who does not hold this product's company prefix"
        return _doubtful(Doubt.NOT_ENTITLED, code, trust_list, detail, rests_on_list=True)
    if holder is None:
        detail = "no issuer on the trust list holds this product's company prefix"
        return _doubtful(Doubt.UNKNOWN_ISSUER, code, trust_list, detail, rests_on_list=True)
    if not trust_list.holds_slot(holder, packed[1]) and not _made_by(holder, code, packed):
        detail = (
            f"it names key slot {packed[1]} of {holder.name}, which trust list version "
            f"{trust_list.version} does not hold: the key is newer than this list, or the code "
            "is made up; get a newer trust list and check again"
        )
        return _doubtful(Doubt.NEWER_KEY, code, trust_list, detail, rests_on_list=True)
    detail = f"no key of {holder.name} made this signature"
    return _doubtful(Doubt.FORGED, code, trust_list, detail, rests_on_list=True)


def _made_by(holder: Issuer, code: Code, packed: bytes) -> bool:
    """Whether a listed key of the holder signed under a slot that is not its own, as somebody
    might with a key that was revoked. At most `LIMITS.foreign_keys_tried` keys are tried."""
    return _maker_of(packed, code, holder.keys[: LIMITS.foreign_keys_tried]) is not None


def _issuer_who_signed(
    code: Code, packed: bytes, holder: Issuer | None, trust_list: TrustList
) -> Issuer | None:
    """An issuer other than the holder of the prefix, whose key made this signature.

    Anybody can send a false signature and make a verifier search, so at most
    `LIMITS.foreign_keys_tried` keys are tried, in list order. Past them a code is
    called forged that was signed by the wrong company: suspect either way, and
    never the other way round.
    """
    others = trust_list.keys_of_others(holder, packed[1], algorithm_of(packed))
    for issuer, key in islice(others, LIMITS.foreign_keys_tried):
        if _maker_of(packed, code, (key,)) is not None:
            return issuer
    return None


def _damage(code_text: str, code: Code | None, trust_list: TrustList) -> str | None:
    """How a scanner explains this text, None if it does not.

    That keys could have been swapped explains a text that reads as a code only if
    one swapped back verifies: at most 8 candidates, so that a search stays cheap.
    """
    damage = looks_mangled(code_text, code)
    if damage is None and code is not None:
        candidates = unmangled_candidates(code_text)
        if any(_verifies(candidate, trust_list) for candidate in candidates):
            damage = Mangling.KEYBOARD_LAYOUT
    return None if damage is None else _ADVICE[damage]


def _verifies(code_text: str, trust_list: TrustList) -> bool:
    """Whether the holder of the GTIN's prefix signed this text, which has to be a code."""
    code = read_code(code_text)
    packed, gtin = signature_field_bytes(code.value(SIGNATURE) or ""), code.value(GTIN)
    holder = trust_list.issuer_of(gtin) if gtin else None
    if packed is None or holder is None:
        return False
    return _maker_of(packed, code, trust_list.keys(holder, packed[1])) is not None


def _doubtful(
    doubt: Doubt,
    code: Code,
    trust_list: TrustList,
    detail: str,
    *,
    rests_on_list: bool = False,
) -> SignatureCheck:
    """A doubt about a code that can be read, with what it claims."""
    gtin = code.value(GTIN)
    holder = None if gtin is None else trust_list.issuer_of(gtin)
    finding = Doubtful(
        doubt=doubt,
        detail=detail,
        item=code.item,
        issuer=holder.id if holder else None,
        issuer_name=holder.name if holder else None,
        lot=code.value(LOT),
        expiry=code.value(EXPIRY),
        notes=_host_notes(code, holder) if holder and doubt is not Doubt.MANGLED else (),
    )
    return SignatureCheck(finding, None, rests_on_list, trust_list.version)


def _host_notes(code: Code, holder: Issuer) -> tuple[Note, ...]:
    """The host is not signed, so a false one proves nothing against the item."""
    if code.host is None or code.host in holder.hosts:
        return ()
    return (Note.LOOKALIKE_HOST,)
