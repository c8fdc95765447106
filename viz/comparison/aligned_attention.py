"""Attention of two readings over the same rows and columns: those of their alignment."""

from collections.abc import Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.views import merge_impossible, merge_maps
from viz.attention.words import Span
from viz.comparison.alignment import Alignment
from viz.types import Attention, BoolArray


class AlignedAttention:
    """The maps of one reading over the edits of an alignment.

    A row is a word that both readings have, a column a word that any of them has.  Rows of several
    words are averaged and columns added up, as those of the pieces of a word are.  A word that the
    reading doesn't have receives nothing.  So a row still sums to 1, or to less with a sink.

    Args:
        attention: The maps of all tokens.
        alignment: Which words belong together.
        spans: The words of this reading in each edit; None where it has none.
    """

    def __init__(
        self, attention: Attention, alignment: Alignment, spans: Sequence[Span | None]
    ) -> None:
        self._attention = attention
        self._spans = [span for span in spans if span is not None]
        self._columns = [place for place, span in enumerate(spans) if span is not None]
        self._n_columns = len(spans)
        shared = [edit.is_shared for edit in alignment.edits]
        self._rows = [row for row, place in enumerate(self._columns) if shared[place]]

    @classmethod
    def of_both(
        cls, alignment: Alignment, first: Attention, second: Attention
    ) -> "tuple[AlignedAttention, AlignedAttention]":
        """The maps of both readings of an alignment."""
        edits = alignment.edits
        return (
            cls(first, alignment, [edit.first for edit in edits]),
            cls(second, alignment, [edit.second for edit in edits]),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Layers and heads."""
        return self._attention.n_layers, self._attention.n_heads

    def maps(self, layer: int) -> FloatArray:
        """The maps of all heads of a layer.  (H, n, m)"""
        return self._aligned(self._attention.weights[layer])

    def map(self, layer: int, head: int) -> FloatArray:
        """The map of one head.  (n, m)"""
        weights: FloatArray = self._attention.weights[layer, head][None]
        return np.asarray(self._aligned(weights)[0])

    def _aligned(self, weights: FloatArray) -> FloatArray:
        merged: FloatArray = merge_maps(weights[None], self._spans)[0][:, self._rows]
        if len(self._columns) == self._n_columns:
            return merged
        widened = np.zeros((*merged.shape[:2], self._n_columns), merged.dtype)
        widened[..., self._columns] = merged
        return widened

    def impossible(self, layer: int) -> BoolArray:
        """What can't be looked at, among it the words that this reading doesn't have.  (n, m)"""
        widened = np.ones((len(self._rows), self._n_columns), bool)
        forbidden = self._attention.impossible
        widened[:, self._columns] = (
            False
            if forbidden is None
            else merge_impossible(forbidden[layer][None], self._spans)[0][self._rows]
        )
        return widened
