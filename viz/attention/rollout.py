"""Views over attention weights, in numpy alone: means, the pooled row, rollout."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.errors import SelectionError
from viz.types import ROW_TOLERANCE


def select(weights: FloatArray, layer: int | None, head: int | None) -> FloatArray:
    """One map of `weights`; None for a layer or a head takes the mean over all of them.  (Q, K)

    Args:
        weights: (L, H, Q, K).
        layer: 0-based layer, or None for the mean over layers.
        head: 0-based head, or None for the mean over heads.

    Raises:
        SelectionError: where the model has no such layer or head.
    """
    check_selection(layer, head, *weights.shape[:2])
    chosen = weights.mean(0) if layer is None else weights[layer]
    return np.asarray(chosen.mean(0) if head is None else chosen[head], dtype=np.float32)


def place(layer: int | None, head: int | None) -> str:
    """A selection as a reader sees it, `L3 · H7`; None is the mean.  The atlas says the same."""
    if layer is None:
        return "mean of all heads" if head is None else f"H{head} · mean of layers"
    return f"L{layer} · mean of heads" if head is None else f"L{layer} · H{head}"


def check_selection(layer: int | None, head: int | None, n_layers: int, n_heads: int) -> None:
    """Refuse a layer or a head that a model of so many does not have.

    Raises:
        SelectionError: for the first of them.
    """
    _check("layer", layer, n_layers)
    _check("head", head, n_heads)


def _check(name: str, index: int | None, count: int) -> None:
    if index is not None and not 0 <= index < count:
        raise SelectionError(
            f"{name.capitalize()} {index} does not exist; "
            f"this model's {name}s are 0 to {count - 1}."
        )


def pooled_row(matrix: FloatArray, pooling: FloatArray) -> FloatArray:
    """The rows of a matrix, averaged as the class is read from their tokens.  (Q, K) -> (K,)

    The row of the deciding token, where it is one, and the mean of all where a mean is read.

    Args:
        matrix: Attention weights, or what they become over layers.
        pooling: `Reading.pooling`.  (Q,)
    """
    rows = pooling.nonzero()[0]
    return np.asarray(pooling[rows] @ matrix[rows], dtype=matrix.dtype)


def rollout(weights: FloatArray) -> FloatArray:
    """Attention carried through all layers, half of it staying put at each.  (Q, K)

    Each layer mixes by half the mean of its heads and half the identity, which stands for the
    residual connection; the layers' matrices are multiplied.  Rows sum to 1.  What a sink takes
    moves nothing, so a row with one is scaled to a sum of 1 after the identity is added.

    Source: Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers".
    """
    identity = np.eye(weights.shape[-1])
    result = identity
    for layer in weights.mean(1, dtype=np.float64):
        sums = 1 + layer.sum(-1, keepdims=True)
        sums[np.abs(sums - 2) <= ROW_TOLERANCE] = 2
        result = (layer + identity) / sums @ result
    return np.asarray(result, dtype=np.float32)
