"""Findings in words, for those who see their reasons: officers and rights-holders.

The English texts of findings and reasons stand in the core's tables (`FINDINGS`, `REASONS`,
`FEATURES`); here they are translated and filled in. Consumers read none of it:
`verifier_api.i18n.advice` has a plain sentence for them.
"""

from collections.abc import Sequence
from typing import Final

from babel.numbers import format_percent
from msgspec import Struct

from authenticity.detection.features import FEATURES
from authenticity.detection.findings import FINDINGS, FindingKind
from authenticity.detection.reasons import REASONS, Fact, Reason
from verifier_api.i18n.translator import Translator, msg


class LocalizedFinding(Struct, frozen=True, omit_defaults=True):
    """In the language of the request. `likelihood` is the probability in words and percent,
    empty without one; `reasons` holds a sentence for each reason, in their order; `inspect`
    what to do with the item in hand. `retracted_because`, of an alert that was retracted: why,
    a sentence for each reason; left out where there is none."""

    title: str
    likelihood: str
    reasons: tuple[str, ...]
    inspect: tuple[str, ...]
    retracted_because: tuple[str, ...] = ()


_FEATURES: Final = {feature.name: feature for feature in FEATURES}
_SCANNERS: Final = {"trusted": msg("known scanners"), "anonymous": msg("strangers")}
_NOT_PRINTED: Final = "–"
_STRONG_HALF_NATS: Final = 4
_FOR: Final = msg("Speaks for copies: {evidence}.")
_STRONGLY_FOR: Final = msg("Speaks strongly for copies: {evidence}.")

_LIKELIHOODS: Final = (
    (0.99, msg("almost certain")),
    (0.9, msg("very likely")),
    (0.66, msg("likely")),
    (0.33, msg("possible")),
    (0.0, msg("unlikely")),
)
_LIKELIHOOD: Final = msg("{word} ({percent})")


def localize(
    kind: FindingKind,
    probability: float | None,
    reasons: Sequence[Reason],
    translator: Translator,
    retracted_because: Sequence[Reason] = (),
) -> LocalizedFinding:
    """A finding, or an alert about one, in words."""
    return LocalizedFinding(
        translator.text(FINDINGS[kind].title),
        likelihood(probability, translator),
        tuple(sentence(reason, translator) for reason in reasons),
        inspection(kind, translator),
        tuple(sentence(reason, translator) for reason in retracted_because),
    )


def inspection(kind: FindingKind, translator: Translator) -> tuple[str, ...]:
    """What to look at, for this finding."""
    return tuple(translator.text(step) for step in FINDINGS[kind].inspect)


def likelihood(probability: float | None, translator: Translator) -> str:
    """In words and percent, empty without one."""
    if probability is None:
        return ""
    word = next(word for least, word in _LIKELIHOODS if probability >= least)
    percent = format_percent(probability, locale=translator.locale)
    return translator.text(_LIKELIHOOD, word=translator.text(word), percent=percent)


def sentence(reason: Reason, translator: Translator) -> str:
    """One reason. Of a code that this version has no words for, the code and its facts: an
    alert of a newer engine is still an alert."""
    row = REASONS.get(reason.reason)
    if row is not None:
        facts = {name: _fact(name, value, translator) for name, value in reason.facts.items()}
        try:
            return translator.text(row.sentence, **facts)
        except KeyError:
            return _bare(reason)
    half_nats, value = reason.facts.get("half_nats"), reason.facts.get("at_least")
    feature = _FEATURES.get(reason.reason)
    if feature is None or not isinstance(half_nats, int) or not isinstance(value, int):
        return _bare(reason)
    evidence = translator.text(feature.text, n=value)
    weight = _STRONGLY_FOR if half_nats >= _STRONG_HALF_NATS else _FOR
    return translator.text(weight, evidence=evidence)


def _fact(name: str, value: Fact, translator: Translator) -> str:
    if name == "countries" and isinstance(value, str):
        territories = translator.locale.territories
        return ", ".join(territories.get(code, code) for code in value.split(","))
    if name == "scanners" and isinstance(value, str):
        readers, _, networks = value.partition(" ")
        named = translator.text(_SCANNERS[readers]) if readers in _SCANNERS else readers
        return f"{named} ({networks})" if networks else named
    return str(value) or _NOT_PRINTED


def _bare(reason: Reason) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in reason.facts.items())
    return f"{reason.reason}: {facts}" if facts else reason.reason
