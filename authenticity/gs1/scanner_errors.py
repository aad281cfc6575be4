"""Codes that a scanner damaged: a genuine pack must not seem forged because of one.

Scanners that act as keyboards type the code, and the host's keyboard settings may
change it on the way: Caps Lock, another layout, separators that no key types, a field
that is too short. A damaged signature does not verify, which is just what a forged one
does; so before a verdict says "forged", two questions are asked here.

`looks_mangled`: does the text itself show the damage? `unmangled_candidates`: what
would it have been before a known keyboard swap? Only if one of those verifies is the
swap an explanation; that a text could be swapped explains nothing.

A forger can always print a signature in capitals. That gains the answer "check the
scanner", never "genuine".
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice

from authenticity.errors import CodeError
from authenticity.gs1.ai_table import SIGNATURE, SIGNATURE_CHARACTERS
from authenticity.gs1.code import Code, read_code
from authenticity.limits import LIMITS

CANDIDATES = 8
"""At most so many texts are offered, so that trying them all stays cheap."""


class Mangling(StrEnum):
    """What a scanner did to the code."""

    SINGLE_CASE = "single-case"
    TRUNCATED = "truncated"
    LOST_SEPARATORS = "lost-separators"
    KEYBOARD_LAYOUT = "keyboard-layout"


_FEWEST_LETTERS = 40
"""A signature has 71.5 letters of 88 characters on average; 40 is 8 deviations off."""


def looks_mangled(text: str, code: Code | None) -> Mangling | None:
    """The damage that the text shows by itself, None if it shows none.

    `code` is what `read_code` made of `text`, None if it was refused. A real signature
    is in a single case with probability 2 (38/64)^88 < 10^-19. For a text that can be
    read, a swapped layout leaves no trace: try `unmangled_candidates`.
    """
    if code is not None and _in_single_case(code.value(SIGNATURE) or ""):
        return Mangling.SINGLE_CASE
    if _CUT_IN_SIGNATURE.search(text):
        return Mangling.TRUNCATED
    if code is not None or len(text) > LIMITS.code_characters:
        return None
    if _UNSEPARATED.fullmatch(_with_separators(text)):
        return Mangling.LOST_SEPARATORS
    if next(unmangled_candidates(text), None) is not None:
        return Mangling.KEYBOARD_LAYOUT
    return None


def _in_single_case(signature: str) -> bool:
    letters = sum(map(str.isalpha, signature))
    if len(signature) != SIGNATURE_CHARACTERS or letters < _FEWEST_LETTERS:
        return False
    return signature.isupper() or signature.islower()


# A signature field of this project begins with the byte 0x11 or 0x12: `E`, then `Q` to `v`.
_CUT_IN_SIGNATURE = re.compile(
    r"(?:[?&]8030=|\(8030\)|\x1d8030)(?:E(?:[Q-Za-v][A-Za-z0-9_-]{0,85})?)?\Z"
    r"|[?&]8(?:0(?:30?)?)?\Z|\(8(?:0(?:30?)?)?\Z"
)

_UNSEPARATED = re.compile(
    r"(?:\](?:C1|e0|d2|Q3|J1))?\x1d?0(?:1[0-9]{14}|0[0-9]{18})"
    r"[\x1d!-z]{0,300}8030[A-Za-z0-9_-]{88}"
)
_STAND_INS = re.compile(r"<GS>|\{GS\}|\[GS\]|<0x1D>|\\x1d|\\u001d|\\F|\^\]|␝|\|", re.IGNORECASE)
"""What scanners and hosts show for FNC1."""


def unmangled_candidates(text: str) -> Iterator[str]:
    """What the text may have been before the damage, at most eight, likeliest first.

    Every candidate reads as a code with a full-length signature, and its AIs differ
    from those of `text` and of the other candidates; whether it verifies is for the
    caller to find out.
    """
    return islice(_signed_readings(text), CANDIDATES)


def _signed_readings(text: str) -> Iterator[str]:
    if len(text) > LIMITS.code_characters:
        return
    seen = {_signed_ais(text), None}
    for guess in _guesses(text):
        ais = _signed_ais(guess)
        if ais not in seen:
            seen.add(ais)
            yield guess


def _signed_ais(text: str) -> frozenset[tuple[str, str]] | None:
    """What a code with a full-length signature says, None for any other text."""
    try:
        code = read_code(text)
    except CodeError:
        return None
    signature = code.value(SIGNATURE)
    if signature is None or len(signature) != SIGNATURE_CHARACTERS:
        return None
    return frozenset(code.ais)


def _guesses(text: str) -> Iterator[str]:
    for swap in _LETTER_SWAPS:
        yield text.translate(swap)
    for layout in _HOSTS_WITH_DEAD_ACUTE:
        yield _typed_keys(text).translate(layout)
    for layout in _OTHER_LAYOUTS:
        yield text.translate(layout)
    yield from _separated(_with_separators(text))


def _keys(plain: str, shifted: str) -> str:
    """The characters of a keyboard, key by key; blanks part its rows."""
    return (plain + shifted).replace(" ", "")


_US = _keys(
    "1234567890-= qwertyuiop[] asdfghjkl;'\\ zxcvbnm,./",
    '!@#$%^&*()_+ QWERTYUIOP{} ASDFGHJKL:"| ZXCVBNM<>?',
)
_GERMAN = _keys(
    "1234567890ß´ qwertzuiopü+ asdfghjklöä# yxcvbnm,.-",
    "!\"§$%&/()=?` QWERTZUIOPÜ* ASDFGHJKLÖÄ' YXCVBNM;:_",
)
_FRENCH = _keys(
    "&é\"'(-è_çà)= azertyuiop^$ qsdfghjklmù* wxcvbn,;:!",
    "1234567890°+ AZERTYUIOP¨£ QSDFGHJKLM%µ WXCVBN?./§",
)
_SPANISH = _keys(
    "1234567890'¡ qwertyuiop`+ asdfghjklñ´ç zxcvbnm,.-",
    '!"·$%&/()=?¿ QWERTYUIOP^* ASDFGHJKLÑ¨Ç ZXCVBNM;:_',
)


def _swap(shown: str, meant: str) -> dict[int, str]:
    return {ord(s): m for s, m in zip(shown, meant, strict=True)}


_ITALIAN_AND_NORDIC = _swap("çìÖÆØ+´", ":=:::-=")
"""Where these layouts differ from the Spanish one, as far as a code has such
characters; what the same keys type in Spanish, no code has."""

_LETTER_SWAPS = (
    _swap("yzYZ", "zyZY"),
    _swap("aqzwAQZW", "qawzQAWZ"),
    {ord(each): each.swapcase() for each in _US if each.isalpha()},  # Caps Lock
)
_HOSTS_WITH_DEAD_ACUTE = (
    _swap(_GERMAN, _US),
    _swap(_SPANISH, _US) | _ITALIAN_AND_NORDIC,
)
_OTHER_LAYOUTS = (
    _swap(_FRENCH, _US),
    _swap(_US, _GERMAN),
    _swap(_US, _FRENCH),
)
_ACUTE_OVER_LETTER = re.compile("([A-Za-z])\u0301")


def _typed_keys(text: str) -> str:
    """Letters with an acute accent taken apart again into two keys.

    `=` is a dead acute in German: with the `E` that opens a signature field it types `É`.
    """
    apart = _ACUTE_OVER_LETTER.sub("´\\1", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", apart)


def _with_separators(text: str) -> str:
    """Stand-ins turned into FNC1, and one set before the signature that ends the text."""
    text = _STAND_INS.sub("\x1d", text)
    return re.sub(r"(?<!\x1d)8030(?=[A-Za-z0-9_-]{88}\Z)", "\x1d8030", text)


_MOST_PLACES = 16
_AI_INSIDE = re.compile("(?<!\x1d)(?=10|11|17|21)")


def _separated(text: str) -> Iterator[str]:
    """`text` as it is, and with a separator set before one AI that may begin inside."""
    if not _UNSEPARATED.fullmatch(text):
        return
    yield text
    inside = _AI_INSIDE.finditer(text, 16, len(text) - len(SIGNATURE) - SIGNATURE_CHARACTERS)
    for found in islice(inside, _MOST_PLACES):
        yield f"{text[: found.start()]}\x1d{text[found.start() :]}"
