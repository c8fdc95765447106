"""Whether two files differ at all: several tests on the same permutations of their rows.

Where nothing shifted, which file a row is in says nothing of it, so that the files as they are look
like any permutation of their rows among them.  Each test gives a statistic of the files and of each
permutation, and its rank is a p-value.  The smallest of these is ranked among the smallest of the
permutations (Westfall and Young 1993): that p-value is right however many tests there are and
however they hang together.
"""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import rankdata

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.types import BoolArray

ERROR_RATE = 0.05
"""How often there is an alarm where nothing shifted."""
N_PERMUTATIONS = 999


def permuted_labels(
    labels: BoolArray, seed: int, n_permutations: int = N_PERMUTATIONS
) -> BoolArray:
    """The labels as they are in the first column, then permuted.  (M,) -> (M, 1 + P)"""
    draw = np.random.default_rng(seed)
    columns = np.repeat(labels[:, None], n_permutations + 1, axis=1)
    columns[:, 1:] = draw.permuted(columns[:, 1:], axis=0)
    return columns


def distribution_distances(values: FloatArray, labels: BoolArray) -> FloatArray:
    """How far the two distributions of a number lie apart: Kolmogorov and Smirnov's statistic.

    Args:
        values: (M,)
        labels: (M, 1 + P)

    Returns:
        (1 + P,)
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    last = np.append(ordered[1:] != ordered[:-1], True)  # of equal values
    n_ones = labels[:, 0].sum()
    ones = labels[order].cumsum(axis=0)[last]
    total = (np.flatnonzero(last) + 1)[:, None]
    gaps = np.abs(ones / n_ones - (total - ones) / (len(values) - n_ones))
    distances: FloatArray = gaps.max(axis=0)
    return distances


def share_distances(classes: IntArray, labels: BoolArray) -> FloatArray:
    """How far the shares of classes lie apart: the chi-squared statistic of a table.

    Args:
        classes: Of each row.  (M,)
        labels: (M, 1 + P)

    Returns:
        (1 + P,)
    """
    kinds, numbers = np.unique(classes, return_inverse=True)
    shape = (len(kinds), len(classes))
    table = csr_array((np.ones(len(classes)), (numbers, np.arange(len(classes)))), shape)
    ones = table @ labels.astype(np.float64)
    totals = np.asarray(table.sum(axis=1))[:, None]
    share = labels[:, 0].mean()
    # Of two rows of a table both are as far from what is expected.
    squares: FloatArray = ((ones - totals * share) ** 2 / (totals * share * (1 - share))).sum(0)
    return squares


def combined_p_value(statistics: Mapping[str, FloatArray]) -> tuple[float, dict[str, float]]:
    """The p-value of all tests together, and that of each.

    Args:
        statistics: By test; of the files, then of each permutation, larger where files differ
            more.  Each (1 + P,)
    """
    # Sums in another order may differ in their last digits where nothing differs.
    rounded = [np.round(values, 9) for values in statistics.values()]
    p_values = np.stack([rankdata(-values, method="max") / len(values) for values in rounded])
    smallest = p_values.min(axis=0)
    own = {name: float(p[0]) for name, p in zip(statistics, p_values, strict=True)}
    return float((smallest <= smallest[0]).mean()), own
