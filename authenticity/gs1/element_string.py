"""GS1 element strings, as scanners of the supply chain send them.

GS1 General Specifications, section 7.8: AIs with predefined length run into the
next; any other value ends at FNC1, sent as the control character GS (29), or at the
end of the text. A superfluous FNC1 after a predefined length, or at the end, is
tolerated; two in a row are not.
"""

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.ai_table import AI_LENGTH
from authenticity.gs1.elements import Element, definition_of

FNC1 = "\x1d"


def read_element_string(text: str, start: int) -> list[Element]:
    """The elements of `text` from `start` on, where the first AI begins.

    Values are cut out, not checked, except that a predefined length is filled.
    Raises `CodeError`.
    """
    elements: list[Element] = []
    at = start
    while at < len(text):
        known = definition_of(_ai_at(text, at), at)
        at += len(known.ai)
        if known.predefined_length:
            value = text[at : at + known.longest]
            if FNC1 in value or len(value) < known.longest:
                short = value.partition(FNC1)[0]
                detail = f"AI ({known.ai}) has {len(short)} characters; it takes {known.longest}"
                raise CodeError(CodeFault.BAD_LENGTH, at + len(short), detail)
        else:
            value = text[at:].partition(FNC1)[0]
        elements.append(Element(known.ai, value, at, value))
        at += len(value)
        if text.startswith(FNC1, at):
            at += 1
    if not elements:
        raise CodeError(CodeFault.NOT_A_CODE, start, "no AI follows the FNC1")
    return elements


def _ai_at(text: str, at: int) -> str:
    """The AI that begins here. Its length follows from its first two digits."""
    prefix = text[at : at + 2]
    return text[at : at + AI_LENGTH.get(prefix, 2)]
