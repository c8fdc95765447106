"""Maps with more numbers than dots: each dot shows the number farthest from 0 that it covers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.types import BoolArray


def pool(values: FloatArray, rows: int, columns: int, *, signed: bool = True) -> FloatArray:
    """The number farthest from 0 in each bin of rows and columns, as max-abs pooling gives it.

    Args:
        values: (..., n, m); NaN stands for nothing.
        rows: Bins of rows at most; their sizes differ by one.
        columns: Bins of columns at most.
        signed: Whether there are numbers below 0; without them, half the work is enough.

    Returns:
        (..., min(n, rows), min(m, columns)); of two equally far from 0, the positive one.
    """
    most = _pool_by(np.fmax, values, rows, columns)
    return farthest_from_zero(most, _pool_by(np.fmin, values, rows, columns)) if signed else most


def pool_bins(
    values: FloatArray, rows: IntArray, columns: IntArray, *, signed: bool = True
) -> FloatArray:
    """As `pool`, of bins that begin and end at the given edges.

    Args:
        values: (..., n, m); NaN stands for nothing.
        rows: (r + 1,), from 0 to n, each more than the one before.
        columns: (c + 1,), from 0 to m.
        signed: Whether there are numbers below 0.

    Returns:
        (..., r, c)
    """
    most = _reduce_bins(np.fmax, values, rows, columns)
    least = _reduce_bins(np.fmin, values, rows, columns) if signed else most
    return farthest_from_zero(most, least) if signed else most


def pool_impossible_bins(impossible: BoolArray, rows: IntArray, columns: IntArray) -> BoolArray:
    """Whether nothing in a bin between the given edges can be looked at.  (..., r, c)"""
    return np.asarray(_reduce_bins(np.logical_and, impossible, rows, columns))


def pool_impossible(impossible: BoolArray, rows: int, columns: int) -> BoolArray:
    """Whether nothing in a bin can be looked at.  (..., n, m) -> (..., min(n, rows), ...)"""
    return np.asarray(_pool_by(np.logical_and, impossible, rows, columns))


def farthest_from_zero(most: FloatArray, least: FloatArray) -> FloatArray:
    """Of the largest and the least of some numbers, that with the larger size."""
    return np.asarray(np.where(most >= -least, most, least))


def bin_edges(n: int, count: int) -> IntArray:
    """Where bins begin and end whose sizes differ by one: `count` of them, or `n` if that is less.

    (bins + 1,)
    """
    count = min(n, count)
    return np.asarray(np.arange(count + 1) * n // count)


def _pool_by(choose: np.ufunc, values: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    by_rows = _pool_rows(choose, values, rows)
    return _pool_rows(choose, by_rows.swapaxes(-1, -2), columns).swapaxes(-1, -2)


def _pool_rows(choose: np.ufunc, values: NDArray[Any], count: int) -> NDArray[Any]:
    """What is chosen of each bin of rows.  (..., n, m) -> (..., min(n, count), m)"""
    if values.shape[-2] <= count:
        return values
    edges = bin_edges(values.shape[-2], count)
    starts, lasts = edges[:-1], edges[1:] - 1
    chosen = values[..., starts, :]
    for offset in range(1, int(np.diff(edges).max())):
        choose(chosen, values[..., np.minimum(starts + offset, lasts), :], out=chosen)
    return chosen


def _reduce_bins(
    choose: np.ufunc, values: NDArray[Any], rows: IntArray, columns: IntArray
) -> NDArray[Any]:
    for axis, edges in ((-2, rows), (-1, columns)):
        if len(edges) - 1 < values.shape[axis]:
            values = choose.reduceat(values, edges[:-1], axis=axis)
    return values
