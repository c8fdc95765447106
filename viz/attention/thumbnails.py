"""All heads in small: the maps of every head and of their means, pooled to a few pixels each."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.pooling import pool, pool_impossible
from viz.attention.views import impossible_in
from viz.types import BoolArray

MAX_THUMBNAIL_SIDE = 48
"""Pixels along a thumbnail: more than a screen gives to one of twelve heads."""
MAX_WIDTH = 720
"""Pixels along the whole picture, so that models with many heads stay light."""


def thumbnails(weights: FloatArray, rows: int, columns: int, *, signed: bool = False) -> FloatArray:
    """Every head and every mean, each pixel the largest of the weights that it covers.

    The last row is the mean over layers, the last column that over heads.  Of signed numbers the
    one farthest from 0 counts, with its sign.  (L, H, n, m) -> (L + 1, H + 1, rows, columns)
    """
    head_means = weights.mean(1, keepdims=True)
    layer_means = weights.mean(0, keepdims=True)
    quarters = [[weights, head_means], [layer_means, head_means.mean(0, keepdims=True)]]
    pixels = np.concatenate(
        [
            np.concatenate(
                [pool(quarter, rows, columns, signed=signed) for quarter in pair], axis=1
            )
            for pair in quarters
        ]
    )
    return np.asarray(np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0, copy=False))


def impossible_thumbnails(impossible: BoolArray, rows: int, columns: int) -> BoolArray:
    """Which pixels stand for nothing that can be looked at, in each layer and in their mean.

    (L, n, m) -> (L + 1, rows, columns)
    """
    with_mean = np.concatenate([impossible, impossible_in(impossible, None)])
    return pool_impossible(with_mean, rows, columns)


def max_thumbnail_side(n_heads: int) -> int:
    """The most pixels along a thumbnail of a model with so many heads in a layer."""
    return max(1, min(MAX_THUMBNAIL_SIDE, MAX_WIDTH // (n_heads + 1)))
