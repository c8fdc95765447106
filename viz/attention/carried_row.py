"""The pooled row of what attention becomes over layers, for maps that are too large to keep.

Rollout multiplies the matrices of all layers, T x T each.  Of the product only the rows are wanted
that the class is read from, so that one row is carried from the last layer down to the first.
"""

from collections.abc import Callable, Iterator

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.map_source import MapBlock, MapSource
from viz.attention.shown_rows import MAX_PART_BYTES
from viz.jobs.cancellation import check_cancelled
from viz.types import ROW_TOLERANCE

Mixing = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""From some rows of all heads of a layer, (H, q, k), to what it moves, (q, k), and what stays where
it is, (q,)."""


def row_blocks(source: MapSource, layer: int, rows: slice) -> Iterator[tuple[slice, MapBlock]]:
    """Some rows of a layer, a few at a time.

    Raises:
        CancelledError: where nobody waits any more.
    """
    size = max(1, MAX_PART_BYTES // (4 * source.n_heads * source.n_tokens))
    for first in range(rows.start, rows.stop, size):
        check_cancelled()
        part = slice(first, min(first + size, rows.stop))
        yield part, source.block(layer, part)


def carried_row(source: MapSource, pooling: FloatArray, mixing: Mixing) -> FloatArray:
    """The pooled rows of the product over layers, the last on the left, of what each mixes.

    Args:
        source: The maps.
        pooling: `Reading.pooling`.  (T,)
        mixing: What a layer makes of its maps.

    Returns:
        (T,), in double precision.
    """
    row: FloatArray = np.asarray(pooling, dtype=np.float64)
    for layer in reversed(range(source.n_layers)):
        row = _moved(source, layer, row, mixing)
    return row


def pooled_maps_row(source: MapSource, layer: int, pooling: FloatArray) -> FloatArray:
    """The mean over heads of the pooled rows of one layer.  (T,)"""
    row = np.asarray(pooling, dtype=np.float64)
    return _moved(source, layer, row, _mean_alone)


def rollout_mixing(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Half the mean of the heads and half the identity, as in `viz.attention.rollout.rollout`."""
    mean = values.mean(0, dtype=np.float64)
    sums = 1 + mean.sum(-1)
    sums[np.abs(sums - 2) <= ROW_TOLERANCE] = 2
    return mean / sums[:, None], 1 / sums


def _mean_alone(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return values.mean(0, dtype=np.float64), np.zeros(values.shape[1])


def _moved(source: MapSource, layer: int, row: FloatArray, mixing: Mixing) -> FloatArray:
    moved = np.zeros_like(row)
    places = row.nonzero()[0]
    if not len(places):
        return moved
    for part, block in row_blocks(source, layer, slice(int(places[0]), int(places[-1]) + 1)):
        mixed, stays = mixing(block.values)
        keys = slice(block.first_key, block.first_key + mixed.shape[1])
        moved[keys] += row[part] @ mixed
        moved[part] += row[part] * stays
    return moved
