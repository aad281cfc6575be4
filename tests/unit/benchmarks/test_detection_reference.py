"""The offline reference: what it reads of a code, and how the detector is set beside it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf, isnan
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.gs1.item import ItemId
from authenticity.history.observation import Observation
from authenticity.records.scan import Act, Channel
from benchmarks.detection.dataset import Arrival, Example
from benchmarks.detection.evaluation.counts import WorldCounts
from benchmarks.detection.evaluation.measure_worlds import COMMERCIAL
from benchmarks.detection.evaluation.reference import LearnedOn, Reference, learn_reference
from benchmarks.detection.evaluation.reference_features import code_features
from benchmarks.detection.evaluation.reference_recall import (
    ReferenceScores,
    beside_reference,
    threshold_at,
)
from benchmarks.detection.evaluation.reference_scans import scans_of
from benchmarks.detection.evaluation.reference_table import part_of, table_of
from benchmarks.detection.evaluation.run_worlds import OURS, WorldResult
from benchmarks.detection.evaluation.scoring import LOWEST
from benchmarks.detection.evaluation.world_report import Reliability, reliability, together
from simulation.attacks import AttackFamily
from simulation.truth import Thing
from tests.unit.authenticity.detection.make_observations import (
    LYON,
    PARIS,
    TOKYO,
    any_observation,
    network_at,
)
from tests.unit.benchmarks.detection_scenes import arrival, case, example, outcome

_TRUTH = arrival("any").truth


def arrived(observation: Observation) -> Arrival:
    return Arrival(observation, observation.arrived_ms, _TRUTH)


def features(made: Example) -> dict[str, float]:
    return code_features(scans_of(made))


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    return list(one) == list(other) and all(
        value == other[name] or (isnan(value) and isnan(other[name])) for name, value in one.items()
    )


def of_items(*codes: Example) -> list[Example]:
    return [each._replace(item=ItemId(f"{each.item}{number}")) for number, each in enumerate(codes)]


observations = st.lists(any_observation(), min_size=1, max_size=12)


@given(observations, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_figure(some: list[Observation], order: object) -> None:
    shuffled = list(some)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (example(*map(arrived, each)) for each in (some, shuffled))
    assert same(features(one), features(other))


@given(observations)
def test_a_scan_that_arrives_again_changes_no_figure(some: list[Observation]) -> None:
    once = example(*map(arrived, some))
    assert same(features(once), features(example(*map(arrived, [*some, *some]))))


@given(observations)
def test_every_code_has_the_same_figures(some: list[Observation]) -> None:
    assert list(features(example(*map(arrived, some)))) == list(features(example(arrival("one"))))


@given(st.lists(observations, min_size=2, max_size=5), st.booleans())
def test_no_figure_is_read_from_the_truth(
    codes: list[list[Observation]], is_attacked: bool
) -> None:
    honest = of_items(*(example(*map(arrived, some)) for some in codes))
    truth = msgspec.structs.replace(
        _TRUTH,
        physical="copy-7",
        thing=Thing.FAKE,
        genuine=False,
        behaviour="another",
        noise=("vpn",),
        true_at=_TRUTH.true_at + timedelta(days=9),
        true_lat=50.0,
        true_country="JP",
        attack=AttackFamily.COPIES if is_attacked else None,
        attack_id="an attack" if is_attacked else None,
    )
    copied = [
        each._replace(
            arrivals=tuple(one._replace(truth=truth) for one in each.arrivals),
            attack=truth.attack,
            attack_id=truth.attack_id,
            detectable_ms=1 if is_attacked else None,
        )
        for each in honest
    ]
    one, other = table_of([part_of(honest)]), table_of([part_of(copied)])
    assert one.names == other.names
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert one.is_honest.all() and other.is_copied.all() == is_attacked


def test_two_far_places_within_an_hour_are_two_and_too_fast() -> None:
    found = features(
        example(
            arrival("a", place=PARIS, network="home"),
            arrival("b", place=TOKYO, after=timedelta(hours=1), network="far"),
            arrival("c", place=PARIS, after=timedelta(hours=2), network="home"),
        )
    )
    assert (found["places"], found["networks"], found["countries"]) == (2, 2, 2)
    assert found["over 1000 km/h"] == found["long hops"] == 2
    assert found["place returns"] == found["network returns"] == 1
    assert found["busiest place share"] == pytest.approx(2 / 3)
    assert found["places that overlap"] == 1


def test_a_place_that_a_device_alone_states_is_no_place() -> None:
    hidden = network_at(PARIS, "exit")
    hidden = msgspec.structs.replace(hidden, kind="hosting")
    found = features(example(arrival("a", place=TOKYO, network=hidden), arrival("b", place=PARIS)))
    assert found["places"] == found["claimed places"] == 1
    assert found["networks hiding"] == 1


def test_a_scan_far_from_the_recorded_sale_is_told_apart() -> None:
    till: dict[str, Any] = {"publisher": "shop", "authorised": True, "channel": Channel.RETAIL}
    sold = arrival("sale", place=LYON, act=Act.SELL, **till)
    later = timedelta(days=2)
    found = features(example(sold, arrival("home", place=LYON, after=later)))
    assert found["after the sale"] == found["sales"] == 1
    assert found["from the sale, km 100 %"] == found["from the sale, scans"] == 0
    far = features(example(sold, arrival("away", place=TOKYO, after=later)))
    assert far["from the sale, km 100 %"] > 9_000
    assert far["from the sale, scans"] == far["abroad of the sale"] == 1


def test_what_is_usual_in_a_batch_is_told_of_its_other_codes() -> None:
    plain = example(arrival("a", place=PARIS), arrival("b", place=PARIS))
    odd = example(*(arrival(str(n), place=TOKYO, after=timedelta(days=n)) for n in range(6)))
    codes = of_items(plain, plain, plain, odd)
    table = table_of([part_of(codes)])
    last = dict(zip(table.names, table.values[table.items.index(codes[3].item)], strict=True))
    assert last["anonymous, rank in batch"] == last["days, rank in product"] == 1
    assert last["anonymous, mean of batch"] == pytest.approx(np.log1p(2))
    assert last["batch: others"] == 3
    assert last["batch: commonest country"] == 0
    first = dict(zip(table.names, table.values[table.items.index(codes[0].item)], strict=True))
    assert first["batch: rarest country"] == 2


def test_a_table_does_not_depend_on_the_order_of_its_codes() -> None:
    codes = of_items(
        example(arrival("a", place=PARIS), arrival("b", place=TOKYO)),
        example(arrival("c", place=LYON)),
        example(arrival("d", place=PARIS)),
    )
    one, other = table_of([part_of(codes)]), table_of([part_of(codes[::-1])])
    assert one.items == other.items
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert one.is_compared.sum() == 1


def test_no_codes_make_an_empty_table() -> None:
    assert table_of([part_of([])]).items == ()


def test_nothing_is_learned_where_nothing_was_copied() -> None:
    with pytest.raises(ValueError, match="copied codes and honest ones"):
        learn_reference([])


class Stub:
    """Scores every row by its first figure."""

    def decision_function(self, values: Sequence[Sequence[float]]) -> np.ndarray:
        return np.asarray(values)[:, 0]


def test_a_code_that_was_scanned_once_is_never_suspected() -> None:
    codes = of_items(
        example(arrival("a")),
        example(
            *(
                arrival(n, attack=AttackFamily.COPIES, known_after=timedelta())
                for n in ("b", "c", "d")
            )
        ),
    )
    reference = Reference(Stub(), LearnedOn((1,), 1, 2, 1))
    scores = reference.judge(table_of([part_of(codes)]))
    assert scores == ReferenceScores(Counter({LOWEST: 1}), {codes[1].item: 3.0})


scores_of_codes = st.dictionaries(st.integers(-5, 5).map(float), st.integers(1, 4))


@given(scores_of_codes, st.integers(0, 12))
def test_a_threshold_lets_as_many_honest_codes_through_as_it_may(
    honest: dict[float, int], codes: int
) -> None:
    least = threshold_at(Counter(honest), codes)
    assert sum(number for score, number in honest.items() if score > least) <= codes
    if least == -inf:
        assert sum(honest.values()) <= codes
    else:
        assert sum(number for score, number in honest.items() if score >= least) > codes


def test_both_are_compared_over_the_same_codes_at_the_same_false_alerts() -> None:
    counts = WorldCounts((OURS, COMMERCIAL.name))
    counts.cases = [
        case("caught", outcome(1)),
        case("missed", outcome()),
        case("never", outcome()),
        case("unknowable", outcome(1), known_at=None),
    ]
    counts.false[OURS].codes = 1
    counts.false[OURS].scores = Counter({6.0: 1, 1.0: 2})
    counts.honest.codes, counts.honest.item_scans = 50, 20_000
    result = WorldResult(1, 100, counts, [], [])
    names = [each.item for each in counts.cases]
    honest = Counter({3.0: 1, 2.0: 1, LOWEST: 48})
    copied = dict(zip(names, (5.0, 2.5, LOWEST, 9.0), strict=True))
    found = beside_reference(result, ReferenceScores(honest, copied))
    assert found.own.false_codes == 1
    assert found.own.detector.value == pytest.approx(1 / 3)
    assert found.own.reference.value == pytest.approx(2 / 3)
    assert found.own.share == pytest.approx(1 / 2)
    assert (found.at_1.false_codes, found.at_2.false_codes) == (2, 4)
    assert found.at_2.reference.value == pytest.approx(2 / 3), "LOWEST is no suspicion"
    assert found.at_1.detector.value == pytest.approx(1 / 3)

    counts.false[OURS] = replace(counts.false[OURS], codes=0)
    silent = beside_reference(result, ReferenceScores(honest, dict.fromkeys(names, LOWEST)))
    assert silent.own.reference.value == 0
    assert silent.own.share is None


def test_probabilities_near_seven_in_ten_are_counted_with_what_was_said() -> None:
    counted = Counter({(599, True): 5, (600, True): 1, (800, False): 3, (801, True): 7})
    near = reliability(counted)
    assert (near.codes, near.copied) == (4, 1)
    assert near.said == pytest.approx(0.75)
    assert together([near, Reliability(0, 0, None), near]).said == pytest.approx(0.75)
    assert together([]) == Reliability(0, 0, None)
