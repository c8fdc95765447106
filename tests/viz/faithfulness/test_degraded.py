"""Explanations made worse step by step, and the verdict on metrics that have to say so."""

import numpy as np
import pytest
from numpy.typing import NDArray

from viz.attribution.target import Target
from viz.faithfulness.degraded import (
    MIN_TEXTS,
    PERCENTS,
    degraded_method,
    degraded_orders,
    degraded_values,
    metric_test,
)
from viz.faithfulness.metrics import TESTED, measure_orders
from viz.faithfulness.orders import random_orders, word_order
from viz.model.perturbation import OPERATORS, Perturbation

N_WORDS = 30
SCORES: NDArray[np.float64] = np.random.default_rng(5).normal(size=N_WORDS)


def degraded(seed: int) -> NDArray[np.int64]:
    """(steps, words)"""
    chosen = np.random.default_rng([1, seed]).permutation(N_WORDS)
    (last,) = random_orders(N_WORDS, 1, seed)
    return np.array(degraded_orders(SCORES, chosen, last, seed))


def test_an_explanation_gets_worse_from_its_own_order_to_a_random_one() -> None:
    orders = degraded(3)
    assert len(orders) == len(PERCENTS) >= 11
    np.testing.assert_array_equal(orders[0], word_order(SCORES))
    np.testing.assert_array_equal(orders[-1], random_orders(N_WORDS, 1, 3)[0])
    for percent, order in zip(PERCENTS, orders, strict=True):
        assert sorted(order) == list(range(N_WORDS))
        # Whose score was not shuffled keeps its place.
        assert (order == orders[0]).sum() >= N_WORDS - percent * N_WORDS // 100


def test_what_is_left_of_an_order_is_the_share_that_is_not_shuffled() -> None:
    places = np.argsort([degraded(seed) for seed in range(300)], axis=-1)
    kept = [[np.corrcoef(steps[0], step)[0, 1] for step in steps] for steps in places]
    means = np.mean(kept, axis=0)
    assert (np.diff(means) < 0).all()
    np.testing.assert_allclose(means, 1 - np.array(PERCENTS) / 100, atol=0.05)


def test_steps_are_measured_as_orders_are_and_none_is_read_twice(versions: Perturbation) -> None:
    target, names = Target(0, 1), list(TESTED)
    scores: NDArray[np.float64] = np.random.default_rng(0).normal(size=versions.n_words)
    for operator in OPERATORS:
        ends = [word_order(scores, 7), *random_orders(versions.n_words, 2, 7)]
        own, one, other = (
            np.array([each[name] for name in names])
            for each in measure_orders(versions, target, ends, operator)
        )
        steps = degraded_values(versions, target, scores, operator, 7)
        assert steps.shape == (len(PERCENTS), len(names))
        np.testing.assert_allclose(steps[0], own, atol=1e-12)
        np.testing.assert_allclose(steps[-1], (one + other) / 2, atol=1e-12)
        n_read = versions.n_read
        again = degraded_values(versions, target, scores, operator, 7)
        np.testing.assert_array_equal(steps, again)
        assert versions.n_read == n_read


def values(means: NDArray[np.float64], n_texts: int = MIN_TEXTS) -> NDArray[np.float64]:
    """What a metric says of texts; each the same.  (N, steps, 1)"""
    return np.tile(means[:, None], (n_texts, 1, 1))


FALLING = np.linspace(1, 0, len(PERCENTS))


@pytest.mark.parametrize(
    ("metric", "means", "correlation"),
    [
        ("comprehensiveness", FALLING, 1),
        ("comprehensiveness", FALLING[::-1], -1),
        ("sufficiency", FALLING, -1),  # lower is better
        ("sufficiency", FALLING[::-1], 1),
        ("flip_20", np.full(len(PERCENTS), 0.5), 0),
        # Spearman, 1 - 6 sum d² / (n (n² - 1)), of two neighbors that change places.
        ("aopc", FALLING[[1, 0, *range(2, 11)]], 1 - 6 * 2 / (11 * 120)),
        ("aopc", FALLING[[3, 2, 1, 0, *range(4, 11)]], 1 - 6 * 20 / (11 * 120)),
    ],
)
def test_a_metric_passes_that_ranks_the_steps(
    metric: str, means: NDArray[np.float64], correlation: float
) -> None:
    test = metric_test("attention", "Attention", {"mask": values(means)}, [metric], 6)
    found = test.under["mask"][metric]
    assert found.spearman == pytest.approx(correlation, abs=1e-6)
    assert found.means == pytest.approx(means, abs=1e-6)
    passed = correlation >= 0.95
    assert test.passed(metric, "mask") is found.passed is passed
    assert (test.passed("short", "mask"), test.passed(metric, "delete")) == (None, None)
    written = f"{correlation:.3f}".replace("-", "−")
    label = f"{TESTED[metric].label} ({written} by [MASK])"
    verdict = f"right by {label} (S" if passed else f"right by no metric; left out is {label} (S"
    assert f"Attention, its scores shuffled step by step on 20 texts, is ranked {verdict}" in (
        test.sentence
    )


def test_of_few_texts_nothing_is_concluded() -> None:
    test = metric_test(
        "attention", "Attention", {"mask": values(FALLING[::-1], MIN_TEXTS - 1)}, ["aopc"], 6
    )
    assert test.under["mask"]["aopc"].spearman is None
    assert test.passed("aopc", "mask") is None
    assert "not tested on degraded explanations: that takes 20 texts, and there were 19." in (
        test.sentence
    )


@pytest.mark.parametrize(
    ("methods", "degraded"),
    [
        (("decomposition", "occlusion"), "decomposition"),
        (("random", "search", "attention", "lime:rows=50"), "lime:rows=50"),  # explains the class
        (("random", "rollout", "attention"), "rollout"),
        (("random:seed=4", "search:goal=worst"), None),
    ],
)
def test_the_first_method_that_explains_the_class_is_degraded(
    methods: tuple[str, ...], degraded: str | None
) -> None:
    assert degraded_method(methods) == degraded
