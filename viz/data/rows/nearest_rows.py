"""The rows whose states lie nearest to that of a row."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.jobs.cancellation import check_cancelled

MAX_BLOCK = 2**24
"""Cosines that are held at once, so that memory is bounded for many rows."""
DIGITS = 5
"""Digits of a cosine that count; what follows them is rounding, which batches may change."""


def nearest_rows(
    states: FloatArray, queries: IntArray, n_nearest: int
) -> list[list[tuple[int, float]]]:
    """The rows with the largest cosine to each of some rows, exactly, over all rows but itself.

    Args:
        states: (N, D)
        queries: The numbers of Q rows among the N.  (Q,)
        n_nearest: How many of each, fewer where there are fewer rows.

    Returns:
        For each query the numbers of its nearest rows with their cosines, the nearest first, of
        equals the one with the lower number.
    """
    lengths = np.linalg.norm(states, axis=1, keepdims=True)
    directions = states / np.where(lengths > 0, lengths, 1)
    n_nearest = min(n_nearest, len(states) - 1)
    if n_nearest < 1:
        return [[] for _ in queries]
    size = max(1, MAX_BLOCK // len(states))
    return [
        _ranked(directions, int(query), cosines, n_nearest)
        for start in range(0, len(queries), size)
        for query, cosines in zip(
            queries[start : start + size],
            _cosines(directions, queries[start : start + size]),
            strict=True,
        )
    ]


def _cosines(directions: FloatArray, queries: IntArray) -> FloatArray:
    check_cancelled()
    cosines: FloatArray = directions[queries] @ directions.T
    cosines[np.arange(len(queries)), queries] = -np.inf
    return cosines


def _ranked(
    directions: FloatArray, query: int, cosines: FloatArray, n_nearest: int
) -> list[tuple[int, float]]:
    least = np.partition(cosines, -n_nearest)[-n_nearest]
    # All that rounding could put before another one, compared once more in double precision.
    near = np.flatnonzero(cosines >= least - 10.0**-DIGITS)
    exact = (directions[near].astype(float) * directions[query].astype(float)).sum(axis=1)
    exact = np.clip(exact.round(DIGITS), -1, 1)
    order = np.lexsort((near, -exact))[:n_nearest]
    return [(int(near[i]), float(exact[i])) for i in order]
