"""What a Digital Link must look like, rule by rule. Each refusal has its own name."""

import pytest

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.code import Form, read_code, write_digital_link
from authenticity.limits import Limits
from tests.unit.authenticity.gs1.spellings import fault_of

G = "09520123456788"
LINK = f"https://id.maker.example/01/{G}"
SIGNATURE = "EQ" + "Ab-_" * 21 + "xy"


def test_minted_code_gives_ais_item_host_and_form() -> None:
    code = read_code(f"{LINK}/10/L7/21/AB2?17=271231&8030={SIGNATURE}")
    expected = (("01", G), ("10", "L7"), ("21", "AB2"), ("17", "271231"), ("8030", SIGNATURE))
    assert code.ais == expected
    assert code.host == "id.maker.example"
    assert code.form is Form.DIGITAL_LINK
    assert code.item == f"https://id.gs1.org/01/{G}/21/AB2"
    assert code.value("10") == "L7"
    assert code.value("11") is None


def test_code_without_serial_names_no_item() -> None:
    assert read_code(LINK).item is None


def test_serial_is_escaped_in_the_item() -> None:
    assert read_code(f"{LINK}/21/a%2Fb").item == f"https://id.gs1.org/01/{G}/21/a%2Fb"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (f"https://ID.Maker.Example/01/{G}", "id.maker.example"),
        (f"https://a.example:443/01/{G}", "a.example"),
        (f"http://a.example:80/01/{G}", "a.example"),
        (f"https://a.example:80/01/{G}", "a.example:80"),
        (f"https://a.example:/01/{G}", "a.example"),
        (f"https://a.example./01/{G}", "a.example"),
        (f"https://[2001:DB8::1]:8443/01/{G}", "[2001:db8::1]:8443"),
    ],
)
def test_two_spellings_of_one_host_are_one_host(text: str, host: str) -> None:
    assert read_code(text).host == host


@pytest.mark.parametrize(
    "authority",
    [
        *("user@a.example", "user:pw@a.example", "a_b.example", "a%2eb", "a..b", ".a", "", ":80"),
        *("a.example:65536", "a.example:x", "[::1", "[fe80::1%25lo]", "[12345::]", "a;b", "a,b"),
    ],
)
def test_host_that_is_no_plain_host_is_refused(authority: str) -> None:
    assert fault_of(f"https://{authority}/01/{G}") is CodeFault.BAD_HOST


@pytest.mark.parametrize("scheme", ["Https", "hTTP", "HttpS"])
def test_scheme_in_mixed_case_is_refused(scheme: str) -> None:
    assert fault_of(f"{scheme}://a/01/{G}") is CodeFault.BAD_SCHEME


@pytest.mark.parametrize("scheme", ["ftp", "urn", "javascript", "httpss"])
def test_other_scheme_is_no_code(scheme: str) -> None:
    assert fault_of(f"{scheme}://a/01/{G}") is CodeFault.NOT_A_CODE


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        ("", CodeFault.BAD_PATH),
        ("/", CodeFault.BAD_PATH),
        (f"/01/{G}/", CodeFault.BAD_PATH),
        (f"/01/{G}/21", CodeFault.BAD_PATH),
        (f"/01/{G}/21/", CodeFault.EMPTY_VALUE),
        (f"/01//21/{G}", CodeFault.EMPTY_VALUE),
        (f"/01//{G}", CodeFault.BAD_PATH),
        (f"/01/{G}//21/A", CodeFault.BAD_PATH),
        (f"/%30%31/{G}", CodeFault.BAD_PATH),
        (f"/gtin/{G}", CodeFault.BAD_PATH),
        (f"/01/{G}/89/A", CodeFault.UNKNOWN_AI),
        (f"/01/{G}/254/A", CodeFault.OUTSIDE_PROFILE),
        (f"/414/{G[:13]}", CodeFault.OUTSIDE_PROFILE),
        (f"?01={G}", CodeFault.BAD_HOST),
        (f"#/01/{G}", CodeFault.BAD_HOST),
    ],
)
def test_path_that_is_not_pairs_from_a_key_on_is_refused(tail: str, fault: CodeFault) -> None:
    assert fault_of(f"https://id.maker.example{tail}") is fault


@pytest.mark.parametrize(
    "tail",
    [
        *("/21/S/10/L", "/10/L/22/V", "/21/S/22/V", "/10/L/10/L", "/21/S/21/S"),
        *("/235/T/10/L", "/22/V/235/T", "/17/271231", "/235/T/21/S", "?10=L", "?21=S", "?22=V"),
        *("?235=T", "/21/S?10=L", "/10/L?21=S", "/22/V?10=L"),
    ],
)
def test_ai_in_the_wrong_place_is_refused(tail: str) -> None:
    assert fault_of(LINK + tail) is CodeFault.MISPLACED_AI


def test_lot_may_stand_in_the_query_where_the_path_has_no_place_for_it() -> None:
    code = read_code(f"{LINK}/235/T?10=L")
    assert code.canonical == f"https://id.gs1.org/01/{G}/235/T?10=L"


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("17=271231&17=271231", CodeFault.DUPLICATE_AI),
        (f"01={G}", CodeFault.DUPLICATE_AI),
        ("17=", CodeFault.EMPTY_VALUE),
        ("17", CodeFault.EMPTY_VALUE),
        ("89=A", CodeFault.UNKNOWN_AI),
        ("1=A", CodeFault.UNKNOWN_AI),
        ("99=A", CodeFault.OUTSIDE_PROFILE),
        ("3103=000195", CodeFault.OUTSIDE_PROFILE),
        ("%31%37=271231", CodeFault.BAD_QUERY),
        ("1%37=271231", CodeFault.BAD_QUERY),
        ("+17=271231", CodeFault.BAD_QUERY),
        ("x=1;17=271231", CodeFault.BAD_QUERY),
        ("240=a+b", CodeFault.BAD_CHARACTER),
        ("240=a%2", CodeFault.BAD_ESCAPE),
        ("x=%zz", CodeFault.BAD_ESCAPE),
        ("02=" + G, CodeFault.CONFLICTING_AIS),
        ("8030=" + SIGNATURE, CodeFault.MISSING_AI),
        ("37=1", CodeFault.CONFLICTING_AIS),
    ],
)
def test_query_that_two_readers_could_take_differently_is_refused(
    query: str, fault: CodeFault
) -> None:
    assert fault_of(f"{LINK}?{query}") is fault


@pytest.mark.parametrize("noise", ["?", "?&&", "?linkType=all", "?x", "?x=1;y=2", "#", "#21/S?17="])
def test_what_means_nothing_is_ignored(noise: str) -> None:
    assert read_code(LINK + noise).ais == (("01", G),)


def test_plus_is_a_plus_in_a_path_and_a_blank_in_a_query() -> None:
    assert read_code(f"{LINK}/10/a+b").value("10") == "a+b"
    assert read_code(f"{LINK}?240=a%2Bb").value("240") == "a+b"
    assert fault_of(f"{LINK}?240=a+b") is CodeFault.BAD_CHARACTER


@pytest.mark.parametrize(
    "stem",
    [
        *(f"/01/{G}", "/00/106141412345678908", "/x/01/95201234", f"/gtin/{G}", "/8004/A"),
        *(f"/%30%31/{G}", f"/x%2F01%2F{G}", "/01", "/414/9520123456788", "/01/9/x"),
    ],
)
def test_stem_with_another_key_is_refused(stem: str) -> None:
    assert fault_of(f"https://a{stem}/01/{G}") is CodeFault.AMBIGUOUS_STEM


@pytest.mark.parametrize("stem", ["/shop", "/de/01x", "/00/faux", "/21/S", "/a//b", "/12"])
def test_stem_without_a_key_means_nothing(stem: str) -> None:
    assert read_code(f"https://a{stem}/01/{G}").ais == (("01", G),)


@pytest.mark.parametrize("value", [".", "..", "%2e", "%2E%2e", ".%2E"])
def test_value_that_a_browser_drops_from_the_path_is_refused(value: str) -> None:
    assert fault_of(f"{LINK}/10/{value}/21/S") is CodeFault.BAD_PATH


def test_code_whose_lot_no_link_can_carry_has_no_canonical_spelling() -> None:
    assert read_code(f"(01){G}(10)..").canonical is None
    assert fault_of(f"https://a/01/{G}/10/..") is CodeFault.BAD_PATH


@pytest.mark.parametrize("character", [*' "<>\\^`{|}', "\n", "\t", "\0", "é", "\ud800", "１"])
def test_character_that_no_uri_has_is_refused_where_it_stands(character: str) -> None:
    with pytest.raises(CodeError) as refusal:
        read_code(f"{LINK}/21/A{character}B")
    assert refusal.value.fault is CodeFault.BAD_CHARACTER
    assert refusal.value.offset == len(LINK) + 5


@pytest.mark.parametrize("escaped", ["%00", "%C3%A9", "%20", "%7E", "%40", "%5E"])
def test_escaped_character_outside_cset_82_is_refused_where_it_stands(escaped: str) -> None:
    with pytest.raises(CodeError) as refusal:
        read_code(f"{LINK}/21/%41B{escaped}C")
    assert refusal.value.fault is CodeFault.BAD_CHARACTER
    assert refusal.value.offset == len(LINK) + 8


@pytest.mark.parametrize(
    ("tail", "fault", "offset"),
    [
        ("9520123456788", CodeFault.BAD_LENGTH, 13),
        ("095201234567880", CodeFault.BAD_LENGTH, 14),
        ("0952012345678A", CodeFault.BAD_CHARACTER, 13),
        ("09520123456780", CodeFault.BAD_CHECK_DIGIT, 13),
        (f"{G}/21/{'S' * 21}", CodeFault.BAD_LENGTH, 14 + 4 + 20),
        (f"{G}?17=271331", CodeFault.BAD_DATE, 14 + 4 + 2),
        (f"{G}?17=270229", CodeFault.BAD_DATE, 14 + 4 + 4),
        (f"{G}?8030=A", CodeFault.MISSING_AI, 14 + 7),
    ],
)
def test_refusal_points_at_the_place(tail: str, fault: CodeFault, offset: int) -> None:
    with pytest.raises(CodeError) as refusal:
        read_code(f"https://a/01/{tail}")
    assert (refusal.value.fault, refusal.value.offset) == (fault, len("https://a/01/") + offset)


@pytest.mark.parametrize(
    ("wrong", "right", "fault"),
    [
        (G[:-1] + "0", G, CodeFault.BAD_CHECK_DIGIT),
        ("11=260230", "11=260228", CodeFault.BAD_DATE),
        ("17=271301", "17=271231", CodeFault.BAD_DATE),
    ],
)
def test_minted_code_is_checked_like_any_other(wrong: str, right: str, fault: CodeFault) -> None:
    minted = f"{LINK}/10/L7/21/AB2?11=260228&17=271231&8030={SIGNATURE}"
    assert fault_of(minted) is None
    assert fault_of(minted.replace(right, wrong)) is fault


@pytest.mark.parametrize("date", ["000229", "240229", "271200", "960229", "991231"])
def test_date_of_any_century_and_month_without_day_is_taken(date: str) -> None:
    assert read_code(f"{LINK}?17={date}").value("17") == date


@pytest.mark.parametrize("date", ["230229", "270431", "270000", "271301", "270132"])
def test_date_that_does_not_exist_is_refused(date: str) -> None:
    assert fault_of(f"{LINK}?17={date}") is CodeFault.BAD_DATE


def test_513th_character_is_one_too_many() -> None:
    filler = f"{LINK}?x="
    longest = filler + "y" * (512 - len(filler))
    assert read_code(longest).ais == (("01", G),)
    assert fault_of(longest + "y") is CodeFault.TOO_LONG


def test_caller_may_set_a_lower_limit() -> None:
    with pytest.raises(CodeError) as refusal:
        read_code(LINK, Limits(code_characters=20))
    assert (refusal.value.fault, refusal.value.offset) == (CodeFault.TOO_LONG, 20)


@pytest.mark.parametrize("identifier", ["]Q1", "]Q2", "]d1", "]d4"])
def test_symbology_identifier_before_a_link_is_passed_over(identifier: str) -> None:
    assert read_code(identifier + LINK) == read_code(LINK)


@pytest.mark.parametrize("identifier", ["]Q3", "]d2", "]C1", "]E0"])
def test_identifier_that_announces_something_else_is_refused(identifier: str) -> None:
    assert fault_of(identifier + LINK) is not None


def test_writer_sets_every_ai_in_its_place() -> None:
    ais = [
        ("8030", "EQ"),
        ("17", "271231"),
        ("21", "A/B"),
        ("11", "260101"),
        ("01", G),
        ("10", "L"),
    ]
    uri = write_digital_link(ais, "id.maker.example")
    assert uri == f"{LINK}/10/L/21/A%2FB?17=271231&11=260101&8030=EQ"


@pytest.mark.parametrize(
    ("ais", "host", "fault"),
    [
        ([("01", G), ("21", "é")], "a", CodeFault.BAD_CHARACTER),
        ([("01", G), ("21", "\ud800")], "a", CodeFault.BAD_CHARACTER),
        ([("01", G[:-1] + "0")], "a", CodeFault.BAD_CHECK_DIGIT),
        ([("01", G), ("99", "A")], "a", CodeFault.OUTSIDE_PROFILE),
        ([("01", G), ("01", G)], "a", CodeFault.DUPLICATE_AI),
        ([("10", "L")], "a", CodeFault.MISPLACED_AI),
        ([("01", G), ("10", "..")], "a", CodeFault.MISPLACED_AI),
        ([("01", G)], "a/stem", CodeFault.BAD_HOST),
        ([("01", G)], "A.example", CodeFault.BAD_HOST),
        ([("01", G)], "user@a", CodeFault.BAD_HOST),
        ([("01", G)], "", CodeFault.BAD_HOST),
    ],
)
def test_writer_refuses_what_could_not_be_read_back(
    ais: list[tuple[str, str]], host: str, fault: CodeFault
) -> None:
    with pytest.raises(CodeError) as refusal:
        write_digital_link(ais, host)
    assert refusal.value.fault is fault
