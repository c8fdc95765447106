"""Maps of tokens made maps of words: rows averaged or added up, columns added up."""

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray

MAX_PIECES = 8
"""Up to this many columns `np.add.reduceat` adds the first to the sum of the others, in order."""


def add_columns(values: FloatArray, starts: IntArray) -> FloatArray:
    """Columns added up from each start to the next, as `np.add.reduceat` adds them, bit for bit.

    Along rows that lie in memory one number after the other it takes half the time: most words are
    one column, and few are many.  (..., m) -> (..., n)
    """
    lengths = np.diff([*starts, values.shape[-1]])
    if lengths.max(initial=0) > MAX_PIECES:
        return np.asarray(np.add.reduceat(values, starts, axis=-1))
    sums = values.take(starts, -1)
    longer = np.flatnonzero(lengths > 1)
    if not len(longer):
        return sums
    others = _spread(values.take(starts[longer] + 1, -1), np.arange(len(longer)), len(longer) + 1)
    for piece in range(2, int(lengths.max())):
        places = np.flatnonzero(lengths[longer] > piece)
        others += _spread(values.take(starts[longer][places] + piece, -1), places, len(longer) + 1)
    places = np.full(len(starts), len(longer))
    places[longer] = np.arange(len(longer))
    sums += others.take(places, -1)
    return np.asarray(sums)


def _spread(columns: FloatArray, places: NDArray[np.integer], width: int) -> FloatArray:
    """Columns put in places of a wider array, the others 0."""
    n_columns = columns.shape[-1]
    padded = np.zeros((*columns.shape[:-1], n_columns + 1), columns.dtype)
    padded[..., :n_columns] = columns
    sources = np.full(width, n_columns)
    sources[places] = np.arange(n_columns)
    return np.asarray(padded.take(sources, -1))
