"""Probabilities of classes from the states of other rows: logistic regression in folds.

For rows that a classifier was trained on its own probabilities say little of their labels, which
it has learned by heart.  A linear head that is fitted to the states of the other folds has not.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import log_softmax

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.data.check.minhash import near_duplicate_pairs, normalized
from viz.jobs.cancellation import check_cancelled

N_FOLDS = 5
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse strengths of the penalty (scikit-learn's C) that are tried."""
MAX_TRIED = 4_000
"""Rows by which the penalty is chosen, drawn at random where there are more."""
MAX_QUESTIONS = 8
"""Questions by which it is chosen, evenly over all where there are more."""
PRIOR_ROWS = 100
"""Rows from which a head knows half as much as it ever can."""
FLOOR = 1e-3
"""Share of each probability that is spread evenly over all classes: no head is ever certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One choice among K classes that each row has an answer to."""

    labels: IntArray
    """The answers, 0 to K - 1.  (N,)"""
    log_probabilities: FloatArray
    """What the classifier itself says.  (N, K)"""


def copy_groups(texts: Sequence[str], pairs: Sequence[str] | None) -> IntArray:
    """Numbers of groups of rows that are near copies of one another, by way of others or not.  (N,)

    A row without a copy is a group of its own.
    """
    sides = [texts] if pairs is None else [texts, pairs]
    inputs = list(zip(*([normalized(text) for text in side] for side in sides), strict=True))
    distinct = {row: number for number, row in enumerate(dict.fromkeys(inputs))}
    check_cancelled()
    first, second = near_duplicate_pairs([list(side) for side in zip(*distinct, strict=True)]).T
    size = (len(distinct), len(distinct))
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=size)
    groups = connected_components(graph, directed=False)[1].astype(int)
    group_of: IntArray = np.array([groups[distinct[row]] for row in inputs], dtype=int)
    return group_of


def deal_folds(groups: IntArray, labels: IntArray, n_folds: int, seed: int) -> IntArray:
    """The fold of each row, 0 to `n_folds` - 1, sizes and classes as even as can be.  (N,)

    Args:
        groups: Rows of one group come into one fold.  (N,)
        labels: The class of each row; a group counts as that of its first row.  (N,)
        n_folds: How many folds.
        seed: Of the order in which rows of a class are dealt.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    order = shuffled[np.argsort(labels[first][shuffled], kind="stable")]
    folds = np.empty(len(first), dtype=int)
    folds[order] = np.arange(len(first)) % n_folds
    dealt: IntArray = folds[group]
    return dealt


def head_log_probabilities(
    states: FloatArray,
    questions: Sequence[Question],
    folds: IntArray,
    *,
    weight: float,
    seed: int,
) -> list[FloatArray]:
    """Logarithms of probabilities that no row's own label, nor that of a near copy, has shaped.

    For each fold a head is fitted to the states and labels of all others.  Its penalty is the one
    of `STRENGTHS` under which the result has the least cross-entropy.

    Args:
        states: What the classifier reads classes from.  (N, D)
        questions: What each row is asked; of a multi-label classifier one for each class.
        folds: The fold of each row.  (N,)
        weight: Of the head, in the geometric mean of what it says and what the classifier itself
            says, to which these rows have to be new; 1 for the head alone.
        seed: Of the rows by which the penalty is chosen.

    Returns:
        (N, K) for each question.
    """
    strength = STRENGTHS[0]
    sample = np.arange(len(states))
    if len(sample) > MAX_TRIED:
        sample = np.sort(np.random.default_rng(seed).choice(sample, MAX_TRIED, replace=False))
    least = np.inf
    for tried in STRENGTHS:
        entropy = 0.0
        for question in questions[:: -(-len(questions) // MAX_QUESTIONS)]:
            part = Question(
                labels=question.labels[sample],
                log_probabilities=question.log_probabilities[sample],
            )
            result = _answer(states[sample], part, folds[sample], tried, weight)
            entropy -= float(result[np.arange(len(sample)), part.labels].mean())
        if entropy < least:
            least, strength = entropy, tried
    return [_answer(states, each, folds, strength, weight) for each in questions]


def _answer(
    states: FloatArray,
    question: Question,
    folds: IntArray,
    strength: float,
    weight: float,
) -> FloatArray:
    """What the heads of all folds say of the rows of their own.  (N, K)"""
    n_classes = question.log_probabilities.shape[1]
    probabilities = np.empty((len(states), n_classes))
    for fold in np.unique(folds):
        check_cancelled()
        held_out = folds == fold
        probabilities[held_out] = _fold_probabilities(
            states[~held_out], question.labels[~held_out], states[held_out], n_classes, strength
        )
    head = np.log((1 - FLOOR) * probabilities + FLOOR / n_classes)
    own = question.log_probabilities
    mean: FloatArray = log_softmax((1 - weight) * own + weight * head, axis=1)
    return mean


def head_weight(n_rows: int) -> float:
    """The weight of a head that was fitted to so many rows, beside a classifier: at most a half."""
    return n_rows / (2 * (n_rows + PRIOR_ROWS))


def _fold_probabilities(
    states: FloatArray, labels: IntArray, others: FloatArray, n_classes: int, strength: float
) -> FloatArray:
    """Probabilities for `others` by a head that is fitted to `states` and `labels`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    classes = np.unique(labels)
    probabilities = np.zeros((len(others), n_classes))
    if len(classes) < 2:
        # One class, or none where all rows are in one fold, teaches no difference.
        probabilities[:] = 1 / n_classes
        return probabilities
    mean, deviation = states.mean(axis=0), states.std(axis=0)
    # So that the length of a state, and with it the meaning of a penalty, is about 1.
    scale = np.where(deviation > 0, deviation, 1) * np.sqrt(states.shape[1])
    head = LogisticRegression(C=strength, max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        head.fit((states - mean) / scale, labels)
    probabilities[:, classes] = head.predict_proba((others - mean) / scale)
    return probabilities
