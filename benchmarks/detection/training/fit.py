"""Fits the weights of `authenticity.detection.score` on drawn worlds, and writes `weights.json`.

    python -m benchmarks.detection.training.fit [--items N] [--attack-rate R] [--write]

1. Every code of the drawn worlds to fit on gives what it was after some of its scans
   (`states`), and the truth: copied, if two packs had been read under it by then. A code weighs
   as much as any other, however often it was scanned. Attacks are simulated more often than
   they happen and given less weight again; copying families weigh the same together, since
   nobody knows which is frequent, but for the one that is held out: it is left out.
2. Boosted trees of two features each are added up to tables (`boosting`). Half of the weight of
   a moment is that of its values with one network left out, since no network may decide. And
   every moment is learned from four times (`UNKNOWN`), since makers need not name markets and
   partners need not share what they read.
3. On the drawn worlds to validate on, the lowest score of each moment with any network left
   out is calibrated (`calibration`), and it is said what thresholds would do.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from authenticity.detection.features import FEATURES, is_one_journey
from authenticity.detection.odds import log_odds
from authenticity.detection.policy import DEFAULT_POLICY
from benchmarks.detection.dataset import Example, Reading, map_packs
from benchmarks.detection.split import HELD_OUT, NamedWorld, drawn_worlds
from benchmarks.detection.training.boosting import Array, Tables, boosted
from benchmarks.detection.training.calibration import Knot, calibrated, nats_of, through
from benchmarks.detection.training.states import CHANNELS, State, Values, states_of

TARGET: Final = Path(__file__).parents[3] / "authenticity" / "detection" / "weights.json"
VERSION: Final = "2026-11-30.2"
ITEMS: Final = 30_000
ATTACK_RATE: Final = 0.004
MOST: Final = [feature.maximum for feature in FEATURES]
_PRIOR_NATS: Final = np.array(
    [log_odds(DEFAULT_POLICY.clone.prior[channel]) for channel in CHANNELS]
)
"""The log-odds of the default policy's priors, by channel."""


UNKNOWN: Final = {
    (): 0.4,
    ("abroad", "fixed-abroad"): 0.2,
    ("early", "away-from-shop"): 0.2,
    ("abroad", "fixed-abroad", "early", "away-from-shop"): 0.2,
}
"""In which shares a moment is learned from as it is, as if its maker had named no markets, as
if nobody in the chain had shared what he read, and as if both: by what then counts nothing."""


class Code(NamedTuple):
    """One code that can be compared, at some moments. `family`: of its attack, or empty. For
    the report, whether a genuine pack was read and what happened to it. `weight` undoes the
    attack rate."""

    states: Sequence[State]
    family: str
    copied: bool
    genuine: bool
    cause: str
    weight: float = 1.0


class Learned(NamedTuple):
    """Codes of some worlds, and the number of item scans of honest codes, also of those that
    cannot be compared."""

    codes: list[Code]
    item_scans: int


def learned_from(worlds: Iterable[NamedWorld], items: int, attack_rate: float) -> Learned:
    """The codes of all these worlds."""
    codes: list[Code] = []
    item_scans = 0
    for world in worlds:
        scenario = world.scenario(items)
        weight = scenario.attack_rate / attack_rate
        for some, honest in map_packs(_codes_of, replace(scenario, attack_rate=attack_rate)):
            codes += (code._replace(weight=weight) if code.family else code for code in some)
            item_scans += honest
        _print_progress(f"{world.title}: {len(codes):,} codes to compare")
    return Learned(codes, item_scans)


def _codes_of(reading: Reading, packs: range) -> tuple[list[Code], int]:
    examples = reading.of_packs(packs)
    codes = [code for example in examples if (code := _code_of(example)) is not None]
    return codes, sum(each.item_scans for each in examples if each.attack is None)


def _code_of(example: Example) -> Code | None:
    states = states_of(example)
    if not states:
        return None
    truths = [arrival.truth for arrival in example.arrivals]
    causes = {truth.behaviour for truth in truths}.union(*(truth.noise for truth in truths))
    genuine = any(truth.genuine for truth in truths)
    return Code(
        states, str(example.attack or ""), example.copied, genuine, "+".join(sorted(causes))
    )


class Model(NamedTuple):
    """Tables and knots, and what a journey says, in nats beside the log-odds of the policy's
    priors."""

    tables: Tables
    knots: list[Knot]
    journey: float


class Moments(NamedTuple):
    """The states of all codes, in their order, as `score_clones` compares them. `score`: the
    lowest with any one network left out, before calibration; `is_undecided`: that is a journey,
    or nothing to compare; `is_journey`: with no network left out."""

    score: Array
    is_journey: NDArray[np.bool_]
    is_undecided: NDArray[np.bool_]
    copied: Array
    weight: Array
    prior_nats: Array
    code: NDArray[np.int64]


def model_of(fit: Learned, check: Learned) -> Model:
    """Fitted on one, without the held-out family, and calibrated on the other."""
    rows: dict[tuple[Values, bool], float] = defaultdict(float)
    for code in _weighed(fit.codes):
        if code.family != HELD_OUT:
            for state in code.states:
                _add(rows, state, code.weight / len(code.states))
    values = np.array([each for each, _ in rows], dtype=np.int8)
    copied = np.array([float(each) for _, each in rows])
    weight = np.array(list(rows.values()))
    _print_progress(f"{len(rows):,} different rows, {weight @ copied / weight.sum():.4f} copied")
    learned = np.concatenate([_without(values, names) for names in UNKNOWN])
    weights = np.concatenate([weight * share for share in UNKNOWN.values()])
    copies = np.tile(copied, len(UNKNOWN))
    kept = ~_are_journeys(learned)
    weights /= weights.mean()
    tables = rounded(boosted(learned[kept], copies[kept], weights[kept], MOST))
    codes = _weighed(check.codes)
    moments = _all_of(
        [
            (each := moments_of(tables, codes, names))._replace(weight=each.weight * share)
            for names, share in UNKNOWN.items()
        ]
    )
    ours = ~moments.is_undecided
    knots = calibrated(
        moments.score[ours], moments.copied[ours], moments.weight[ours], moments.prior_nats[ours]
    )
    travelled = moments.is_journey
    journey = nats_of(
        moments.copied[travelled], moments.weight[travelled], moments.prior_nats[travelled]
    )
    return Model(tables, knots, min(0.0, round(journey, 2)))


def _all_of(moments: Sequence[Moments]) -> Moments:
    return Moments(*(np.concatenate(column) for column in zip(*moments, strict=True)))


def _weighed(codes: Sequence[Code]) -> list[Code]:
    """With the weight of all copied codes shared out to their families evenly."""
    of_family: dict[str, float] = defaultdict(float)
    for code in codes:
        if code.copied and code.family != HELD_OUT:
            of_family[code.family] += code.weight
    share = sum(of_family.values()) / max(1, len(of_family))
    return [
        code._replace(weight=code.weight * share / of_family[code.family])
        if code.copied and code.family in of_family
        else code
        for code in codes
    ]


def _without(values: NDArray[np.int8], names: Sequence[str]) -> NDArray[np.int8]:
    """The same rows, with 0 for the features of these names."""
    known = [feature.name not in names for feature in FEATURES]
    return np.asarray(values * np.array(known, dtype=np.int8))


def _add(rows: dict[tuple[Values, bool], float], state: State, weight: float) -> None:
    share = weight / 2 if state.rests else weight
    rows[state.values, state.copied] += share
    for rest in state.rests:
        rows[rest, state.copied] += share / len(state.rests)


def _are_journeys(values: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which rows the product never suspects, whatever their score."""
    of_row = (zip(FEATURES, row, strict=True) for row in values.tolist())
    return np.array([is_one_journey([each for each in row if each[1]]) for row in of_row])


def moments_of(tables: Tables, codes: Sequence[Code], unknown: Sequence[str] = ()) -> Moments:
    """Every state of these codes with its score, without the features of these names."""
    numbers: dict[Values, int] = {}
    states = [(number, code, state) for number, code in enumerate(codes) for state in code.states]
    ends, flat = [], list[int]()
    for _, _, state in states:
        ends.append(len(flat))
        flat += (
            numbers.setdefault(values, len(numbers)) for values in (state.values, *state.rests)
        )
    values = _without(np.array(list(numbers), dtype=np.int8), unknown)
    nats = np.where(_are_journeys(values), -np.inf, tables.scores(values))
    score = np.minimum.reduceat(nats[flat], ends)
    return Moments(
        score,
        np.isinf(nats[flat][ends]),
        np.isinf(score) | np.array([state.rests_on_one for _, _, state in states]),
        np.array([float(state.copied) for _, _, state in states]),
        np.array([code.weight / len(code.states) for _, code, _ in states]),
        _PRIOR_NATS[[state.channel for _, _, state in states]],
        np.array([number for number, _, _ in states]),
    )


def probabilities(model: Model, moments: Moments) -> Array:
    """As `authenticity.detection.score.score_clones` gives them under the default policy."""
    nats = np.where(moments.is_undecided, 0.0, through(model.knots, moments.score))
    nats[moments.is_journey] = model.journey
    return np.asarray(1 / (1 + np.exp(-(nats + moments.prior_nats))))


def report(check: Learned, model: Model) -> None:
    """False alerts and recall by threshold, whether probabilities are right, recall by family,
    and what happened to the honest codes that score most."""
    moments = moments_of(model.tables, check.codes)
    probability = probabilities(model, moments)
    highest = np.zeros(len(check.codes))
    np.maximum.at(highest, moments.code, probability)
    copied = np.array([code.copied for code in check.codes])
    honest = ~copied & np.array([code.genuine for code in check.codes])
    weight = np.array([code.weight for code in check.codes])
    for threshold in (0.3, 0.5, 0.7, 0.9):
        said = highest >= threshold
        false = 1e4 * weight[said & honest].sum() / check.item_scans
        recall = (said & copied).sum() / copied.sum()
        _print_progress(
            f"p ≥ {threshold}: {false:.2f} codes falsely alerted for 10,000 honest item scans,"
            f" {recall:.3f} of the copied that can be compared"
        )
    for least in (0.2, 0.4, 0.6, 0.8):
        here = (probability >= least) & (probability < least + 0.2)
        right = (moments.weight * moments.copied)[here].sum() / moments.weight[here].sum()
        _print_progress(f"p {least} to {least + 0.2:.1f}: {right:.2f} right")
    for family in sorted({code.family for code in check.codes if code.copied}):
        ours = copied & np.array([code.family == family for code in check.codes])
        _print_progress(f"{family}: {(highest[ours] >= 0.5).mean():.2f} of {ours.sum()} at p ≥ 0.5")
    causes: Counter[str] = Counter()
    for number in np.flatnonzero((highest >= 0.5) & honest):
        causes.update(check.codes[number].cause.split("+"))
    _print_progress(f"with the falsely alerted: {dict(causes.most_common(12))}")


def rounded(tables: Tables) -> Tables:
    """As they are written, in thousandths of a nat."""
    return Tables(
        round(tables.bias, 3),
        [weights.round(3) for weights in tables.weights],
        {pair: rows.round(3) for pair, rows in tables.pairs.items()},
    )


def main() -> None:
    """Fit, say what came out, and with `--write` replace the file."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--items", type=int, default=ITEMS, help="packs of a world")
    options.add_argument("--attack-rate", type=float, default=ATTACK_RATE)
    options.add_argument("--write", action="store_true", help="replace weights.json")
    given: Any = options.parse_args()
    check = learned_from(drawn_worlds("validate"), given.items, given.attack_rate)
    fit = learned_from(drawn_worlds("fit"), given.items, given.attack_rate)
    model = model_of(fit, check)
    _print_progress(f"bias {model.tables.bias:.2f}, knots {model.knots}")
    report(check, model)
    if given.write:
        TARGET.write_text(json_of(model, given.items, given.attack_rate))


def json_of(model: Model, items: int, attack_rate: float) -> str:
    """The text of `authenticity/detection/weights.json`, one feature or pair a line."""
    fit, check = (drawn_worlds(part) for part in ("fit", "validate"))
    provenance = (
        f"fitted on {len(fit)} drawn worlds from seed {fit[0].seed}, calibrated on"
        f" {len(check)} from {check[0].seed}, {items:,} packs each, {attack_rate:g} attacks a pack"
        f" weighed down to each world's own, without {HELD_OUT}"
    )
    tables = model.tables
    names = [feature.name for feature in FEATURES]
    weights = [
        f"{json.dumps(name)}: {json.dumps(of.tolist())}"
        for name, of in zip(names, tables.weights, strict=True)
    ]
    pairs = [
        f"{json.dumps(f'{names[one]}+{names[other]}')}: {json.dumps(rows.tolist())}"
        for (one, other), rows in tables.pairs.items()
    ]
    return (
        "{\n"
        f'  "version": {json.dumps(VERSION)},\n'
        f'  "provenance": {json.dumps(provenance)},\n'
        f'  "bias": {tables.bias},\n'
        f'  "weights": {{\n{_lines(weights)}\n  }},\n'
        f'  "pairs": {{\n{_lines(pairs)}\n  }},\n'
        f'  "calibration": [\n{_lines(map(json.dumps, model.knots))}\n  ],\n'
        f'  "journey": {model.journey}\n'
        "}\n"
    )


def _lines(members: Iterable[str]) -> str:
    return ",\n".join(f"    {member}" for member in members)


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
