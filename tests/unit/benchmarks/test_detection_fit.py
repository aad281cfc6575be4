"""The fit on made-up rows of which the answer is known."""

import numpy as np
import pytest

from authenticity.detection.comparison import compare_sessions
from authenticity.detection.features import FEATURES, features_of
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.score import score_without_leaving_out
from authenticity.detection.sessions import scan_sessions
from authenticity.detection.weights import WEIGHTS
from benchmarks.detection.training.fit import MOST, TARGET, Model, json_of
from benchmarks.detection.training.regression import (
    Array,
    calibrated,
    fitted,
    signs_of_steps,
    steps_of,
    tables_of,
    through,
)
from tests.unit.authenticity.detection.make_observations import buyers

VALUES = np.array([[0.0], [1.0], [2.0]])


def rows(copied_of_a_thousand: tuple[int, int, int]) -> tuple[Array, Array]:
    """A thousand rows of each value, so many of them copied."""
    features = np.repeat(VALUES, 1_000, axis=0)
    copied = np.concatenate([np.arange(1_000) < count for count in copied_of_a_thousand]).astype(
        np.float64
    )
    return features, copied


def fit(copied_of_a_thousand: tuple[int, int, int], sign: int, ridge: float = 0.01) -> Array:
    features, copied = rows(copied_of_a_thousand)
    nothing = np.zeros(len(copied))
    return fitted(
        steps_of(features, [2]), copied, nothing + 1, nothing, signs=[sign, sign], ridge=ridge
    )


def log_odds(count: int) -> float:
    return float(np.log(count / (1_000 - count)))


def test_steps_and_bias_are_the_log_odds_of_what_was_seen() -> None:
    first, second, bias = fit((100, 200, 500), 0)
    assert bias == pytest.approx(log_odds(100), abs=0.01)
    assert first == pytest.approx(log_odds(200) - log_odds(100), abs=0.01)
    assert second == pytest.approx(log_odds(500) - log_odds(200), abs=0.01)


def test_a_step_against_its_sign_is_none() -> None:
    first, second, _ = fit((200, 100, 500), 1)
    assert first == 0
    assert second > 0
    assert fit((200, 100, 500), 0)[0] < 0


def test_what_is_known_beforehand_is_not_learned_again() -> None:
    features, copied = rows((100, 200, 500))
    ones, known = np.ones(len(copied)), np.full(len(copied), log_odds(100))
    beta = fitted(steps_of(features, [2]), copied, ones, known, signs=[0, 0], ridge=0.01)
    assert beta[-1] == pytest.approx(0, abs=0.01)


def test_a_ridge_shrinks() -> None:
    assert abs(fit((100, 200, 500), 0, ridge=1_000)[0]) < abs(fit((100, 200, 500), 0)[0])


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


def test_steps_add_up_to_the_tables_that_the_product_reads() -> None:
    assert tables_of(np.array([1.0, 0.5, -2.0]), [2, 1]) == [(1.0, 1.5), (-2.0,)]
    assert signs_of_steps([1, -1], [2, 1]) == [1, 1, -1]


def _fitted() -> Model:
    """The model that the product's weights came from."""
    tables = [WEIGHTS.weights[feature.name] for feature in FEATURES]
    steps = np.concatenate([np.diff([0.0, *table]) for table in tables])
    return Model(steps, WEIGHTS.bias, list(WEIGHTS.calibration))


def test_the_products_weights_are_what_the_fit_writes() -> None:
    assert json_of(_fitted(), 200_000, 0.004) == TARGET.read_text()


def test_the_product_and_the_fit_give_one_probability() -> None:
    genuine = buyers(9)
    clone_score = score_without_leaving_out(genuine, None, DEFAULT_POLICY)
    assert clone_score is not None
    sessions = scan_sessions(genuine, DEFAULT_POLICY)
    values = dict(features_of(compare_sessions(genuine, sessions, None, DEFAULT_POLICY)))
    row = np.array([[values.get(feature, 0) for feature in FEATURES]], dtype=np.float64)
    model = _fitted()
    score = steps_of(row, MOST) @ model.steps + model.bias
    expected = pytest.approx(clone_score.log_likelihood_ratio)
    assert through(model.knots, score)[0] == expected
