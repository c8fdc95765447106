"""Statistics of heads from their rows, some at a time; see `viz.attention.statistics`."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention.map_source import MapBlock, MapSource
from viz.attention.shown_rows import LayerReducer
from viz.attention.statistics import HeadStatistics, named_statistics, separator_places
from viz.types import BoolArray, Encoding

SHARES = ("to_first", "to_separators", "to_itself", "to_previous", "to_next")
DIAGONALS = {"to_itself": 0, "to_previous": -1, "to_next": 1}
"""The key of a share, counted from the query."""


@dataclass(slots=True)
class _Sums:
    """Sums over rows of one kind, in double precision."""

    shape: tuple[int, int]
    totals: dict[str, NDArray[np.float64]] = field(init=False)
    """Each (L, H)"""
    bits: NDArray[np.float64] = field(init=False)
    """Entropy of looking evenly at all that can be looked at.  (L,)"""
    n_rows: IntArray = field(init=False)
    """(L,)"""

    def __post_init__(self) -> None:
        names = (*SHARES, "entropy", "distance")
        self.totals = {name: np.zeros(self.shape) for name in names}
        self.bits, self.n_rows = np.zeros(self.shape[0]), np.zeros(self.shape[0], np.int64)


class StatisticsReducer(LayerReducer):
    """Adds up what statistics of heads are made of, over rows that have a choice.

    Args:
        source: The maps.
        encoding: The text; says which tokens are special.
    """

    def __init__(self, source: MapSource, encoding: Encoding) -> None:
        self._encoding, self._separators = encoding, np.array(separator_places(encoding), int)
        shape = (source.n_layers, source.n_heads)
        self._chosen, self._forced = _Sums(shape), _Sums(shape)
        self._n_tokens = source.n_tokens
        self._masked = self._looks_ahead = False
        self._lock = threading.Lock()

    def add(self, layer: int, first_row: int, block: MapBlock) -> None:
        """Add some rows of a layer."""
        n_queries, n_keys = block.values.shape[1:]
        n_possible = np.full(n_queries, n_keys)
        if block.impossible is not None:
            n_possible -= block.impossible.sum(-1)
        choice = n_possible > 1
        masked = block.impossible is not None or n_keys < self._n_tokens
        looks_ahead = _looks_ahead(first_row, block)
        for sums, rows in ((self._chosen, choice), (self._forced, ~choice)):
            if not rows.any():
                continue
            totals = self._totals(first_row, block, rows)
            with self._lock:
                for name, total in totals.items():
                    sums.totals[name][layer] += total
                sums.bits[layer] += np.log2(n_possible[rows]).sum()
                sums.n_rows[layer] += int(rows.sum())
        with self._lock:
            self._masked |= masked
            self._looks_ahead |= looks_ahead

    def _totals(
        self, first_row: int, block: MapBlock, rows: BoolArray
    ) -> dict[str, NDArray[np.float64]]:
        """Sums over the rows that are meant, each (H,)."""
        at = first_row + np.flatnonzero(rows)
        values = block.values if rows.all() else block.values[:, rows]
        n_keys = values.shape[-1]
        keys = block.first_key + np.arange(n_keys)
        separators = self._separators - block.first_key
        separators = separators[(separators >= 0) & (separators < n_keys)]
        totals = {
            "to_first": values[..., 0] if block.first_key == 0 else values[..., :0],
            "to_separators": values[..., separators],
            **{name: _diagonal(values, at + step, keys) for name, step in DIAGONALS.items()},
        }
        sums = {name: _summed(each) for name, each in totals.items()}
        steps = np.abs(at[:, None] - keys).astype(values.dtype)
        logs = np.empty(values.shape[1:], values.dtype)
        sums["entropy"], sums["distance"] = np.zeros(len(values)), np.zeros(len(values))
        for head, own in enumerate(values):
            np.maximum(own, np.finfo(own.dtype).tiny, out=logs)
            sums["entropy"][head] = np.vdot(own, np.log(logs, out=logs)) / -np.log(2)
            sums["distance"][head] = np.vdot(own, steps)
        return sums

    def statistics(self) -> HeadStatistics:
        """What is known once all rows were added."""
        of_layer = self._chosen.n_rows > 0  # else no row of the layer has a choice: all count
        n_rows = np.where(of_layer, self._chosen.n_rows, self._forced.n_rows)[:, None]
        numbers = {
            name: (np.where(of_layer[:, None], total, self._forced.totals[name]) / n_rows).astype(
                np.float32
            )
            for name, total in self._chosen.totals.items()
        }
        numbers["entropy"] = numbers["entropy"].clip(0)
        bits = np.where(of_layer, self._chosen.bits, self._forced.bits)[:, None] / n_rows
        return named_statistics(
            self._encoding,
            dict[str, FloatArray](numbers),
            bits,
            masked=self._masked,
            looks_ahead=self._looks_ahead or self._n_tokens < 2,
        )


def _looks_ahead(first_row: int, block: MapBlock) -> bool:
    """Whether any of the rows can look at the token behind its own."""
    n_queries, n_keys = block.values.shape[1:]
    rows = np.arange(n_queries)
    columns = first_row + rows + 1 - block.first_key
    inside = (columns >= 0) & (columns < n_keys)
    if block.impossible is None:
        return bool(inside.any())
    return not block.impossible[rows[inside], columns[inside]].all()


def _diagonal(values: FloatArray, wanted: IntArray, keys: IntArray) -> FloatArray:
    """The weight of one key for each row, where it is there.  (H, q, k) -> (H, up to q)"""
    columns = wanted - keys[0]
    inside = np.flatnonzero((columns >= 0) & (columns < len(keys)))
    return values[:, inside, columns[inside]]


def _summed(values: FloatArray) -> NDArray[np.float64]:
    """(H, ...) -> (H,)"""
    return np.asarray(values.reshape(len(values), -1).sum(-1, dtype=np.float64))
