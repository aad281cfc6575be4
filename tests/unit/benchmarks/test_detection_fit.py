"""The fit on made-up rows of which the answer is known."""

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from authenticity.detection.features import FEATURES
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.score import score_clones, score_without_leaving_out
from authenticity.detection.weights import WEIGHTS
from authenticity.history.observation import Observation
from benchmarks.detection.training.boosting import Array, Tables, Values, fitted_trees, tables_of
from benchmarks.detection.training.calibration import calibrated, through
from benchmarks.detection.training.fit import (
    ATTACK_RATE,
    ITEMS,
    TARGET,
    Code,
    Model,
    json_of,
    moments_of,
    probabilities,
)
from benchmarks.detection.training.states import state_of
from tests.unit.authenticity.detection.make_observations import buyers

MOST = [2, 3, 1]
GRID = np.array(list(product(range(3), range(4), range(2))), dtype=np.int8)


def rows(share_of: Array) -> tuple[Values, Array, Array]:
    """A thousand rows of each value of the grid, so many of them copied; their weights."""
    values = np.repeat(GRID, 2, axis=0)
    copied = np.tile([1.0, 0.0], len(GRID))
    weight = np.column_stack([share_of, 1 - share_of]).ravel() * 1_000
    return values, copied, weight


def share(nats: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-nats)))


def learned(nats: NDArray[Any]) -> tuple[Tables, Array]:
    """What is learned from rows with these log-odds, and the classifier's own answer."""
    values, copied, weight = rows(share(nats))
    classifier = fitted_trees(values, copied, weight, len(MOST), least_rows=1)
    return tables_of(classifier, MOST), classifier.decision_function(GRID)


ONE_BY_ONE = -3.0 + 1.0 * GRID[:, 0] + 0.5 * GRID[:, 1]
ONLY_TOGETHER = -3.0 + 2.0 * (GRID[:, 0] > 0) * (GRID[:, 1] > 1)


@pytest.mark.parametrize("nats", [ONE_BY_ONE, ONLY_TOGETHER])
def test_tables_add_up_to_what_the_trees_say_and_to_what_was_seen(nats: Array) -> None:
    tables, said = learned(nats)
    assert tables.scores(GRID) == pytest.approx(said, abs=0.001)
    assert tables.scores(GRID) == pytest.approx(nats, abs=0.3)


def test_what_holds_only_together_is_in_the_pair() -> None:
    tables, _ = learned(ONLY_TOGETHER)
    assert tables.pairs[0, 1][0, 1] > 1
    assert tables.weights[0][0] < 0.5


def test_no_weight_falls_where_a_count_rises() -> None:
    tables, _ = learned(-1.0 - 1.0 * GRID[:, 0] + 0.5 * GRID[:, 1])
    score = dict(zip(map(tuple, GRID.tolist()), tables.scores(GRID).tolist(), strict=True))
    for one, other in product(score, score):
        if all(less <= more for less, more in zip(one, other, strict=True)):
            assert score[one] <= score[other] + 1e-9


def test_calibration_says_how_many_are_copied_and_never_falls() -> None:
    draw = np.random.default_rng(3)
    score = draw.normal(size=20_000)
    copied = (draw.random(20_000) < 1 / (1 + np.exp(-2 * score))).astype(np.float64)
    nothing = np.zeros(len(score))
    knots = calibrated(score, copied, nothing + 1, nothing)
    nats = [of for _, of in knots]
    assert nats == sorted(nats)
    expected = 1 / (1 + np.exp(-through(knots, score)))
    for least, most in ((-3, -1), (-0.5, 0.5), (1, 3)):
        within = (score > least) & (score < most)
        assert expected[within].mean() == pytest.approx(copied[within].mean(), abs=0.04)


def test_beyond_the_knots_a_nat_is_a_nat() -> None:
    knots = [(-1.0, -2.0), (1.0, 3.0)]
    assert through(knots, np.array([-2.0, 0.0, 4.0])).tolist() == [-3.0, 0.5, 6.0]


def _fitted() -> Model:
    """The model that the product's weights came from."""
    names = [feature.name for feature in FEATURES]
    pairs = {
        (one, other): np.array(found)
        for one, other in combinations(range(len(names)), 2)
        if (found := WEIGHTS.pairs.get(f"{names[one]}+{names[other]}")) is not None
    }
    weights = [np.array(WEIGHTS.weights[name]) for name in names]
    tables = Tables(WEIGHTS.bias, weights, pairs)
    return Model(tables, list(WEIGHTS.calibration), WEIGHTS.journey)


def test_the_products_weights_are_what_the_fit_writes() -> None:
    assert json_of(_fitted(), ITEMS, ATTACK_RATE) == TARGET.read_text()


def _probability(observations: list[Observation]) -> float:
    """As the fit has it."""
    state = state_of(observations, None, copied=True)
    assert state is not None
    code = Code([state], "", copied=True, genuine=True, cause="")
    return float(probabilities(_fitted(), moments_of(_fitted().tables, [code]))[0])


@pytest.mark.parametrize("number", [2, 3, 9, 16])
def test_the_product_and_the_fit_give_one_probability(number: int) -> None:
    found = score_clones(buyers(number), None, DEFAULT_POLICY)
    assert found is not None
    assert _probability(buyers(number)) == pytest.approx(found.probability)


def test_contributions_are_never_below_0_and_add_up() -> None:
    from authenticity.detection.score import _calibrated

    found = score_without_leaving_out(buyers(9), None, DEFAULT_POLICY)
    assert found is not None
    nats = [each.nats for each in found.contributions]
    assert min(nats) >= -0.01
    assert _calibrated(WEIGHTS.bias + sum(nats)) == pytest.approx(found.log_likelihood_ratio)
