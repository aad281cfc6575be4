"""Every finding and every reason that the core can give has words in every language."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import authenticity
from authenticity.detection.alerts import Alert, alert_id
from authenticity.detection.features import FEATURES as COUNTED
from authenticity.detection.findings import SEVERITY, FindingKind, Reason, because
from authenticity.gs1.item import ItemId
from verifier_api.i18n.findings import FEATURES, REASONS, TITLES, likelihood, localize, sentence
from verifier_api.i18n.translator import LANGUAGES, load_translators

WORDS = load_translators()
CORE = sorted(Path(authenticity.__file__).parent.rglob("*.py"))
CALCULATED = {"code": ("sold-twice", "seized-twice"), "name": COUNTED}
"""Names of variables that stand for reason codes in calls of `because`."""


def _reasons() -> Iterator[tuple[str, frozenset[str]]]:
    """Every reason code in the core's calls of `because`, with the names of its facts."""
    for source in CORE:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "because":
                facts = frozenset(keyword.arg or "" for keyword in node.keywords)
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield str(code.value), facts
                else:
                    assert isinstance(code, ast.Name), f"{source.name}: {ast.unparse(node)}"
                    yield from ((each, facts) for each in CALCULATED[code.id])


GIVEN = dict(_reasons())
_VALUES: dict[str, int | str] = {"scanners": "trusted", "countries": "FR,JP", "half_nats": 5}


def _reason(code: str) -> Reason:
    return because(code, **{name: _VALUES.get(name, 2) for name in GIVEN[code]})


def test_the_core_gives_reasons_and_the_scan_of_its_source_sees_them() -> None:
    assert {"sold-twice", "serial-in-no-batch", "many-items-look-copied", *COUNTED} <= set(GIVEN)
    assert len(GIVEN) > 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_a_title(language: str) -> None:
    titles = {localize(kind, None, (), WORDS[language]).title for kind in FindingKind}
    assert set(TITLES) == set(FindingKind)
    assert len(titles) == len(FindingKind)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(GIVEN))
def test_every_reason_of_the_core_is_told_with_its_facts(code: str, language: str) -> None:
    told = sentence(_reason(code), WORDS[language])
    assert not told.startswith(code)
    assert "{" not in told
    if {"at_least", "km", "hours_between", "items_at_least"} & GIVEN[code]:
        assert "2" in told or "4" in told or code == "official"


def test_words_are_kept_for_nothing_that_the_core_no_longer_says() -> None:
    bases = {name.rsplit("-", 1)[0] for name in COUNTED} | set(COUNTED)
    assert set(FEATURES) <= bases
    assert set(REASONS) <= set(GIVEN)


def test_a_reason_says_which_way_it_speaks_and_how_strongly() -> None:
    words = WORDS["en"]
    told = [
        sentence(because("away-attested", at_least=3, half_nats=half), words)
        for half in (6, 1, -1, -6)
    ]
    assert told == [
        f"{way}: places away from home (by network address): 3."
        for way in (
            "Speaks strongly for copies",
            "Speaks for copies",
            "Speaks against copies",
            "Speaks strongly against copies",
        )
    ]


def test_what_is_counted_in_powers_of_two_is_told_as_a_count() -> None:
    told = sentence(because("sessions", at_least=3, half_nats=2), WORDS["en"])
    assert told == "Speaks for copies: sessions: about 8."


def test_countries_and_scanners_are_told_in_the_readers_language() -> None:
    reason = because("scanned-outside-its-markets", countries="FR,JP", scanners="trusted")
    assert sentence(reason, WORDS["de"]) == (
        "Außerhalb seiner Märkte gescannt, in: Frankreich, Japan (gelesen von: bekannte Scanner)."
    )


@pytest.mark.parametrize(
    ("probability", "told"),
    [
        (None, ""),
        (0.99, "almost certain (99%)"),
        (0.93, "very likely (93%)"),
        (0.7, "likely (70%)"),
        (0.4, "possible (40%)"),
        (0.05, "unlikely (5%)"),
    ],
)
def test_a_probability_is_told_in_words_and_percent(probability: float | None, told: str) -> None:
    assert likelihood(probability, WORDS["en"]) == told


@pytest.mark.parametrize(
    "reason",
    [
        because("not-known-yet", things=3),
        because("away-attested"),
        because("lot-differs", printed="L1"),
        because("code-refused", scanners="robots"),
        because("sessions", at_least=10**9, half_nats=-3),
    ],
)
def test_a_reason_of_another_version_is_still_told(reason: Reason) -> None:
    assert sentence(reason, WORDS["ko"])


def test_an_alert_tells_its_reasons_in_their_order_and_what_to_inspect() -> None:
    reasons = (because("sold-twice", hours_between=4), because("seized-twice", hours_between=9))
    kind = FindingKind.CLONE_CONFIRMED
    item = ItemId("https://id.gs1.org/01/09521234000013/21/A")
    alert = Alert(alert_id(item, kind), item, kind, SEVERITY[kind], None, 1, False, reasons)
    told = localize(alert.kind, alert.probability, alert.reasons, WORDS["en"])
    assert told.reasons == ("Sold twice, 4 hours apart.", "Seized twice, 9 hours apart.")
    assert "security features" in told.inspect[0]
