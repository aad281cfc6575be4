"""The offline reference: how much the scans of a world can tell anybody who looks back.

Gradient boosting on figures of all scans of each code and of the codes beside it, learned on
drawn worlds to fit. It judges each code once, at the end, with everything known, and keeps no
bound of memory or time: a measured limit beside the analytic ceiling, and no product.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from msgspec import Struct

from benchmarks.detection.dataset import Reading, map_packs
from benchmarks.detection.evaluation.reference_recall import ReferenceScores
from benchmarks.detection.evaluation.reference_table import (
    CodeTable,
    Flags,
    Floats,
    TablePart,
    part_of,
    table_of,
)
from benchmarks.detection.evaluation.scoring import LOWEST
from benchmarks.detection.split import NamedWorld

# scikit-learn is imported where it is used: that takes a second.

FIT_ITEMS: Final = 16_000
"""Packs of each world that it is learned on."""
PACKS_AT_ONCE: Final = 1_000
_ONE_OF_PLAIN: Final = 5
"""Of honest codes with fewer than two anonymous sessions, one in so many is learned from, and
counts as often."""


class LearnedOn(Struct, frozen=True):
    """The seeds of the drawn worlds, packs of each, and codes that the reference was learned on."""

    seeds: tuple[int, ...]
    items: int
    codes: int
    copied: int


class Reference:
    """A fitted model."""

    def __init__(self, model: Any, learned_on: LearnedOn) -> None:
        self._model = model
        self.learned_on = learned_on

    def judge(self, table: CodeTable) -> ReferenceScores:
        """The scores of the honest and the copied codes of one world."""
        scores = self.scores(table).tolist()
        of_copied = zip(table.items, scores, table.is_copied, strict=True)
        return ReferenceScores(
            Counter(score for score, honest in zip(scores, table.is_honest, strict=True) if honest),
            {item: score for item, score, is_copied in of_copied if is_copied},
        )

    def scores(self, table: CodeTable) -> Floats:
        """The log-odds of each code to be copied; `LOWEST` for codes that were scanned once."""
        scores = np.full(len(table.items), LOWEST, np.float32)
        if table.is_compared.any():
            rows = table.values[table.is_compared]
            with _one_thread():
                scores[table.is_compared] = self._model.decision_function(rows)
        return scores


def learn_reference(
    worlds: Sequence[NamedWorld],
    items: int = FIT_ITEMS,
    *,
    workers: int | None = None,
    progress: Callable[[NamedWorld, int], None] = lambda _world, _packs: None,
) -> Reference:
    """Learned on so many packs of each world: copied codes against honest ones.

    Codes under other attacks are context alone. Raises `ValueError` if there is no copied
    code among them, or no honest one.
    """
    values: list[Floats] = []
    labels = []
    for world in worlds:
        table = read_table(world, items, workers=workers, progress=progress)
        used = table.is_compared & (table.is_copied | table.is_honest)
        if used.any():
            values.append(table.values[used])
            labels.append(table.is_copied[used])
    if not labels or len(np.unique(np.concatenate(labels))) < 2:
        raise ValueError("the worlds to learn from must hold copied codes and honest ones")
    rows, is_copied = np.concatenate(values), np.concatenate(labels)
    sessions = rows[:, table.names.index("sessions")]
    seeds = tuple(world.seed for world in worlds)
    learned_on = LearnedOn(seeds, items, len(is_copied), int(is_copied.sum()))
    return Reference(_fitted(rows, is_copied, sessions), learned_on)


def _fitted(values: Floats, is_copied: Flags, sessions: Floats) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    is_rich = is_copied | (sessions > 1)
    kept = is_rich | (np.random.default_rng(0).random(len(is_copied)) < 1 / _ONE_OF_PLAIN)
    weights = np.where(is_rich, 1.0, _ONE_OF_PLAIN)[kept]
    model = HistGradientBoostingClassifier(
        max_iter=300, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=40,
        l2_regularization=5.0, max_features=0.3, early_stopping=False, random_state=0,
    )  # fmt: skip
    with _one_thread():
        return model.fit(values[kept], is_copied[kept], weights)


def _one_thread() -> AbstractContextManager[object]:
    """Threads that wait for one another on a busy machine took twenty times as long."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="openmp")
    return limits


def read_table(
    world: NamedWorld,
    items: int,
    *,
    workers: int | None = None,
    progress: Callable[[NamedWorld, int], None] = lambda _world, _packs: None,
) -> CodeTable:
    """All codes of one world."""
    parts: list[TablePart] = []
    scenario = world.scenario(items)
    for packs, part in map_packs(_part_of, scenario, workers=workers, packs=PACKS_AT_ONCE):
        parts.append(part)
        progress(world, packs)
    return table_of(parts)


def _part_of(reading: Reading, packs: range) -> tuple[int, TablePart]:
    return len(packs), part_of(reading.of_packs(packs))
