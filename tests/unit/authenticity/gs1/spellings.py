"""Codes to draw, and ways to spell them that owe nothing to the code under test."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from hypothesis import strategies as st

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.code import Code, read_code

Ais = tuple[tuple[str, str], ...]
Drawn = TypeVar("Drawn")
Draw = st.DrawFn

FNC1 = "\x1d"
CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ENDS_BY_ITSELF = {"00", "01", "02", "11", "13", "15", "16", "17", "20"}


def check_digit(digits: str) -> str:
    """GS1 General Specifications 7.9, step by step: weights 3 and 1 from the right."""
    total = sum(int(d) * (3 if place % 2 == 0 else 1) for place, d in enumerate(reversed(digits)))
    return str(-total % 10)


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


gtins = _digits(13).map(lambda body: body + check_digit(body))
ssccs = _digits(17).map(lambda body: body + check_digit(body))
any_text = st.text(CSET_82, min_size=1, max_size=20)
plain_text = st.text("ABCXYZ0123456789-_", min_size=1, max_size=20)
dates = (
    st.dates()
    .map(lambda day: day.strftime("%y%m%d"))
    .flatmap(lambda day: st.sampled_from((day, day[:4] + "00")))
)
signatures = st.text(BASE64URL, min_size=88, max_size=88)

_ATTRIBUTES: dict[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(("11", "13", "15", "16", "17"), dates),
    "20": _digits(2),
    "240": st.text(CSET_82, min_size=1, max_size=30),
    "712": any_text,
}


@st.composite
def ais_of_an_item(draw: Draw) -> Ais:
    """GTIN with any qualifiers and attributes, in any order."""
    found = {"01": draw(gtins)}
    if draw(st.booleans()) and draw(st.booleans()):
        found["235"] = draw(st.text(CSET_82, min_size=1, max_size=28))
    else:
        for ai in draw(st.sets(st.sampled_from(("22", "10", "21")))):
            found[ai] = draw(any_text)
    for ai in draw(st.sets(st.sampled_from(sorted(_ATTRIBUTES)), max_size=3)):
        found[ai] = draw(_ATTRIBUTES[ai])
    if "21" in found and draw(st.booleans()):
        found["8030"] = draw(signatures)
    return tuple(draw(st.permutations(list(found.items()))))


@st.composite
def ais_of_a_pallet(draw: Draw) -> Ais:
    """SSCC, alone or with what it contains."""
    found = {"00": draw(ssccs)}
    if draw(st.booleans()):
        found |= {"02": draw(gtins), "37": draw(st.text("0123456789", min_size=1, max_size=8))}
        if draw(st.booleans()):
            found["10"] = draw(any_text)
    return tuple(draw(st.permutations(list(found.items()))))


any_ais = st.one_of(ais_of_an_item(), ais_of_a_pallet())


def as_element_string(ais: Ais) -> str:
    """FNC1 first and after every value that does not end by itself, but not last."""
    parts = [ai + value + ("" if ai in ENDS_BY_ITSELF else FNC1) for ai, value in ais]
    return FNC1 + "".join(parts).removesuffix(FNC1)


def as_bracketed(ais: Ais) -> str:
    return "".join("({}){}".format(ai, value.replace("(", r"\(")) for ai, value in ais)


@st.composite
def digital_links(draw: Draw, ais: Ais) -> str:
    """Any legal spelling of AIs that have one: escapes, stem, order, noise, fragment."""
    values = dict(ais)
    key = "01" if "01" in values else "00"
    path = [key]
    if key == "01":
        path += ["235"] if "235" in values else [q for q in ("22", "10", "21") if q in values]
    stem = draw(st.sampled_from(("", "", "/shop", "/de/x%2Fy", "/00/faux", "//a.b")))
    query = [f"{ai}={_escaped(draw, v, in_query=True)}" for ai, v in ais if ai not in path]
    for noise in draw(
        st.lists(st.sampled_from(("linkType=all", "", "x", "utm=1;a=b")), max_size=2)
    ):
        query.insert(draw(st.integers(0, len(query))), noise)
    spelled = "".join(f"/{ai}/{_escaped(draw, values[ai], in_query=False)}" for ai in path)
    host = draw(st.sampled_from(("id.maker.example", "A.Example", "a:8443", "[2001:db8::1]")))
    scheme = draw(st.sampled_from(("https", "http", "HTTPS", "HTTP")))
    fragment = draw(st.sampled_from(("", "", "#", "#01/x?21=y")))
    return f"{scheme}://{host}{stem}{spelled}{'?' if query else ''}{'&'.join(query)}{fragment}"


_RAW_IN_PATH = "!'()*,:;=&"
_RAW_IN_QUERY = "!'()*,:/?"


def _escaped(draw: Draw, value: str, *, in_query: bool) -> str:
    raw = (_RAW_IN_QUERY if in_query else _RAW_IN_PATH) + ("" if in_query else "+")
    style = draw(st.sampled_from(("plain", "raw", "all", "lower")))
    if style == "plain":
        return quote(value, safe="")
    if style == "raw":
        return quote(value, safe=raw)
    template = "%{:02X}" if style == "all" else "%{:02x}"
    return "".join(template.format(ord(character)) for character in value)


@st.composite
def damaged(draw: Draw, texts: st.SearchStrategy[str]) -> str:
    """A text with one to three small edits, at places and with characters that matter."""
    text = draw(texts)
    telling = st.sampled_from(
        ("/", "%", "%2F", "&", "=", "?", "#", "(", ")", "\\", FNC1, "01", "21")
    )
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 0, 1, 2, 16))))
        middle = draw(
            st.one_of(telling, st.just(""), st.text(max_size=2), st.just(text[start:end] * 2))
        )
        text = text[:start] + middle + text[end:]
    return text


spelled_codes = any_ais.flatmap(
    lambda ais: st.one_of(
        st.just(as_element_string(ais)), st.just(as_bracketed(ais)), digital_links(ais)
    )
)


def fault_of(text: str, read: Callable[[str], object] = read_code) -> CodeFault | None:
    """Why `text` is refused, or None if it is not."""
    try:
        read(text)
    except CodeError as error:
        return error.fault
    return None


def outcome(text: str, read: Callable[[str], Code] = read_code) -> Code | tuple[CodeFault, int]:
    """The code, or the fault with its offset, to compare two readers."""
    try:
        return read(text)
    except CodeError as error:
        return error.fault, error.offset


def has_dot_value(ais: Sequence[tuple[str, str]]) -> bool:
    """Whether a browser would drop a value from the path."""
    return any(value in (".", "..") for ai, value in ais if ai in ("22", "10", "21", "235"))
