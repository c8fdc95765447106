"""No row, and no near copy of one, takes part in what judges its label."""

import numpy as np
import pytest

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.labels import state_folds
from viz.data.labels.state_folds import (
    Question,
    copy_groups,
    deal_folds,
    head_log_probabilities,
    head_weight,
)

SENTENCE = "the market was not good today as oil prices rise and stocks fall in the morning"


def test_near_copies_are_one_group_and_others_are_none() -> None:
    texts = [SENTENCE, "peace talks", SENTENCE.upper() + "!", f"{SENTENCE} again", "a game"]
    first, second, *others = copy_groups(texts, None)
    assert others == [first, first, others[2]]
    assert len({first, second, others[2]}) == 3
    pairs = ["one pair", "two pair", "another text", "one pair", "two pair"]
    groups = copy_groups(texts, pairs)
    assert groups[0] == groups[3] != groups[2]


def test_copies_share_a_fold_and_classes_are_dealt_evenly() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(3, size=200)
    folds = deal_folds(np.arange(200), labels, 5, seed=0)
    counts = [np.bincount(folds[labels == label], minlength=5) for label in range(3)]
    assert all(np.ptp(count) <= 1 for count in counts)
    groups = random.integers(60, size=200)
    folds = deal_folds(groups, labels, 5, seed=0)
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups.tolist()))
    assert set(folds.tolist()) == set(range(5))
    np.testing.assert_array_equal(folds, deal_folds(groups, labels, 5, seed=0))


def separable(n_rows: int = 120, n_classes: int = 3) -> tuple[FloatArray, IntArray, IntArray]:
    """States of rows, their true classes, and labels of which every tenth is wrong."""
    random = np.random.default_rng(3)
    truth = np.arange(n_rows) % n_classes
    states = random.normal(size=(n_rows, 8)) + 4 * np.eye(8)[truth]
    labels = np.where(np.arange(n_rows) % 10 == 0, (truth + 1) % n_classes, truth)
    return states, truth, labels


def question(labels: IntArray, n_classes: int = 3) -> Question:
    """A choice of which the classifier says nothing."""
    even = np.full((len(labels), n_classes), -np.log(n_classes))
    return Question(labels=labels, log_probabilities=even)


def judged(states: FloatArray, each: Question, folds: IntArray, weight: float = 1) -> FloatArray:
    (answer,) = head_log_probabilities(states, [each], folds, weight=weight, seed=0)
    return answer


def test_a_label_doesnt_change_what_is_said_of_its_own_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state_folds, "STRENGTHS", (0.3,))
    states, _, labels = separable()
    folds = np.arange(len(labels)) % 5
    before = judged(states, question(labels), folds)
    changed = labels.copy()
    changed[7] = (changed[7] + 1) % 3
    after = judged(states, question(changed), folds)
    own = folds == folds[7]
    np.testing.assert_array_equal(after[own], before[own])
    assert (after[~own] != before[~own]).all()


def test_wrong_labels_stand_out() -> None:
    states, truth, labels = separable()
    answer = judged(states, question(labels), np.arange(len(labels)) % 5)
    np.testing.assert_allclose(np.exp(answer).sum(axis=1), 1)
    assert (answer.argmax(axis=1) == truth).mean() > 0.95 > (labels == truth).mean()


def test_the_mean_with_the_classifier_is_the_geometric_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state_folds, "STRENGTHS", (0.3,))
    states, _, labels = separable()
    folds = np.arange(len(labels)) % 5
    own = np.random.default_rng(0).dirichlet(np.ones(3), len(labels))
    both = Question(labels=labels, log_probabilities=np.log(own))
    expected = own**0.7 * np.exp(judged(states, both, folds)) ** 0.3
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(judged(states, both, folds, 0.3)), expected)


def test_a_fold_without_a_second_class_to_learn_from_is_undecided() -> None:
    states, *_ = separable(20)
    answer = judged(states, question(np.zeros(20, int)), np.arange(20) % 2)
    np.testing.assert_allclose(np.exp(answer), 1 / 3)
    alone = judged(states, question(np.arange(20) % 3), np.zeros(20, int))
    np.testing.assert_allclose(np.exp(alone), 1 / 3)
    constant = judged(np.ones((20, 4)), question(np.arange(20) % 3), np.arange(20) % 2)
    assert np.isfinite(constant).all()


def test_a_class_that_other_folds_lack_is_improbable_and_no_more() -> None:
    states, _, labels = separable()
    rare = np.where(np.arange(len(labels)) == 3, 2, labels % 2)
    answer = judged(states, question(rare), np.arange(len(labels)) % 5)
    assert np.exp(answer[3, 2]) == pytest.approx(state_folds.FLOOR / 3)


def test_a_head_counts_for_more_the_more_rows_it_has() -> None:
    assert [head_weight(n_rows) for n_rows in (0, 100, 900)] == [0, 0.25, 0.45]
