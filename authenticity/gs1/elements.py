"""One AI with its value and its place in the text, and what a set of them may be.

Reading has three steps, in this order, so that an AI we do not know is always
reported as such, and never as a fault of something that we do know:
1. the reader of a form (URI, element string, brackets) splits the text and looks up
   every AI with `definition_of`;
2. each value is checked by itself;
3. the AIs are checked together.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.ai_table import ASSIGNED, PROFILE, ApplicationIdentifier

_PERCENT_UNIT = re.compile("%..|.", re.DOTALL)
_BRACKET_UNIT = re.compile(r"\\\(|.", re.DOTALL)


class Element(NamedTuple):
    """`value` is decoded; `spelled` is how the text has it, from `offset` on."""

    ai: str
    value: str
    offset: int
    spelled: str


def definition_of(ai: str, offset: int) -> ApplicationIdentifier:
    """What this profile knows of `ai`; `CodeError` if it is not in it."""
    known = PROFILE.get(ai)
    if known is not None:
        return known
    if ai in ASSIGNED:
        detail = f"AI ({ai}) is outside the profile of this reader"
        raise CodeError(CodeFault.OUTSIDE_PROFILE, offset, detail)
    raise CodeError(CodeFault.UNKNOWN_AI, offset, f"no such AI: {ai[:4]!a}")


def _place(element: Element, index: int) -> int:
    """Offset in the text of the value's character `index`.

    A value that is shorter than its spelling holds escapes: `\\(` in brackets, where
    a backslash is nothing else; percent escapes in a URI, where none may stand.
    """
    if len(element.spelled) == len(element.value):
        return element.offset + index
    unit = _BRACKET_UNIT if "\\" in element.spelled else _PERCENT_UNIT
    widths = [len(each) for each in unit.findall(element.spelled)]
    return element.offset + sum(widths[:index])


def check_value(element: Element) -> None:
    """Refuse a value of the wrong length, alphabet, check digit, date or padding."""
    ai, value, offset, _ = element
    known = PROFILE[ai]
    if not value:
        raise CodeError(CodeFault.EMPTY_VALUE, offset, f"AI ({ai}) has no value")
    if not known.shortest <= len(value) <= known.longest:
        detail = f"AI ({ai}) has {len(value)} characters; it takes {_lengths(known)}"
        place = _place(element, min(len(value), known.longest))
        raise CodeError(CodeFault.BAD_LENGTH, place, detail)
    fitting = known.characters.match(value)
    assert fitting is not None
    if fitting.end() != len(value):
        detail = f"AI ({ai}) may not hold {value[fitting.end()]!a}"
        raise CodeError(CodeFault.BAD_CHARACTER, _place(element, fitting.end()), detail)
    complaint = known.lint(value) if known.lint else None
    if complaint:
        fault, index, detail = complaint
        raise CodeError(fault, _place(element, index), f"AI ({ai}): {detail}")


def _lengths(known: ApplicationIdentifier) -> str:
    if known.shortest == known.longest:
        return f"exactly {known.longest}"
    return f"{known.shortest} to {known.longest}"


def check_ai_associations(elements: Sequence[Element], end: int) -> None:
    """Refuse repeated AIs, pairs that exclude each other, and AIs that lack a partner.

    A repeat is refused even with an equal value: two readers, one keeping the first
    and one the last, must not be able to disagree. `end` is where a missing AI is
    reported.
    """
    places: dict[str, int] = {}
    for ai, _, offset, _ in elements:
        if ai in places:
            raise CodeError(CodeFault.DUPLICATE_AI, offset, f"AI ({ai}) is there twice")
        places[ai] = offset
    present = places.keys()
    for ai in places:
        known = PROFILE[ai]
        for other in sorted(known.excludes & present):
            detail = f"AIs ({ai}) and ({other}) exclude each other"
            raise CodeError(CodeFault.CONFLICTING_AIS, max(places[ai], places[other]), detail)
        if known.requires and not any(each <= present for each in known.requires):
            wanted = " or ".join("+".join(sorted(each)) for each in known.requires)
            raise CodeError(CodeFault.MISSING_AI, end, f"AI ({ai}) needs AI {wanted} beside it")
