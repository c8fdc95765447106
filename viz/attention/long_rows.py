"""The rows of one map of a long text taken together, as a class is read from their tokens."""

import threading
from typing import NamedTuple

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.long_view import LongView
from viz.attention.row_jobs import over_rows
from viz.attention.words import merge
from viz.jobs.progress import ShareProgress, no_share_progress
from viz.types import BoolArray

ROWS_AT_ONCE = 128


class PooledRow(NamedTuple):
    """One number for each key, of many queries."""

    values: FloatArray
    """(m,)"""
    impossible: BoolArray | None
    """(m,): keys that none of these queries can look at; None where there are none."""


def pooled_row(
    view: LongView,
    layer: int | None,
    head: int | None,
    pooling: FloatArray,
    progress: ShareProgress = no_share_progress,
) -> PooledRow:
    """As `viz.attention.views.pooled_row` and `pooled_impossible`, some rows at a time.

    Args:
        view: The maps.
        layer: None for the mean over layers.
        head: None for the mean over heads.
        pooling: `Reading.pooling`.  (T,)
        progress: Told of each part that is done.
    """
    n_rows, n_columns = view.shape
    shares = merge(pooling, view.spans, np.float64)
    weights = np.ones(n_rows) if view.signed else shares / (shares.sum() or 1)
    total = np.zeros(n_columns)
    forbidden = np.ones(n_columns, dtype=bool)
    lock = threading.Lock()

    def add(rows: slice) -> None:
        part = view.region(layer, head, rows, slice(0, n_columns))
        mine = weights[rows] @ part.weights[0, 0].astype(np.float64)
        pooled = shares[rows] > 0
        impossible = False if part.impossible is None else part.impossible[0, pooled].all(0)
        with lock:
            total[:] += mine
            if pooled.any():
                forbidden[:] &= impossible

    starts = range(0, n_rows, ROWS_AT_ONCE)
    over_rows([slice(at, min(at + ROWS_AT_ONCE, n_rows)) for at in starts], add, progress)
    return PooledRow(total.astype(np.float32), forbidden if forbidden.any() else None)
