"""A linear classifier that tells the rows of two files apart, judged on rows it wasn't trained on.

It is ridge regression on the two files' signs over standardized features, which is Fisher's linear
discriminant with shrunken covariances.  Its solution is linear in the signs, so that one
factorization serves the files as they are and every permutation of their rows: that is what makes
an exact permutation test of it affordable (a two-sample test by classifier, Lopez-Paz and Oquab
2017).  The interval of the area under the curve is that of DeLong et al. 1988, fold by fold, as
LeDell et al. 2015 combine folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.linear_model import Ridge

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.faithfulness.bootstrap import CONFIDENCE
from viz.faithfulness.interval import Interval
from viz.jobs.cancellation import check_cancelled
from viz.types import BoolArray

N_FOLDS = 5
SHRINKAGE = 0.03
"""Penalty of each squared weight, for each row of training: features have variance 1."""


@dataclass(frozen=True, slots=True)
class DomainClassifier:
    """K classifiers, each trained without one fold of the M rows of both files."""

    folds: IntArray
    """Which fold each row is in.  (M,)"""
    directions: FloatArray
    """What the score of a fold's rows is linear in: the features as they are.  (K, D)"""
    offsets: FloatArray
    """What is added.  (K,)"""
    scores: FloatArray
    """Of each row, by the classifier that did not see it; above 0 where it looks like a row of the
    second file.  (M,)"""
    areas: FloatArray
    """Area under the curve: of the files, then of each permutation.  (1 + P,)"""
    auc: Interval
    """The first of them, on rows that the classifier was not trained on."""


def grouped_folds(texts: Sequence[object], seed: int, n_folds: int = N_FOLDS) -> IntArray:
    """Folds drawn at random without a look at the files; copies of a text share theirs.  (M,)"""
    numbers: dict[object, int] = {}
    groups = np.array([numbers.setdefault(text, len(numbers)) for text in texts])
    order = np.random.default_rng(seed).permutation(len(numbers))
    folds: IntArray = (order % n_folds)[groups]
    return folds


def fit_domain_classifier(
    features: FloatArray, labels: BoolArray, folds: IntArray
) -> DomainClassifier:
    """Train and judge a domain classifier.

    Args:
        features: (M, D)
        labels: True for rows of the second file: as it is, then permuted.  (M, 1 + P)
        folds: Of each row.  (M,)
    """
    n_folds = int(folds.max()) + 1
    # Standardized over all rows: no label has a say in it.
    mean, scale = features.mean(0), features.std(0)
    scale = np.where(scale > 1e-12 * np.abs(mean).max(initial=1e-300), scale, np.inf)
    standard = (features.astype(np.float64) - mean) / scale
    signs = np.where(labels, 1.0, -1.0)
    directions = np.zeros((n_folds, features.shape[1]))
    offsets = np.zeros(n_folds)
    scores = np.zeros(len(features))
    wins, pairs, variance = np.zeros(labels.shape[1]), np.zeros(labels.shape[1]), 0.0
    for fold in range(n_folds):
        check_cancelled()
        out = folds == fold
        ridge = Ridge(alpha=SHRINKAGE * float((~out).sum()), solver="cholesky")
        held_out = ridge.fit(standard[~out], signs[~out]).predict(standard[out])
        held_out = held_out.reshape(-1, labels.shape[1])
        directions[fold] = np.atleast_2d(ridge.coef_)[0] / scale
        offsets[fold] = np.atleast_1d(ridge.intercept_)[0] - directions[fold] @ mean
        scores[out] = held_out[:, 0]
        n_ones = labels[out].sum(0)
        ranks = rankdata(held_out, axis=0)
        wins += (ranks * labels[out]).sum(0) - n_ones * (n_ones + 1) / 2
        pairs += n_ones * (out.sum() - n_ones)
        variance += (
            delong_variance(held_out[:, 0], labels[out, 0])
            * float(n_ones[0] * (out.sum() - n_ones[0])) ** 2
        )
    areas = np.where(pairs > 0, wins / np.maximum(pairs, 1), 0.5)
    half = norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(variance) / max(pairs[0], 1)
    low, high = np.clip([areas[0] - half, areas[0] + half], 0, 1)
    auc = Interval(mean=float(areas[0]), low=float(low), high=float(high))
    return DomainClassifier(folds, directions, offsets, scores, areas, auc)


def delong_variance(scores: FloatArray, ones: BoolArray) -> float:
    """Variance of the area under the curve (DeLong et al. 1988).

    0 where one of the two kinds has no row; a kind with one row adds the most it could.

    Args:
        scores: (M,)
        ones: Which rows should score high.  (M,)
    """
    n_ones, n_zeros = int(ones.sum()), int((~ones).sum())
    if not n_ones or not n_zeros:
        return 0.0
    ranks = rankdata(scores)
    # Of each row, the share of rows of the other kind that it is on the right side of.
    above = (ranks[ones] - rankdata(scores[ones])) / n_zeros
    below = 1 - (ranks[~ones] - rankdata(scores[~ones])) / n_ones
    return sum(
        float(np.var(placements, ddof=1)) / len(placements) if len(placements) > 1 else 0.25
        for placements in (above, below)
    )
