"""One code, one meaning: every spelling reads the same, no text reads two ways."""

from urllib.parse import parse_qsl, unquote, urlsplit

from hypothesis import assume, given
from hypothesis import strategies as st

from authenticity.errors import CodeError
from authenticity.gs1.ai_table import KEYS
from authenticity.gs1.code import Code, Form, _read_any, _read_common, read_code, write_digital_link
from tests.unit.authenticity.gs1.spellings import (
    Ais,
    any_ais,
    as_bracketed,
    as_element_string,
    damaged,
    dates,
    digital_links,
    gtins,
    has_dot_value,
    outcome,
    plain_text,
    signatures,
    spelled_codes,
)

element_strings = any_ais.map(as_element_string)
links = any_ais.flatmap(digital_links)


@given(any_ais)
def test_element_string_and_brackets_carry_the_same_ais_in_the_same_order(ais: Ais) -> None:
    assert read_code(as_element_string(ais)).ais == ais
    assert read_code(as_bracketed(ais)).ais == ais


@given(any_ais, st.data())
def test_every_spelling_of_a_digital_link_carries_the_same_ais(
    ais: Ais, data: st.DataObject
) -> None:
    assume(not has_dot_value(ais))
    text = data.draw(digital_links(ais))
    assume(len(text) <= 512)
    assert dict(read_code(text).ais) == dict(ais)


@given(spelled_codes)
def test_canonical_spelling_reads_as_itself_with_the_same_ais(text: str) -> None:
    try:
        code = read_code(text)
    except CodeError:
        assume(False)
    assume(code.canonical is not None)
    assert code.canonical is not None
    again = read_code(code.canonical)
    assert dict(again.ais) == dict(code.ais)
    assert again.canonical == code.canonical
    assert again.item == code.item


@given(any_ais, st.data())
def test_percent_encoding_never_shows_in_the_canonical_spelling(
    ais: Ais, data: st.DataObject
) -> None:
    assume(not has_dot_value(ais))
    texts = [data.draw(digital_links(ais)) for _ in range(2)]
    assume(all(len(text) <= 512 for text in texts))
    assert len({read_code(text).canonical for text in texts}) == 1


@given(st.one_of(links, damaged(links)))
def test_accepted_link_means_the_same_to_a_reader_from_the_left(text: str) -> None:
    code = outcome(text)
    assume(isinstance(code, Code) and code.form is Form.DIGITAL_LINK)
    assert isinstance(code, Code)
    assert _read_from_the_left(text) == dict(code.ais)


def _read_from_the_left(text: str) -> dict[str, str]:
    """Another reader, of the standard library: the first key in the path that has a
    numeric value opens it, pairs follow, then the query's numeric keys."""
    parts = urlsplit(text)
    segments = parts.path.split("/")
    first = next(
        place
        for place, segment in enumerate(segments)
        if segment in KEYS and unquote(segments[place + 1])[:1].isdecimal()
    )
    path = segments[first:]
    found = dict(zip(path[::2], map(unquote, path[1::2]), strict=True))
    query = parse_qsl(parts.query, keep_blank_values=True)
    return found | {key: value for key, value in query if key.isdigit()}


@given(st.one_of(element_strings, damaged(element_strings)))
def test_accepted_element_string_is_spelled_as_its_ais_demand(text: str) -> None:
    code = outcome(text)
    assume(isinstance(code, Code) and code.form is Form.ELEMENT_STRING)
    assert isinstance(code, Code)
    bare = text if text.startswith("\x1d") else "\x1d" + text
    assert as_element_string(code.ais).replace("\x1d", "") == bare.replace("\x1d", "")
    assert bare.count("\x1d") >= as_element_string(code.ais).count("\x1d")


common_links = st.builds(
    lambda scheme, gtin, lot, serial, produced, expiry, signature: (
        f"{scheme}://id.maker.example/01/{gtin}{lot}/21/{serial}?{produced}{expiry}8030={signature}"
    ),
    st.sampled_from(("http", "https")),
    gtins,
    st.one_of(st.just(""), plain_text.map("/10/{}".format)),
    plain_text,
    st.one_of(st.just(""), dates.map("11={}&".format)),
    st.one_of(st.just(""), dates.map("17={}&".format)),
    signatures,
)


@given(common_links)
def test_fast_path_takes_what_is_printed_here_and_answers_as_the_grammar(text: str) -> None:
    assert _read_common(text) is not None
    assert read_code(text) == _read_any(text)


@given(damaged(common_links))
def test_fast_path_never_answers_differently_from_the_grammar(text: str) -> None:
    assume(len(text) <= 512)
    assert outcome(text) == outcome(text, _read_any)


@given(any_ais)
def test_what_is_written_reads_back(ais: Ais) -> None:
    try:
        uri = write_digital_link(ais, "id.maker.example")
    except CodeError:
        assume(False)
    code = read_code(uri)
    assert dict(code.ais) == dict(ais)
    assert code.host == "id.maker.example"
    assert write_digital_link(code.ais, "id.maker.example") == uri or code.value("235")
