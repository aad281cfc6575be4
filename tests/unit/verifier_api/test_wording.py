"""Every message is translated into every language, with the same facts in it."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

import verifier_api
from authenticity.detection.features import FEATURES
from authenticity.detection.findings import FINDINGS
from authenticity.detection.reasons import REASONS
from verifier_api.i18n.translator import LANGUAGES, LOCALES, choose_language, load_translators

HERE = Path(verifier_api.__file__).parent
_IN_TEMPLATE = re.compile(r"""\bt\((["'])(.+?)\1""")
TRANSLATED = [language for language in LANGUAGES if language != "en"]


def _messages() -> set[str]:
    found = set(_of_the_core())
    for source in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "msg":
                found.add(ast.literal_eval(node.args[0]))
    for template in (HERE / "web" / "templates").glob("*.html"):
        found.update(text for _, text in _IN_TEMPLATE.findall(template.read_text()))
    return found


def _of_the_core() -> Iterator[str]:
    """The English texts that stand in the core's tables."""
    for finding in FINDINGS.values():
        yield from filter(None, (finding.title, finding.public_text, *finding.inspect))
    for reason in REASONS.values():
        yield reason.sentence
    yield from {feature.text for feature in FEATURES}


MESSAGES = sorted(_messages())


def _facts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_left_untranslated(language: str) -> None:
    with (LOCALES / f"{language}.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    missing = [text for text in MESSAGES if not (catalogue.get(text) and catalogue[text].string)]
    assert len(MESSAGES) > 60
    assert missing == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_the_facts_of_its_message(language: str) -> None:
    with (LOCALES / f"{language}.po").open("rb") as source:
        for message in read_po(source, locale=language):
            if not message.id or not isinstance(message.id, str):
                continue
            assert isinstance(message.string, str)
            assert _facts(message.string) == _facts(message.id), message.id


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("before", ["Genuine code. ", ""])
def test_counting_works_in_every_language(language: str, before: str) -> None:
    words = load_translators()[language]
    day = words.day(datetime(2026, 11, 23, tzinfo=UTC))
    for number in (1, 2, 5):
        one = f"{before}Also scanned by someone else, first on {{date}}."
        many = f"{before}Also scanned by at least {{n}} others, first on {{date}}."
        wording = words.count(one, many, number, date=day)
        untranslated = (one if number == 1 else many).format(n=number, date=day)
        assert (wording == untranslated) == (language == "en")
        assert "2026" in wording
        assert number == 1 or str(number) in wording


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        (None, None, "en"),
        ("de", "fr", "de"),
        ("xx", "fr;q=0.5, ko-KR;q=0.9", "ko"),
        (None, "zz, es;q=0.1, *", "es"),
        (None, "de;q=0, fr;q=nan", "en"),
        (None, "de-AT, de;q=0.9", "de"),
    ],
)
def test_the_language_asked_for_wins_then_the_best_accepted(
    asked: str | None, accepted: str | None, chosen: str
) -> None:
    assert choose_language(asked, accepted) == chosen
