"""Accuracy without labels: near the truth where the classifier knows how sure to be."""

import numpy as np
import pytest

from viz.data.missing import Missing
from viz.data.shift import accuracy_estimate
from viz.data.shift.accuracy_estimate import estimate_accuracy

N_CLASSES = 3


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy_estimate, "RESAMPLES", 40)


def _drawn(sharpness: float, n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes drawn by their probabilities at three fifths of them: overconfident."""
    draw = np.random.default_rng(seed)
    logits = sharpness * draw.normal(size=(n_rows, N_CLASSES))
    noise = draw.gumbel(size=logits.shape)
    return logits, (0.6 * logits + noise).argmax(axis=1)


@pytest.mark.parametrize("sharpness", [3.0, 5.0, 8.0])
def test_the_estimate_follows_an_accuracy_that_falls_or_rises(sharpness: float) -> None:
    reference, gold = _drawn(5.0, 3_000, seed=0)
    logits, classes = _drawn(sharpness, 3_000, seed=1)
    truth = (logits.argmax(1) == classes).mean()
    estimate = estimate_accuracy(reference, gold, logits, seed=0)
    assert not isinstance(estimate, Missing)
    assert abs(estimate.mean - truth) < 0.02
    assert estimate.low <= truth <= estimate.high
    assert estimate.high - estimate.low < 0.12


def test_a_class_that_is_often_wrong_counts_where_it_comes_up() -> None:
    draw = np.random.default_rng(0)

    def drawn(share: float) -> tuple[np.ndarray, np.ndarray]:
        classes = (draw.random(1_000) < share).astype(int)
        logits = np.column_stack([1 - classes, classes]) * 3.0 + draw.normal(0, 0.3, (1_000, 2))
        wrong = (classes == 1) & (draw.random(1_000) < 0.4)
        return logits, np.where(wrong, 0, classes)

    reference, gold = drawn(0.2)
    logits, classes = drawn(0.8)
    estimate = estimate_accuracy(reference, gold, logits, seed=0)
    assert not isinstance(estimate, Missing)
    before = (reference.argmax(1) == gold).mean()
    truth = (logits.argmax(1) == classes).mean()
    assert abs(estimate.mean - truth) < 0.7 * (before - truth)


def test_the_same_rows_and_seed_give_the_same_estimate() -> None:
    reference, gold = _drawn(5.0, 300, seed=0)
    logits, _ = _drawn(4.0, 200, seed=1)
    assert estimate_accuracy(reference, gold, logits, 3) == estimate_accuracy(
        reference, gold, logits, 3
    )


def test_too_few_labels_or_no_error_give_a_sentence() -> None:
    logits, gold = _drawn(5.0, 200, seed=0)
    few = estimate_accuracy(logits[:29], gold[:29], logits, seed=0)
    assert isinstance(few, Missing)
    assert "29 rows" in few.missing
    right = estimate_accuracy(logits, logits.argmax(1), logits, seed=0)
    assert isinstance(right, Missing)
    assert "decided right" in right.missing
