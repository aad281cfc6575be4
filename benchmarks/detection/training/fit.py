"""Fits the weights of `authenticity.detection.score`, and writes `weights.json`.

    python -m benchmarks.detection.training.fit [--items N] [--attack-rate R] [--write]

1. Every code of the fit seeds with two scan sessions gives its features and the truth:
   copied, if two packs were read under it. Attacks are simulated more often than they
   happen and given less weight again, so that there is something to learn from; the family that
   is held out is left out.
2. Weighted logistic regression on steps, with a ridge. Steps that theory knows the sign of
   are held to it: whoever takes "no trip explains this" as evidence for *one* item has
   learned a quirk of the world.
3. On the validate seeds the score is calibrated, and it is said what thresholds would do.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from authenticity.detection.comparison import compare_sessions, is_away_by_network
from authenticity.detection.evidence import admitted_of, split
from authenticity.detection.features import FEATURES, channel_of, features_of
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.prints import every_print
from authenticity.detection.score import comparable, proof_of_copies
from authenticity.detection.sessions import scan_sessions
from authenticity.history.history import history_of
from authenticity.records.batch_registry import InBatch
from authenticity.records.scan import Channel
from benchmarks.detection.dataset import Example, Reading, map_packs
from benchmarks.detection.split import ATTACKS_PER_ITEM, FIT, HELD_OUT, VALIDATE, scenario_of
from benchmarks.detection.training.regression import (
    Array,
    Knot,
    calibrated,
    fitted,
    signs_of_steps,
    steps_of,
    tables_of,
    through,
)

TARGET: Final = Path(__file__).parents[3] / "authenticity" / "detection" / "weights.json"
VERSION: Final = "2026-11-24"
RIDGE: Final = 2.0
CHANNELS: Final = tuple(Channel)
MOST: Final = tuple(feature.maximum for feature in FEATURES)
_UNKNOWN: Final = {
    (): 0.4,
    ("abroad-attested", "abroad-claimed", "aged"): 0.2,
    ("early-attested", "early-claimed", "away-trusted", "recorded"): 0.2,
    ("days", "span", "aged"): 0.2,
}
"""Every history is learned from four times, in these shares: as it is, as if its maker had
declared neither markets nor release, as if nobody in the chain shared what he reads, and as
if all sessions had been on one day, since real owners may scan again at any time.
Otherwise all would rest on what this world happens to tell, and places that lie apart would
count for nothing."""


class Row(NamedTuple):
    """One code: its features, whether any of it is network-derived, on which channel it was
    scanned, and whether it was copied; then, for the report, the family of its attack, whether
    a genuine pack was read, and what happened to it."""

    features: tuple[int, ...]
    by_network: bool
    channel: int
    copied: bool
    family: str
    genuine: bool
    cause: str


class Table(NamedTuple):
    """Rows, and their columns. `weight` undoes the attack rate; `item_scans` counts those of
    honest codes."""

    rows: list[Row]
    features: Array
    channel: NDArray[np.int64]
    copied: Array
    weight: Array
    item_scans: int


def table_of(seeds: Sequence[int], items: int, attack_rate: float) -> Table:
    """The rows of all codes of these seeds with two scan sessions or more."""
    rows: list[Row] = []
    item_scans = 0
    for seed in seeds:
        scenario = replace(scenario_of(seed, items), attack_rate=attack_rate)
        for some, honest_item_scans in map_packs(_rows_of, scenario):
            rows += some
            item_scans += honest_item_scans
        _print_progress(f"seed {seed}: {len(rows):,} codes with two sessions")
    return Table(
        rows,
        np.array([row.features for row in rows], dtype=np.float64),
        np.array([row.channel for row in rows]),
        np.array([float(row.copied) for row in rows]),
        np.array([ATTACKS_PER_ITEM / attack_rate if row.family else 1.0 for row in rows]),
        item_scans,
    )


def _rows_of(reading: Reading, packs: range) -> tuple[list[Row], int]:
    examples = reading.of_packs(packs)
    return list(_rows(examples)), sum(e.item_scans for e in examples if e.attack is None)


def _rows(examples: Sequence[Example]) -> Iterator[Row]:
    policy = DEFAULT_POLICY
    for example in examples:
        history = history_of(arrival.observation for arrival in example.arrivals)
        genuine, _ = split(history, every_print(InBatch(example.batch)))
        admitted = admitted_of(history, genuine)
        sessions = scan_sessions(admitted, policy)
        proven = proof_of_copies(genuine, policy.elsewhere_km) is not None
        if proven or not comparable(sessions, policy.clone):
            continue  # no probability mass is left
        comparison = compare_sessions(admitted, sessions, example.batch, policy)
        values = dict(features_of(comparison))
        truths = [arrival.truth for arrival in example.arrivals]
        causes = {truth.behaviour for truth in truths}.union(*(truth.noise for truth in truths))
        yield Row(
            tuple(values.get(feature, 0) for feature in FEATURES),
            any(feature.network_derived for feature in values) or is_away_by_network(comparison),
            CHANNELS.index(channel_of(admitted)),
            example.copied,
            str(example.attack or ""),
            any(truth.genuine for truth in truths),
            "+".join(sorted(causes)),
        )


class Model(NamedTuple):
    """Steps, bias and knots, in nats beside the log-odds of the policy's priors."""

    steps: Array
    bias: float
    knots: list[Knot]

    def probability(self, table: Table) -> Array:
        """As `authenticity.detection.score.score_without_leaving_out` gives it under the default
        policy."""
        score = steps_of(table.features, MOST) @ self.steps + self.bias
        nats = through(self.knots, score)
        self_reported = ~np.array([row.by_network for row in table.rows])
        nats[self_reported] = np.minimum(nats[self_reported], 0)
        odds: Array = nats + log_odds_of(table)
        return np.asarray(1 / (1 + np.exp(-odds)))


def log_odds_of(table: Table) -> Array:
    """Of each row's prior."""
    prior = np.array([DEFAULT_POLICY.clone.prior[channel] for channel in CHANNELS])[table.channel]
    return np.asarray(np.log(prior / (1 - prior)))


def model_of(fit: Table, check: Table) -> Model:
    """Fitted on one table, without the held-out family, and calibrated on the other."""
    kept = np.array([row.family != HELD_OUT for row in fit.rows])
    features, copied, offset = fit.features[kept], fit.copied[kept], log_odds_of(fit)[kept]
    weight = (fit.weight / fit.weight.min())[kept]
    beta = fitted(
        steps_of(np.concatenate([_without(features, names) for names in _UNKNOWN]), MOST),
        np.tile(copied, len(_UNKNOWN)),
        np.concatenate([weight * share for share in _UNKNOWN.values()]),
        np.tile(offset, len(_UNKNOWN)),
        signs=signs_of_steps([feature.monotone for feature in FEATURES], MOST),
        ridge=RIDGE,
    )
    score = steps_of(check.features, MOST) @ beta[:-1] + beta[-1]
    knots = calibrated(score, check.copied, check.weight, log_odds_of(check))
    return Model(beta[:-1], float(beta[-1]), knots)


def _without(features: Array, names: tuple[str, ...]) -> Array:
    """The features of each row, those of these names set to 0."""
    known = np.array([float(feature.name not in names) for feature in FEATURES])
    return np.asarray(features * known)


def report(table: Table, model: Model) -> None:
    """False alerts and recall by threshold, the shares by channel, the worst honest codes."""
    probability = model.probability(table)
    copied = table.copied > 0
    honest = ~copied & np.array([row.genuine for row in table.rows])
    for threshold in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98):
        said = probability >= threshold
        false = float(table.weight[said & honest].sum())
        _print_progress(
            f"p ≥ {threshold}: {1e4 * false / table.item_scans:.2f} false alerts for 10,000 honest"
            f" item scans, {(said & copied).sum() / copied.sum():.3f} of the copied"
        )
    for number, channel in enumerate(CHANNELS):
        here = table.channel == number
        if here.any():
            share = (table.weight * table.copied)[here].sum() / table.weight[here].sum()
            _print_progress(f"{channel}: {share:.5f} of {here.sum():,} are copied")
    for number in np.argsort(-probability * honest)[:15]:
        row = table.rows[number]
        values = {f.name: n for f, n in zip(FEATURES, row.features, strict=True) if n}
        _print_progress(f"honest, {probability[number]:.3f}: {row.family} {row.cause} {values}")


def main() -> None:
    """Fit, say what came out, and with `--write` replace the file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=200_000)
    options.add_argument("--attack-rate", type=float, default=8 * ATTACKS_PER_ITEM)
    options.add_argument("--write", action="store_true")
    given: Any = options.parse_args()
    check = table_of(VALIDATE, given.items, given.attack_rate)
    model = model_of(table_of(FIT, given.items, given.attack_rate), check)
    for feature, table in zip(FEATURES, tables_of(model.steps, MOST), strict=True):
        _print_progress(f"{feature.name:>18} {' '.join(f'{nats:6.2f}' for nats in table)}")
    _print_progress(f"bias {model.bias:.2f}, knots {model.knots}")
    report(check, model)
    if given.write:
        TARGET.write_text(json_of(model, given.items, given.attack_rate))


def json_of(model: Model, items: int, attack_rate: float) -> str:
    """The text of `authenticity/detection/weights.json`, one feature a line."""
    provenance = (
        f"fitted on seeds {FIT}, calibrated on {VALIDATE}, {items:,} items each, {attack_rate:g}"
        f" attacks an item weighed down to {ATTACKS_PER_ITEM:g}, without {HELD_OUT}"
    )
    tables = zip(FEATURES, tables_of(model.steps, MOST), strict=True)
    weights = [f"{json.dumps(feature.name)}: {json.dumps(table)}" for feature, table in tables]
    return (
        "{\n"
        f'  "version": {json.dumps(VERSION)},\n'
        f'  "provenance": {json.dumps(provenance)},\n'
        f'  "bias": {round(model.bias, 3)},\n'
        f'  "weights": {{\n{_lines(weights)}\n  }},\n'
        f'  "calibration": [\n{_lines(map(json.dumps, model.knots))}\n  ]\n'
        "}\n"
    )


def _lines(members: Iterable[str]) -> str:
    return ",\n".join(f"    {member}" for member in members)


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
