"""Serials as minted here: 15 random characters and one that checks them.

Neither case nor any glyph can be mistaken (no `0 O 1 I L`), and no letter that a
keyboard layout swaps is in the alphabet's tail (`Y Z`). Pure: the random bytes come
from the caller, who takes them from the operating system.
"""

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWX"
BODY_CHARACTERS = 15
SERIAL_CHARACTERS = BODY_CHARACTERS + 1
RANDOM_BYTES = 48
"""What to pass to `mint_serial`: the chance that they run out is below 10^-19."""

_SIZE = len(ALPHABET)
_FAIR = 256 - 256 % _SIZE
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_MINUS_LAST_WEIGHT_INVERSE = pow(-SERIAL_CHARACTERS, -1, _SIZE)


def mint_serial(random_bytes: bytes) -> str:
    """A serial with log2(29^15) = 72.8 bits from uniformly random bytes.

    Bytes of 232 and more are passed over: taken modulo 29, they would favour the
    first characters of the alphabet. Raises `ValueError` if too few bytes remain.
    """
    fair = [byte % _SIZE for byte in random_bytes if byte < _FAIR][:BODY_CHARACTERS]
    if len(fair) < BODY_CHARACTERS:
        raise ValueError(f"not enough random bytes; pass {RANDOM_BYTES}")
    body = "".join([ALPHABET[value] for value in fair])
    return body + check_character(body)


def check_character(body: str) -> str:
    """The character that makes the sum of position times value divisible by 29.

    Positions 1 to 16 are distinct and not zero modulo the prime 29, so every single
    wrong character and every swap of two is caught. Raises `ValueError` if `body` is
    not 15 characters of the alphabet.
    """
    if len(body) != BODY_CHARACTERS:
        raise ValueError(f"a serial's body has {BODY_CHARACTERS} characters, not {len(body)}")
    try:
        total = sum([place * _VALUE[each] for place, each in enumerate(body, 1)])
    except KeyError as stranger:
        raise ValueError(f"not a character of a minted serial: {stranger}") from None
    return ALPHABET[total * _MINUS_LAST_WEIGHT_INVERSE % _SIZE]


def is_minted_serial(serial: str) -> bool:
    """Whether `serial` has the form of one minted here; not whether it was."""
    if len(serial) != SERIAL_CHARACTERS or not all(each in _VALUE for each in serial):
        return False
    return check_character(serial[:BODY_CHARACTERS]) == serial[BODY_CHARACTERS]
