"""biip, an independent GS1 library, reads what we accept in the same way."""

from urllib.parse import unquote, urlsplit

import biip.gs1_application_identifiers as theirs
from biip.gs1_digital_link_uris import _PRIMARY_IDENTIFIER_MAP, GS1DigitalLinkURI
from biip.gs1_messages import GS1Message
from hypothesis import assume, given
from hypothesis import strategies as st

from authenticity.gs1.ai_table import AI_LENGTH, ASSIGNED, PROFILE
from authenticity.gs1.code import Code, Form
from tests.unit.authenticity.gs1.spellings import (
    any_ais,
    as_element_string,
    damaged,
    digital_links,
    outcome,
)

element_strings = any_ais.map(as_element_string)
links = any_ais.flatmap(digital_links)


@given(st.one_of(element_strings, damaged(element_strings)))
def test_biip_reads_the_same_ais_in_every_element_string_we_accept(text: str) -> None:
    code = outcome(text)
    assume(isinstance(code, Code) and code.form is Form.ELEMENT_STRING)
    assert isinstance(code, Code)
    message = GS1Message.parse(text)
    assert tuple((each.ai.ai, each.value) for each in message.element_strings) == code.ais


@given(st.one_of(links, damaged(links)))
def test_biip_reads_the_same_ais_in_every_digital_link_we_accept(text: str) -> None:
    code = outcome(text)
    assume(isinstance(code, Code) and code.form is Form.DIGITAL_LINK)
    assert isinstance(code, Code)
    # biip takes every key in the stem for its own, and fails. That is no second reading.
    assume(_value_of_first_key(text)[:1].isdigit())
    message = GS1DigitalLinkURI.parse(text)
    assert {each.ai.ai: each.value for each in message.element_strings} == dict(code.ais)


def _value_of_first_key(text: str) -> str:
    segments = urlsplit(text).path.split("/")
    key = next(place for place, each in enumerate(segments) if each in _PRIMARY_IDENTIFIER_MAP)
    return unquote(segments[key + 1])


def test_every_assigned_ai_is_known_and_no_other() -> None:
    assert set(theirs._GS1_APPLICATION_IDENTIFIERS) == ASSIGNED


def test_length_of_every_assigned_ai_follows_from_its_first_two_digits() -> None:
    assert {ai for ai in ASSIGNED if AI_LENGTH[ai[:2]] != len(ai)} == set()


def test_separator_rules_of_the_profile_are_those_of_gs1() -> None:
    for ai, known in PROFILE.items():
        described = theirs._GS1_APPLICATION_IDENTIFIERS[ai]
        assert known.predefined_length is not described.separator_required, ai
