"""Errors are those that the confident joint counts off its diagonal, ranked as cleanlab does."""

import numpy as np
import pytest
from cleanlab.multilabel_classification import get_label_quality_scores as multi_label_quality
from cleanlab.rank import get_label_quality_scores

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.labels.confident_learning import confident_errors, label_loss, multi_label_loss


def noisy(seed: int, n_rows: int = 80, n_classes: int = 4) -> tuple[IntArray, FloatArray]:
    """Labels, a quarter of them drawn at random, and logarithms of probabilities."""
    random = np.random.default_rng(seed)
    truth = random.integers(n_classes, size=n_rows)
    labels = np.where(random.random(n_rows) < 0.25, random.integers(n_classes, size=n_rows), truth)
    weights = random.gamma(0.5, size=(n_rows, n_classes)) + 2 * np.eye(n_classes)[truth]
    return labels, np.log(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(5))
def test_errors_are_counted_as_defined(seed: int) -> None:
    labels, logarithms = noisy(seed)
    probabilities = np.exp(logarithms)
    means = [probabilities[labels == k, k].mean() for k in range(4)]
    errors = confident_errors(labels, logarithms)
    for row, label in enumerate(labels):
        confident = [k for k in range(4) if probabilities[row, k] >= means[k]]
        guess = max(confident, key=lambda k: probabilities[row, k], default=label)
        is_error = guess != label and probabilities[row].argmax() != label
        assert errors[row] == is_error


def test_a_class_without_rows_is_no_error_and_one_class_has_none() -> None:
    labels, logarithms = noisy(0)
    labels = np.where(labels == 3, 0, labels)
    errors = confident_errors(labels, logarithms)
    assert errors.any()
    assert not errors[(logarithms.argmax(axis=1) == 3) & (logarithms.max(axis=1) > -0.1)].any()
    for only in (0, 2):
        assert not confident_errors(np.full(len(labels), only), logarithms).any()


def test_rows_are_ordered_as_by_self_confidence() -> None:
    labels, logarithms = noisy(1)
    quality = get_label_quality_scores(labels, np.exp(logarithms))
    np.testing.assert_allclose(np.exp(-label_loss(labels, logarithms)), quality, atol=1e-12)
    logarithms = np.log(np.array([[1e-300, 1.0], [1e-310, 1.0]]))
    low, high = label_loss(np.array([0, 0]), logarithms)
    assert high > low


def test_rows_of_several_classes_are_ordered_as_by_cleanlab() -> None:
    random = np.random.default_rng(0)
    flags = random.random((50, 5)) < 0.3
    probabilities = random.random((50, 5))
    losses = -np.log(np.where(flags, probabilities, 1 - probabilities))
    lists = [np.flatnonzero(row).tolist() for row in flags]
    quality = multi_label_quality(lists, probabilities)
    np.testing.assert_allclose(np.exp(-multi_label_loss(losses)), quality, atol=1e-12)
