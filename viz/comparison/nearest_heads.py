"""Of two models with different layers and heads: the nearest head of one for each of the other."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.comparison.aligned_attention import AlignedAttention
from viz.jobs.cancellation import check_cancelled
from viz.types import ROW_TOLERANCE

MAX_CELLS = 150_000_000
"""Weights that are compared in a search: about a second.  Longer texts are searched by some rows,
evenly spread."""


def nearest_heads(ours: AlignedAttention, theirs: AlignedAttention) -> tuple[IntArray, int]:
    """The counterpart of each head: the one whose rows have the least divergence on average.

    Returns:
        (L, H, 2), layer and head in the second reading, and the number of rows that were compared.
    """
    n_rows, n_columns = ours.map(0, 0).shape
    pairs = int(np.prod(ours.size)) * int(np.prod(theirs.size))
    n_searched = max(1, min(n_rows, MAX_CELLS // (pairs * (n_columns + 1))))
    rows = np.unique(np.linspace(0, n_rows - 1, n_searched).round().astype(int))
    one, other = (_rows(side, rows) for side in (ours, theirs))
    totals = np.zeros((len(one), len(other)), np.float32)
    for row in range(len(rows)):
        check_cancelled()
        totals += _divergences(one[:, row], other[:, row])
    layers, heads = np.divmod(totals.argmin(1), theirs.size[1])
    return np.stack([layers, heads], -1).reshape(*ours.size, 2), len(rows)


def _rows(aligned: AlignedAttention, rows: IntArray) -> FloatArray:
    """Some rows of all heads, with what they lack to a sum of 1.  (L * H, r, m + 1)"""
    n_layers = aligned.size[0]
    weights = np.concatenate([aligned.maps(layer)[:, rows] for layer in range(n_layers)])
    rest = 1 - weights.sum(-1, keepdims=True)
    rest[rest < ROW_TOLERANCE] = 0
    return np.concatenate([weights, rest], -1)


def _divergences(one: FloatArray, other: FloatArray) -> FloatArray:
    """The Jensen-Shannon divergence in bits of each row of one and each of the other.

    It is the entropy of their mean less the mean of their entropies.  (N, m), (M, m) -> (N, M)
    """
    entropies = np.add.outer(_entropy(one), _entropy(other)) / 2
    mixed = np.stack([_entropy((row + other) / 2) for row in one])
    return np.asarray(mixed - entropies)


def _entropy(rows: FloatArray) -> FloatArray:
    """In bits.  (N, m) -> (N,)"""
    logs = np.log2(np.maximum(rows, np.finfo(rows.dtype).tiny))
    return np.asarray(-np.einsum("nm,nm->n", rows, logs))
