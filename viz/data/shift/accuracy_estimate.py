"""The accuracy on rows without labels, from how sure the classifier is of them.

The mean of two estimators that err in different ways.  Both learn from labeled rows of the
reference: average thresholded confidence (Garg et al. 2022) counts the rows that are surer, by
negative entropy, than the share of wrong rows in the reference; the other is the mean probability
of being right, by logistic regression on the margin and the class predicted (Platt 1999).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.data.missing import Missing
from viz.faithfulness.bootstrap import percentile_interval
from viz.faithfulness.interval import Interval
from viz.jobs.cancellation import check_cancelled
from viz.types import BoolArray

ESTIMATOR = (
    "mean of average thresholded confidence (Garg et al. 2022) and of the probability of being"
    " right by margin and class (Platt 1999)"
)
MIN_LABELED = 30
"""Rows of the reference with a label, below which nothing is estimated."""
MIN_CLASS_ROWS = 30
"""Rows of a class in the reference, from which on its own accuracy is learned."""
MAX_CLASSES = 50
"""Classes whose own accuracy is learned at most: those predicted most."""
RESAMPLES = 200
MAX_ROWS = 10_000
"""Rows of each file that an estimate is made of at most, drawn at random."""


def estimate_accuracy(
    reference: FloatArray, gold: IntArray, logits: FloatArray, seed: int
) -> Interval | Missing:
    """Estimate the accuracy on a file without its labels.

    The interval is that of a bootstrap over the rows of both files, in which each row of the file
    is right with the probability that was estimated, and each resample weighs the two estimators
    by chance: where they disagree, it is as wide.

    Args:
        reference: Logits of the labeled rows of the reference.  (A, C)
        gold: Their classes.  (A,)
        logits: Of the file.  (B, C)
        seed: Of the draws.
    """
    right = reference.argmax(axis=1) == gold
    if len(gold) < MIN_LABELED:
        return Missing(
            missing=f"Only {len(gold):,} rows of the reference have a label; an estimate of the "
            f"accuracy takes {MIN_LABELED} or more."
        )
    if right.all() or not right.any():
        decided = "right" if right.all() else "wrong"
        return Missing(
            missing=f"All labeled rows of the reference are decided {decided}, so that nothing "
            "tells a right decision from a wrong one."
        )
    draw = np.random.default_rng(seed)
    reference_rows, rows = (_sample(len(each), draw) for each in (reference, logits))
    right = right[reference_rows]
    if right.all() or not right.any():  # of very many rows hardly one is of the other kind
        reference_rows = np.arange(len(reference))
        right = reference.argmax(axis=1) == gold
    known, other = _Evidence(reference[reference_rows]), _Evidence(logits[rows])
    n_known, n_other = len(known.margins), len(other.margins)
    features = known.features(known), other.features(known)
    estimators = _Estimators(known, other, features, right)
    estimate = float(np.mean(estimators(np.ones(n_known), np.ones(n_other))))
    resampled = np.full(RESAMPLES, estimate)
    for each in range(RESAMPLES):
        check_cancelled()
        known_weights = np.bincount(draw.integers(n_known, size=n_known), minlength=n_known)
        other_weights = np.bincount(draw.integers(n_other, size=n_other), minlength=n_other)
        share, noise = draw.random(), draw.normal()
        if len(np.unique(right[known_weights > 0])) == 2:
            first, second = estimators(known_weights, other_weights)
            mean = share * first + (1 - share) * second
            resampled[each] = mean + noise * np.sqrt(mean * (1 - mean) / n_other)
    low, high = np.clip(percentile_interval(resampled), 0, 1)
    return Interval(mean=estimate, low=min(float(low), estimate), high=max(float(high), estimate))


class _Evidence:
    """What speaks for a decision being right."""

    def __init__(self, logits: FloatArray) -> None:
        logits = logits.astype(np.float64)
        self.classes = logits.argmax(axis=1)
        self.n_classes = logits.shape[1]
        largest = np.sort(logits, axis=1)[:, -2:]
        self.margins = largest[:, 1] - largest[:, 0]
        shares = softmax(logits, axis=1)
        self.negative_entropy = (shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)

    def features(self, reference: "_Evidence") -> FloatArray:
        """Margin, and classes that occur often enough in the reference.  (N, F)"""
        counts = np.bincount(reference.classes, minlength=self.n_classes)
        usual = np.argsort(-counts, kind="stable")[:MAX_CLASSES]
        usual = usual[counts[usual] >= MIN_CLASS_ROWS]
        scale = reference.margins.std() or 1.0
        margins = (self.margins - reference.margins.mean()) / scale
        return np.column_stack([margins, self.classes[:, None] == usual])


@dataclass(frozen=True, slots=True)
class _Estimators:
    """Both estimators, for rows that count as often as their weights say."""

    known: _Evidence
    other: _Evidence
    features: tuple[FloatArray, FloatArray]
    """Of both.  (A, F) and (B, F)"""
    right: BoolArray
    """(A,)"""

    def __call__(self, known: NDArray[Any], other: NDArray[Any]) -> tuple[float, float]:
        """By margin and class, and by threshold.  (A,) and (B,)"""
        model = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=100)
        drawn = known > 0
        model.fit(self.features[0][drawn], self.right[drawn], sample_weight=known[drawn])
        by_margin = np.average(model.predict_proba(self.features[1])[:, 1], weights=other)
        accuracy = np.average(self.right, weights=known)
        order = np.argsort(self.known.negative_entropy, kind="stable")
        below = np.cumsum(known[order]) / known.sum()
        place = min(int(np.searchsorted(below, 1 - accuracy, side="right")), len(order) - 1)
        threshold = self.known.negative_entropy[order[place]]
        above = np.average(self.other.negative_entropy >= threshold, weights=other)
        return float(by_margin), float(above)


def _sample(n_rows: int, draw: np.random.Generator) -> IntArray:
    if n_rows <= MAX_ROWS:
        return np.arange(n_rows)
    return np.sort(draw.choice(n_rows, MAX_ROWS, replace=False))
