"""Boosted trees of two features each, added up exactly to tables.

A tree that asks about two features is a table of their values, and a sum of tables is a table.
So what is learned by gradient boosting is read without a learning library, and every score is
a sum of named parts. No weight falls where a count rises.

`HistGradientBoostingClassifier` of scikit-learn: `interaction_cst="pairwise"` keeps each tree
to two features, `monotonic_cst` lets no leaf fall. Its trees are read from `_predictors`, which
is not public: a test compares tables and classifier, row by row.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

# scikit-learn is imported where it is used: that takes a second.

Array = NDArray[np.float64]
Values = NDArray[np.int8]
"""A row for each state, a column for each feature."""

_ROUNDS: Final = 400
_RATE: Final = 0.05
_LEAVES: Final = 8
_LEAST_ROWS: Final = 40
_SHRINK: Final = 5.0
_LEAST_NATS: Final = 0.0005


class Tables(NamedTuple):
    """`bias` in nats; `weights`: by feature, of each of its values from 1; `pairs`: by the
    numbers of two features, what their values add beside that, a row for each of the first."""

    bias: float
    weights: list[Array]
    pairs: dict[tuple[int, int], Array]

    def scores(self, values: Values) -> Array:
        """The sum of each row, in nats."""
        nats = np.full(len(values), self.bias)
        for number, weights in enumerate(self.weights):
            nats += np.concatenate([[0.0], weights])[values[:, number]]
        for (one, other), rows in self.pairs.items():
            nats += np.pad(rows, ((1, 0), (1, 0)))[values[:, one], values[:, other]]
        return nats


def boosted(values: Values, copied: Array, weight: Array, most: list[int]) -> Tables:
    """Fitted on these rows, none of which needs to be there only once."""
    return tables_of(fitted_trees(values, copied, weight, len(most)), most)


def fitted_trees(
    values: Values, copied: Array, weight: Array, features: int, *, least_rows: int = _LEAST_ROWS
) -> Any:
    """The classifier itself. `least_rows`: in each leaf."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier = HistGradientBoostingClassifier(
        learning_rate=_RATE, max_iter=_ROUNDS, max_leaf_nodes=_LEAVES,
        min_samples_leaf=least_rows, l2_regularization=_SHRINK, early_stopping=False,
        interaction_cst="pairwise", monotonic_cst=[1] * features, random_state=0,
    )  # fmt: skip
    return classifier.fit(values, copied, sample_weight=weight)


def tables_of(classifier: Any, most: list[int]) -> Tables:
    """The same sums as the classifier's raw predictions.

    On the way to a leaf at most two features are asked about, though a tree may ask about
    more: each leaf is a rectangle in the table of its two.
    """
    bias = float(classifier._baseline_prediction.item())
    full = {
        (one, other): np.zeros((most[one] + 1, most[other] + 1))
        for one, other in combinations(range(len(most)), 2)
    }
    for [tree] in classifier._predictors:
        for bounds, nats in _leaves(tree.nodes, 0, {}):
            others = (number for number in range(len(most)) if number not in bounds)
            one, other = sorted([*bounds, *others][:2])
            rows, columns = bounds.get(one, slice(None)), bounds.get(other, slice(None))
            full[one, other][rows, columns] += nats
    weights = [np.zeros(of) for of in most]
    pairs = {}
    for (one, other), table in full.items():
        bias += table[0, 0]
        weights[one] += table[1:, 0] - table[0, 0]
        weights[other] += table[0, 1:] - table[0, 0]
        beside = table[1:, 1:] - table[1:, :1] - table[:1, 1:] + table[0, 0]
        if np.abs(beside).max() >= _LEAST_NATS:
            pairs[one, other] = beside
    return Tables(bias, weights, pairs)


def _leaves(
    nodes: Any, at: int, bounds: dict[int, slice]
) -> Iterator[tuple[dict[int, slice], float]]:
    """Each leaf below this node: by feature, which values lead there, and what it adds."""
    node = nodes[at]
    if node["is_leaf"]:
        yield bounds, float(node["value"])
        return
    feature = int(node["feature_idx"])
    known = bounds.get(feature, slice(0, None))
    split = int(node["num_threshold"]) + 1  # values are whole, thresholds lie between
    yield from _leaves(nodes, node["left"], bounds | {feature: slice(known.start, split)})
    yield from _leaves(nodes, node["right"], bounds | {feature: slice(split, known.stop)})
