"""Maps pooled to a few pixels while their rows come one stretch after another, in any order."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.pooling import bin_edges, farthest_from_zero
from viz.types import BoolArray

Place = tuple[int, int | slice]
"""The layer and the heads that rows belong to."""


class PooledMaps:
    """The number farthest from 0 of each bin of rows and columns, as `pool` gives it, bit for bit.

    Args:
        shape: Rows and columns of each map.
        rows: Bins of rows at most.
        columns: Bins of columns at most.
        maps: How many layers and heads there are.
        signed: Whether there are numbers below 0.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        rows: int,
        columns: int,
        maps: tuple[int, int],
        *,
        signed: bool,
    ) -> None:
        self.row_edges, self.column_edges = bin_edges(shape[0], rows), bin_edges(shape[1], columns)
        size = len(self.row_edges) - 1, len(self.column_edges) - 1
        self._n_columns = shape[1]
        # Weights are numbers, their rows sum to 1; signed shares may be no number, which stays out.
        self._largest: np.ufunc = np.fmax if signed else np.maximum
        self._most = np.full((*maps, *size), -np.inf, np.float32)
        self._least = np.full((*maps, *size), np.inf, np.float32) if signed else None
        self._impossible = np.ones((maps[0], *size), dtype=bool)
        self._lock = threading.Lock()

    def add(
        self,
        place: Place,
        first_row: int,
        values: FloatArray,
        first_column: int,
        impossible: BoolArray | None,
    ) -> None:
        """Take some rows of some maps of a layer.

        Args:
            place: The layer and its maps.
            first_row: The row of the first.
            values: (H, r, c); columns that are missing are 0, and nothing can be looked at there.
            first_column: The column of the first.
            impossible: (r, c), the same for all of these maps; None where all is possible.
        """
        layer, heads = place
        after = first_row + values.shape[-2]
        first_bin = int(np.searchsorted(self.row_edges, first_row, side="right")) - 1
        last_bin = int(np.searchsorted(self.row_edges, after, side="left"))
        bins = slice(first_bin, last_bin)
        starts = np.maximum(self.row_edges[bins] - first_row, 0)
        most = self._pooled(self._largest, values, starts, first_column, 0)
        least = (
            None if self._least is None else self._pooled(np.fmin, values, starts, first_column, 0)
        )
        # Where columns are missing nothing is possible, whatever the rows.
        possible = np.zeros((1, values.shape[-1]), dtype=bool) if impossible is None else impossible
        first_rows = starts[:1] if impossible is None else starts
        forbidden = self._pooled(np.logical_and, possible, first_rows, first_column, fill=True)
        with self._lock:
            target = self._most[layer, heads, bins]
            np.fmax(target, most if isinstance(heads, slice) else most[0], out=target)
            if self._least is not None and least is not None:
                target = self._least[layer, heads, bins]
                np.fmin(target, least if isinstance(heads, slice) else least[0], out=target)
            self._impossible[layer, bins] &= forbidden

    def _pooled(
        self,
        choose: np.ufunc,
        values: NDArray[Any],
        starts: NDArray[np.intp],
        first_column: int,
        fill: float,
    ) -> NDArray[Any]:
        """Rows pooled, then columns; missing columns hold *fill*."""
        ends = [*starts[1:], values.shape[-2]]
        rows = np.stack(
            [
                choose.reduce(values[..., start:end, :], axis=-2)
                for start, end in zip(starts, ends, strict=True)
            ],
            axis=-2,
        )
        if rows.shape[-1] < self._n_columns:
            whole = np.full((*rows.shape[:-1], self._n_columns), fill, rows.dtype)
            whole[..., first_column : first_column + rows.shape[-1]] = rows
            rows = whole
        return np.asarray(choose.reduceat(rows, self.column_edges[:-1], axis=-1))

    def result(self) -> tuple[FloatArray, BoolArray | None]:
        """The pixels (L, H, r, c), and those of nothing that can be looked at (L, r, c) or None."""
        pixels = self._most
        if self._least is not None:
            pixels = farthest_from_zero(self._most, self._least)
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
        return pixels, self._impossible if self._impossible.any() else None
