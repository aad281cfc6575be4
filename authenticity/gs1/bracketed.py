"""The human-readable form: AIs in round brackets, `(01)09520123456788(21)A\\(1`.

A bracket that opens inside a value is written `\\(`; a closing one needs no escape.
"""

import re

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.elements import Element, definition_of

_ELEMENT = re.compile(r"\(([^()]*)\)((?:\\\(|[^(])*)", re.DOTALL)


def read_bracketed(text: str, start: int) -> list[Element]:
    """The elements of `text` from `start` on, where the first bracket opens.

    Values are unescaped, not checked. Raises `CodeError`.
    """
    elements: list[Element] = []
    at = start
    while at < len(text):
        found = _ELEMENT.match(text, at)
        if found is None:
            raise CodeError(CodeFault.NOT_A_CODE, at, "no AI in brackets here")
        known = definition_of(found[1], at + 1)
        spelled = found[2]
        elements.append(Element(known.ai, spelled.replace(r"\(", "("), found.start(2), spelled))
        at = found.end()
    return elements
