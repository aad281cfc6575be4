"""Every finding and every reason that the core can give has words in every language."""

import pytest

from authenticity.detection.alerts import Alert, alert_id
from authenticity.detection.features import FEATURES
from authenticity.detection.findings import FINDINGS, FindingKind
from authenticity.detection.reasons import REASONS, Reason
from authenticity.gs1.item import ItemId
from verifier_api.i18n.findings import likelihood, localize, sentence
from verifier_api.i18n.translator import LANGUAGES, load_translators

WORDS = load_translators()
GIVEN = {str(code): frozenset(row.facts) for code, row in REASONS.items()} | dict.fromkeys(
    [feature.name for feature in FEATURES], frozenset({"at_least", "half_nats"})
)
"""The names of the facts of every reason that the core can give."""
_VALUES: dict[str, int | str] = {"scanners": "trusted", "countries": "FR,JP", "half_nats": 5}


def _reason(code: str) -> Reason:
    return Reason(code, {name: _VALUES.get(name, 2) for name in GIVEN[code]})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_a_title(language: str) -> None:
    titles = {localize(kind, None, (), WORDS[language]).title for kind in FindingKind}
    assert len(titles) == len(FindingKind)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(GIVEN))
def test_every_reason_of_the_core_is_told_with_its_facts(code: str, language: str) -> None:
    wording = sentence(_reason(code), WORDS[language])
    assert not wording.startswith(code)
    assert "{" not in wording
    if {"at_least", "km", "hours_between", "items_at_least"} & GIVEN[code]:
        assert "2" in wording or "4" in wording


def test_a_reason_says_how_strongly_it_speaks() -> None:
    words = WORDS["en"]
    wording = [
        sentence(Reason("away", {"at_least": 3, "half_nats": half}), words) for half in (6, 1)
    ]
    assert wording == [
        "Speaks strongly for copies: scans away from home: at least 3.",
        "Speaks for copies: scans away from home: at least 3.",
    ]


def test_a_reason_of_another_version_is_told_as_it_is() -> None:
    """An alert that stands since before the features changed is still an alert."""
    former = Reason("settled", {"at_least": 2, "half_nats": -3})
    assert sentence(former, WORDS["de"]) == "settled: at_least 2, half_nats -3"


def test_countries_and_scanners_are_told_in_the_readers_language() -> None:
    reason = Reason("scanned-outside-its-markets", {"countries": "FR,JP", "scanners": "trusted"})
    assert sentence(reason, WORDS["de"]) == (
        "Außerhalb seiner Märkte gescannt, in: Frankreich, Japan (gelesen von: bekannte Scanner)."
    )


@pytest.mark.parametrize(
    ("probability", "wording"),
    [
        (None, ""),
        (0.99, "almost certain (99%)"),
        (0.93, "very likely (93%)"),
        (0.7, "likely (70%)"),
        (0.4, "possible (40%)"),
        (0.05, "unlikely (5%)"),
    ],
)
def test_a_probability_is_told_in_words_and_percent(
    probability: float | None, wording: str
) -> None:
    assert likelihood(probability, WORDS["en"]) == wording


@pytest.mark.parametrize(
    "reason",
    [
        Reason("not-known-yet", {"things": 3}),
        Reason("away-attested", {}),
        Reason("lot-differs", {"printed": "L1"}),
        Reason("code-refused", {"scanners": "robots"}),
        Reason("sessions", {"at_least": 10**9, "half_nats": -3}),
    ],
)
def test_a_reason_of_another_version_is_still_told(reason: Reason) -> None:
    assert sentence(reason, WORDS["ko"])


def test_an_alert_tells_its_reasons_in_their_order_and_what_to_inspect() -> None:
    reasons = (
        Reason("sold-twice", {"hours_between": 4}),
        Reason("seized-twice", {"hours_between": 9}),
    )
    kind = FindingKind.CLONE_CONFIRMED
    item = ItemId("https://id.gs1.org/01/09521234000013/21/A")
    alert = Alert(
        alert_id(item, kind), item, kind, FINDINGS[kind].severity, None, 1, False, reasons
    )
    wording = localize(alert.kind, alert.probability, alert.reasons, WORDS["en"])
    assert wording.reasons == ("Sold twice, 4 hours apart.", "Seized twice, 9 hours apart.")
    assert "security features" in wording.inspect[0]
