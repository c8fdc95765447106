"""The badge: whether an order of words is better than random ones."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from viz import Classifier, Reading, attribute
from viz.attribution.target import Target
from viz.errors import TextError
from viz.faithfulness.compare import compare
from viz.faithfulness.evidence import Erasure, Evidence, erase_orders, evidence
from viz.faithfulness.orders import random_orders
from viz.model.perturbation import OPERATORS, Perturbation

TEXT = "Oil prices rise as stocks fall, the market was not good"
TARGET = Target(1, 3)


def erased(value: float) -> Erasure:
    return Erasure(value, 0.0)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (4.0, "better than 95% of random orders"),
        (1.5, "not distinguishable from random"),
        (-2.0, "worse than 95% of random orders"),
    ],
)
def test_the_badge_compares_with_the_prediction_limits_of_the_random_orders(
    value: float, sentence: str
) -> None:
    drawn = (0.0, 1.0, 2.0, 1.0, 1.0)
    found = Evidence(9, {"mask": erased(value)}, {"mask": tuple(map(erased, drawn))})
    spread = np.std(drawn, ddof=1) * math.sqrt(1 + 1 / 5)
    low, high = (1 + student.ppf(share, 4) * spread for share in (0.025, 0.975))
    assert found.band == pytest.approx((low, high))
    assert found.sentence == sentence


def test_one_random_order_in_twenty_is_called_better(double: Classifier) -> None:
    """The limits hold what they say: random scores pass the badge in about 5% of draws."""
    versions = Perturbation(double, double.encode(TEXT))
    n, better = versions.n_words, 0
    for seed in range(200):
        own, *drawn = (
            *random_orders(n, 1, 10_000 + seed),
            *random_orders(n, 10, seed),
        )
        found = erase_orders(versions, TARGET, [own, *drawn], "mask")
        better += Evidence(n, {"mask": found[0]}, {"mask": found[1:]}).better
    assert 1 <= better <= 22  # of 200, 10 expected; more than 22 has a chance of 1 in 5,000


def test_the_badge_of_the_best_order_is_better_than_random(
    classifier: Classifier, reading: Reading
) -> None:
    versions = Perturbation(classifier, reading.encoding)
    shared: list[float] = []
    found = attribute(classifier, reading, "occlusion", shared=versions)
    seen = evidence(classifier, reading, found, shared=versions, progress=shared.append)
    assert set(seen.measures) == set(OPERATORS)
    assert all(len(drawn) == 10 for drawn in seen.random.values())
    means = [one.value for one in seen.measures.values()]
    assert seen.value == pytest.approx(sum(means) / 2)
    assert len(seen.random_values) == 10
    assert seen.band[0] < np.mean(seen.random_values) < seen.band[1]
    assert seen.better == (seen.sentence == "better than 95% of random orders")
    assert sum(shared) > 0
    again: list[float] = []
    assert evidence(classifier, reading, found, shared=versions, progress=again.append) == seen
    assert again == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("oil", "too short to measure: 1 word"), ("oil prices", "too short to measure: 2 words")],
)
def test_a_text_without_orders_is_too_short(
    classifier: Classifier, text: str, sentence: str
) -> None:
    reading = classifier.read(text)
    seen = evidence(classifier, reading, attribute(classifier, reading))
    assert (seen.measured, seen.better, seen.sentence) == (False, False, sentence)
    assert math.isnan(seen.value)
    with pytest.raises(TextError, match=r"too few orders to measure anything; give one of at"):
        compare(classifier, reading, ["attention"])
