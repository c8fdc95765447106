"""Fisher's exact test of many parts of a file at once, and the correction for their number.

Source: Fisher 1935; for the correction Tarone 1990, "A modified Bonferroni method for discrete
data": a part so small that no outcome of its rows could reach significance can't be a false alarm
either, and isn't counted.  viz/data/README.md 2.3.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln

from finetune.checkpoint.arrays import FloatArray, IntArray

_ROUNDING = 1e-12


def upper_tails(n_rows: int, n_errors: int, sizes: IntArray, errors: IntArray) -> FloatArray:
    """How likely parts of these sizes have at least so many of all errors by chance.

    One-sided: the alternative is that errors are more frequent inside than outside.

    Args:
        n_rows: Of the whole file.
        n_errors: Of the whole file.
        sizes: Rows of each part.  (M,)
        errors: Errors among them.  (M,)

    Returns:
        (M,)
    """
    tails = np.ones(len(sizes))
    for size in np.unique(sizes):
        here = sizes == size
        # Parts of one size share their null distribution, so that thousands of words take as long
        # as their few hundred sizes.
        tails[here] = _tail(_counts(n_rows, n_errors, int(size)))[errors[here]]
    return tails


def stratified_tail(strata: Sequence[tuple[int, int, int]], errors: int) -> float:
    """How likely a part has at least *errors* where rows are exchangeable within strata only.

    Args:
        strata: Of each its rows, its errors, and how many of its rows belong to the part.
        errors: Of the part, over all strata.
    """
    total = np.ones(1)
    for n_rows, n_errors, size in strata:
        total = np.convolve(total, _counts(n_rows, n_errors, size))
    return float(_tail(total)[errors]) if errors < len(total) else 0.0


def n_testable(n_rows: int, n_errors: int, sizes: IntArray, level: float) -> int:
    """What p-values are multiplied by so that a family of tests errs once in 1 / *level* at most.

    The smallest k for which at most k parts can reach level / k at all.

    Args:
        n_rows: Of the whole file.
        n_errors: Of the whole file.
        sizes: Rows of each part, no part twice.  (M,)
        level: How often one or more parts may be reported where none is worse.
    """
    full = np.minimum(sizes, n_errors)
    smallest = np.sort(upper_tails(n_rows, n_errors, sizes, full))
    for k in range(1, len(smallest) + 1):
        if np.searchsorted(smallest, level / k, side="right") <= k:
            return k
    return max(1, len(smallest))


def _counts(n_rows: int, n_errors: int, size: int) -> FloatArray:
    """The hypergeometric distribution: of errors in a part drawn at random, from 0 on."""
    # scipy.stats.hypergeom takes ten microseconds a count, a thousand times as long.
    counts = np.arange(min(size, n_errors) + 1)
    possible = size - counts <= n_rows - n_errors
    inside = _log_binomial(n_errors, counts)
    outside = _log_binomial(n_rows - n_errors, np.where(possible, size - counts, 0))
    whole = _log_binomial(n_rows, np.array([size]))
    return np.where(possible, np.exp(inside + outside - whole), 0.0)


def _log_binomial(n: int, counts: IntArray) -> FloatArray:
    """The logarithm of the number of ways to draw so many of n."""
    ways: FloatArray = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    return ways


def _tail(chances: FloatArray) -> FloatArray:
    """The chance of each count or more; never above 1 by rounding."""
    tail: FloatArray = np.minimum(np.cumsum(chances[::-1])[::-1], 1.0)
    return np.where(tail > 1 - _ROUNDING, 1.0, tail)
