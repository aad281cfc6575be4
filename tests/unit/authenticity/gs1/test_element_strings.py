"""Element strings and their bracketed form, as scanners and people send them."""

import pytest

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.code import Form, read_code
from tests.unit.authenticity.gs1.spellings import fault_of

G = "09520123456788"
SSCC = "106141412345678908"
AIS = (("01", G), ("17", "271231"), ("10", "L7"), ("21", "AB2"))
MESSAGE = f"01{G}1727123110L7\x1d21AB2"


@pytest.mark.parametrize("start", ["\x1d", "]C1", "]d2", "]Q3", "]e0", "]J1", "]d2\x1d", ""])
def test_fnc1_in_first_position_may_come_in_any_guise(start: str) -> None:
    code = read_code(start + MESSAGE)
    assert code.ais == AIS
    assert code.form is Form.ELEMENT_STRING
    assert code.host is None


@pytest.mark.parametrize("start", ["]C0", "]d1", "]Q1", "]E0", "]A0", "^", " "])
def test_text_announced_as_something_else_is_no_code(start: str) -> None:
    assert fault_of(start + MESSAGE) is CodeFault.NOT_A_CODE


@pytest.mark.parametrize("text", ["10L7", "21AB2", "17271231", "9520123456788", "0123", "", "A"])
def test_text_without_fnc1_is_a_code_only_if_a_key_opens_it(text: str) -> None:
    assert fault_of(text) is CodeFault.NOT_A_CODE


@pytest.mark.parametrize(
    "text", [f"\x1d01{G}\x1d21AB2", f"\x1d01{G}21AB2\x1d", f"\x1d01{G}\x1d21AB2\x1d"]
)
def test_superfluous_fnc1_is_tolerated(text: str) -> None:
    assert read_code(text).ais == (("01", G), ("21", "AB2"))


@pytest.mark.parametrize(
    ("text", "fault", "offset"),
    [
        ("\x1d", CodeFault.NOT_A_CODE, 1),
        ("\x1d\x1d01" + G, CodeFault.UNKNOWN_AI, 1),
        (f"\x1d01{G}\x1d\x1d21A", CodeFault.UNKNOWN_AI, 18),
        (f"\x1d01{G[:-1]}\x1d", CodeFault.BAD_LENGTH, 16),
        (f"\x1d01{G[:-1]}", CodeFault.BAD_LENGTH, 16),
        (f"\x1d01{G}21", CodeFault.EMPTY_VALUE, 19),
        (f"\x1d01{G}21\x1d10L", CodeFault.EMPTY_VALUE, 19),
        (f"\x1d01{G}21A~B", CodeFault.BAD_CHARACTER, 20),
        (f"\x1d01{G}21" + "A" * 21, CodeFault.BAD_LENGTH, 39),
        (f"\x1d01{G}8299A", CodeFault.UNKNOWN_AI, 17),
        (f"\x1d01{G}99A", CodeFault.OUTSIDE_PROFILE, 17),
        (f"\x1d01{G}8020", CodeFault.OUTSIDE_PROFILE, 17),
        (f"\x1d01{G}8", CodeFault.UNKNOWN_AI, 17),
        (f"\x1d01{G}21A\x1d21A", CodeFault.DUPLICATE_AI, 23),
        (f"\x1d01{G}02{G}", CodeFault.CONFLICTING_AIS, 19),
        (f"\x1d01{G}3712", CodeFault.CONFLICTING_AIS, 19),
        ("\x1d21A", CodeFault.MISSING_AI, 4),
        (f"\x1d00{SSCC[:-1]}0", CodeFault.BAD_CHECK_DIGIT, 20),
        (f"\x1d02{G}3712", CodeFault.MISSING_AI, 21),
        (f"\x1d01{G}235T\x1d21A", CodeFault.CONFLICTING_AIS, 24),
        (f"\x1d01{G}8030AB", CodeFault.MISSING_AI, 23),
        (f"\x1d01{G}21A\x1d8030===", CodeFault.BAD_CHARACTER, 27),
        (f"\x1d01{G}21A\x1d8030ABC=", CodeFault.BAD_VALUE, 28),
        (f"\x1d01{G}21A\x1d8030" + "A" * 91, CodeFault.BAD_LENGTH, 115),
        (f"\x1d01{G}250X", CodeFault.MISSING_AI, 21),
    ],
)
def test_refusal_has_a_name_and_a_place(text: str, fault: CodeFault, offset: int) -> None:
    with pytest.raises(CodeError) as refusal:
        read_code(text)
    assert (refusal.value.fault, refusal.value.offset) == (fault, offset)


def test_repeat_is_refused_even_with_an_equal_value() -> None:
    assert fault_of(f"(01){G}(01){G}") is CodeFault.DUPLICATE_AI


def test_ai_outside_the_profile_is_named_before_any_fault_of_the_rest() -> None:
    with pytest.raises(CodeError, match=r"\(99\)") as refusal:
        read_code("(01)09520123456780(17)999999(99)A(01)1")
    assert refusal.value.fault is CodeFault.OUTSIDE_PROFILE


def test_pallet_label_reads_with_its_content() -> None:
    code = read_code(f"]C100{SSCC}02{G}3712\x1d10L7")
    assert code.ais == (("00", SSCC), ("02", G), ("37", "12"), ("10", "L7"))
    assert code.item is None
    assert code.canonical == f"https://id.gs1.org/00/{SSCC}?02={G}&37=12&10=L7"


def test_bracket_inside_a_value_is_escaped() -> None:
    assert read_code(rf"(01){G}(21)A\(1)").value("21") == "A(1)"
    assert read_code(rf"(01){G}(21)A\(").canonical == f"https://id.gs1.org/01/{G}/21/A%28"


@pytest.mark.parametrize(
    ("text", "fault", "offset"),
    [
        ("(", CodeFault.NOT_A_CODE, 0),
        ("(01", CodeFault.NOT_A_CODE, 0),
        ("()1", CodeFault.UNKNOWN_AI, 1),
        ("(1A)12345", CodeFault.UNKNOWN_AI, 1),
        (f"(01){G}(", CodeFault.NOT_A_CODE, 18),
        (f"(01){G}(21)", CodeFault.EMPTY_VALUE, 22),
        (f"(01){G} (21)A", CodeFault.BAD_LENGTH, 18),
        (rf"(01){G}(21)A\B", CodeFault.BAD_CHARACTER, 23),
        (rf"(01){G}(21)\(^", CodeFault.BAD_CHARACTER, 24),
        (f"(01){G}(21)A\x1d(10)L", CodeFault.BAD_CHARACTER, 23),
        (f"(01){G}(21)A\n", CodeFault.BAD_CHARACTER, 23),
        (f"(01){G}(٢١)A", CodeFault.UNKNOWN_AI, 19),
    ],
)
def test_malformed_brackets_are_refused_where_they_break(
    text: str, fault: CodeFault, offset: int
) -> None:
    with pytest.raises(CodeError) as refusal:
        read_code(text)
    assert (refusal.value.fault, refusal.value.offset) == (fault, offset)
