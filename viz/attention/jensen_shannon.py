"""How differently heads look: the Jensen-Shannon distance between rows of attention weights."""

import numpy as np
from scipy.spatial.distance import jensenshannon

from finetune.checkpoint.arrays import FloatArray
from viz.jobs.cancellation import check_cancelled
from viz.types import ROW_TOLERANCE, BoolArray


def row_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """The Jensen-Shannon distance of each row: 0 where both are the same, 1 where no key is shared.

    It is the square root of the divergence in bits (Endres & Schindelin 2003), a metric. What a
    row lacks to a sum of 1, such as what goes to a sink, counts as one more key.  In float64.

    Args:
        first: Attention weights, each row at most 1 in sum.  (..., Q, K)
        second: Others of the same shape.

    Returns:
        (..., Q)

    Raises:
        ValueError: where shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"weights have shapes {first.shape} and {second.shape}")
    distances = jensenshannon(_with_rest(first), _with_rest(second), base=2, axis=-1)
    # Where both are the same, rounding can leave the root of something below 0.
    return np.asarray(np.nan_to_num(distances, nan=0.0))


def head_distances(
    first: FloatArray, second: FloatArray, impossible: BoolArray | None = None
) -> FloatArray:
    """The distance of each head between two readings of the same tokens: the mean of its rows.

    Rows of tokens that can look at one token alone are left out, as in the statistics of heads.

    Args:
        first: Attention weights.  (L, H, Q, K)
        second: Those of the other reading.
        impossible: Keys that a query can't look at.  (L, Q, K)

    Returns:
        (L, H); 0 where no token has a choice.
    """
    means = np.zeros(first.shape[:2])
    for layer, (one, other) in enumerate(zip(first, second, strict=True)):
        check_cancelled()
        rows = row_distances(one, other)
        if impossible is not None:
            rows = rows[:, (~impossible[layer]).sum(-1) > 1]
        if rows.size:
            means[layer] = rows.mean(-1)
    return means


def _with_rest(weights: FloatArray) -> FloatArray:
    """Rows with one more key, which takes what they lack to 1; rounding lacks nothing."""
    exact = weights.astype(np.float64)
    rest = 1 - exact.sum(-1, keepdims=True)
    rest[rest < ROW_TOLERANCE] = 0.0
    return np.concatenate([exact, rest], axis=-1)
