"""Rows of maps as they are shown: over words or tokens, some of them, computed when asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention.map_source import MapBlock, MapSource, whole_rows
from viz.attention.merging import add_columns
from viz.attention.words import Span
from viz.types import ROW_TOLERANCE, BoolArray

MAX_PART_BYTES = 8 * 2**20
"""Weights of all heads that are in memory at once, for each thread."""


class ShownRows(NamedTuple):
    """Some rows of the maps of a layer, as they are shown."""

    values: FloatArray
    """(H, r, c)"""
    removed: FloatArray
    """(H, r)"""
    first_column: int
    """Of those in no column, all values are 0 and nothing can be looked at."""
    impossible: BoolArray | None
    """(r, c)"""

    @property
    def forbidden(self) -> BoolArray:
        """What can't be looked at.  (r, c)"""
        if self.impossible is not None:
            return self.impossible
        return np.zeros(self.values.shape[1:], dtype=bool)


class LayerReducer:
    """Learns from the maps of tokens of all layers, some rows at a time, from several threads."""

    def add(self, layer: int, first_row: int, block: MapBlock) -> None:
        """Learn from some rows of a layer."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class ShownMaps:
    """Which rows and columns of all maps are shown."""

    source: MapSource
    all_spans: tuple[Span, ...]
    """The words or tokens, special ones included."""
    rows: NDArray[np.intp]
    """Which of them are rows."""
    columns: NDArray[np.intp]
    """Which of them are columns."""
    special: bool
    """Whether special tokens are shown; without them the rest of each row is scaled to its sum."""

    def parts(self, row_numbers: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Rows in parts whose maps of all heads are small, each one row or more."""
        n_tokens = self.source.n_tokens
        most = max(1, MAX_PART_BYTES // (4 * self.source.n_heads * n_tokens))
        part: list[int] = []
        size = 0
        for number in row_numbers:
            n_pieces = len(self.all_spans[self.rows[number]].tokens)
            if part and size + n_pieces > most:
                yield np.array(part)
                part, size = [], 0
            part.append(int(number))
            size += n_pieces
        if part:
            yield np.array(part)

    def rows_of(
        self,
        layer: int,
        row_numbers: NDArray[np.intp],
        head: int | None = None,
        others: Sequence[LayerReducer] = (),
    ) -> ShownRows:
        """Some rows of a layer, as they are shown; those between them are left out."""
        indices = self.rows[row_numbers]
        over = self.all_spans[indices[0] : indices[-1] + 1]
        tokens = slice(over[0].tokens[0], over[-1].tokens[-1] + 1)
        block = self.source.block(layer, tokens, head)
        for other in others:
            other.add(layer, tokens.start, block)
        merged = _merged_rows(block, over, signed=self.source.signed)
        widened = self._merged_columns(merged)
        keep = indices - indices[0]
        if len(keep) < len(over):
            widened = _chosen(widened, keep)
        if len(self.columns) < len(self.all_spans) or not self.special:
            widened = self._chosen_columns(widened)
        return widened

    def _merged_columns(self, merged: MapBlock) -> ShownRows:
        """A block whose columns are spans."""
        starts = self._starts
        values, first = merged.values, merged.first_key
        removed = np.zeros(values.shape[:2], values.dtype)
        if len(starts) == self.source.n_tokens:
            return ShownRows(values, removed, first, merged.impossible)
        after = first + values.shape[-1]
        left, right = (
            int(np.searchsorted(starts, first, side="right")) - 1,
            int(np.searchsorted(starts, after, side="left")),
        )
        begin = int(starts[left])
        end = int(starts[right]) if right < len(starts) else self.source.n_tokens
        impossible = merged.impossible
        if (begin, end) != (first, after):  # a word that can be looked at in part
            around = ((0, 0), (first - begin, end - after))
            inside = np.zeros(values.shape[1:], dtype=bool) if impossible is None else impossible
            impossible = np.pad(inside, around, constant_values=True)
            values = np.pad(values, ((0, 0), *around))
        own = starts[left:right] - begin
        if impossible is not None:
            impossible = np.logical_and.reduceat(impossible, own, axis=-1)
        return ShownRows(add_columns(values, own), removed, left, impossible)

    @cached_property
    def _starts(self) -> IntArray:
        """The first token of each span."""
        return np.array([span.tokens[0] for span in self.all_spans])

    def whole(self, shown: ShownRows) -> ShownRows:
        """Rows with all of their columns."""
        n_columns = len(self.columns)
        block = MapBlock(shown.values, shown.first_column, shown.impossible)
        values, impossible = whole_rows(block, n_columns)
        return ShownRows(values, shown.removed, 0, impossible)

    def _chosen_columns(self, shown: ShownRows) -> ShownRows:
        """The columns that are shown; without special tokens the rest of a row is scaled."""
        block = MapBlock(shown.values, shown.first_column, shown.impossible)
        rows, impossible = whole_rows(block, len(self.all_spans))
        chosen, removed = rows, shown.removed
        if not self.special:
            ordinary = [index for index, span in enumerate(self.all_spans) if not span.special]
            kept = rows[..., ordinary]
            if self.source.signed:
                removed = rows.sum(-1) - kept.sum(-1)
            else:
                # As in `view`: in double precision, so that rows sum to 1.
                mass = kept.sum(-1, dtype=np.float64, keepdims=True)
                whole = rows.sum(-1, dtype=np.float64, keepdims=True)
                whole[np.abs(whole - 1) <= ROW_TOLERANCE] = 1
                scale = np.divide(whole, mass, out=np.zeros_like(mass), where=mass > 0)
                removed = (whole - mass)[..., 0].clip(0, 1).astype(rows.dtype)
                chosen = rows * scale.astype(rows.dtype)
        if impossible is not None:
            impossible = impossible[:, self.columns]
        return ShownRows(chosen[..., self.columns], removed, 0, impossible)


def _merged_rows(block: MapBlock, over: Sequence[Span], *, signed: bool) -> MapBlock:
    """A block whose rows are spans: averaged, or added up where signed."""
    n_tokens = block.values.shape[1]
    if len(over) == n_tokens:
        return block
    starts = np.array([span.tokens[0] for span in over]) - over[0].tokens[0]
    rows = np.add.reduceat(block.values, starts, axis=-2)
    if not signed:
        sizes = np.diff([*starts, n_tokens]).astype(rows.dtype)
        rows /= sizes[:, None]
    impossible = block.impossible
    if impossible is not None:
        impossible = np.logical_and.reduceat(impossible, starts, axis=-2)
    return block._replace(values=rows, impossible=impossible)


def _chosen(shown: ShownRows, keep: NDArray[np.intp]) -> ShownRows:
    impossible = None if shown.impossible is None else shown.impossible[keep]
    return ShownRows(shown.values[:, keep], shown.removed[:, keep], shown.first_column, impossible)
