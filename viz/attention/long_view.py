"""Views over maps that are too large to keep: the same words, means and pictures, part by part.

A `LongView` shows what an `AttentionView` of the same weights would: `region` gives a part of a map
as an ordinary view, `raster` and `thumbnails` whole maps, pooled as for a screen.  All of them ask
the source for a few rows at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention.map_source import MapBlock, MapSource, whole_rows
from viz.attention.merging import add_columns
from viz.attention.pooled_maps import PooledMaps
from viz.attention.row_jobs import over_rows
from viz.attention.views import AttentionView, Quadrant, text_parts
from viz.attention.words import Span, Unit, spans
from viz.errors import SelectionError
from viz.jobs.progress import ShareProgress, no_share_progress
from viz.types import ROW_TOLERANCE, BoolArray, Encoding


class Thumbnails(NamedTuple):
    """All heads in small, as the atlas shows them."""

    pixels: FloatArray
    """(L + 1, H + 1, rows, columns), as `viz.attention.thumbnails.thumbnails` gives them."""
    impossible: BoolArray | None
    """(L + 1, rows, columns); None where each token can look at each."""


class Raster(NamedTuple):
    """One whole map in small."""

    pixels: FloatArray
    """(rows, columns): of the numbers that a pixel covers the one farthest from 0."""
    impossible: BoolArray | None
    """(rows, columns): where nothing can be looked at; None where something can everywhere."""


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


@dataclass(frozen=True, eq=False)
class LongView:
    """What all maps of a text show, of which no more is computed than is looked at."""

    source: MapSource
    all_spans: tuple[Span, ...]
    """The words or tokens, special ones included."""
    rows: NDArray[np.intp]
    """Which of them are rows."""
    columns: NDArray[np.intp]
    """Which of them are columns."""
    special: bool
    """Whether special tokens are shown; without them the rest of each row is scaled to its sum."""
    ready: dict[tuple[int, int], Thumbnails] = field(default_factory=dict)
    """Thumbnails by their size, as far as they are known."""

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The queries, one a row."""
        return tuple(self.all_spans[index] for index in self.rows)

    @cached_property
    def keys(self) -> tuple[Span, ...]:
        """The keys, one a column."""
        return tuple(self.all_spans[index] for index in self.columns)

    @property
    def signed(self) -> bool:
        """Whether it shows signed shares, of which nothing is averaged or rescaled within words."""
        return self.source.signed

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return self.source.n_layers

    @property
    def n_heads(self) -> int:
        """Number of heads in each layer."""
        return self.source.n_heads

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns a map has."""
        return len(self.rows), len(self.columns)

    def region(
        self, layer: int | None, head: int | None, rows: slice, columns: slice
    ) -> AttentionView:
        """A part of one map, or of a mean, with its exact values: a view (1, 1, r, c).

        Args:
            layer: None for the mean over layers.
            head: None for the mean over heads.
            rows: The rows, from `start` to `stop`.
            columns: The columns.

        Raises:
            SelectionError: for a layer, head or part that doesn't exist.
        """
        heads = self.layer_region(layer, rows, columns, head=head)
        return AttentionView(
            heads.spans,
            _mean_over_heads(heads.weights),
            _mean_over_heads(heads.removed),
            heads.keys,
            heads.signed,
            heads.impossible,
        )

    def layer_region(
        self, layer: int | None, rows: slice, columns: slice, *, head: int | None = None
    ) -> AttentionView:
        """A part of the maps of all heads of a layer, or of one: a view (1, H, r, c).

        Arguments and errors as for `region`.
        """
        self._check(layer, head)
        row_numbers = _numbers(rows, self.shape[0], "rows")
        column_numbers = _numbers(columns, self.shape[1], "columns")
        parts = list(self._parts(row_numbers))
        layers = range(self.n_layers) if layer is None else range(layer, layer + 1)
        values = removed = np.zeros((), np.float32)
        forbidden: BoolArray | None = None
        for each in layers:
            part_values, part_removed, part_impossible = [], [], []
            for part in parts:  # of which no more than the columns are kept
                shown = self._whole(self.shown(each, part, head))
                part_values.append(shown.values[..., column_numbers])
                part_removed.append(shown.removed)
                part_impossible.append(_forbidden(shown)[:, column_numbers])
            own, own_removed = np.concatenate(part_values, 1), np.concatenate(part_removed, 1)
            impossible = np.concatenate(part_impossible)
            first = each == layers[0]
            values = own if first else values + own
            removed = own_removed if first else removed + own_removed
            forbidden = impossible if forbidden is None else forbidden & impossible
        assert forbidden is not None  # there is a layer
        values, removed = (array / array.dtype.type(len(layers)) for array in (values, removed))
        return AttentionView(
            tuple(self.all_spans[self.rows[number]] for number in row_numbers),
            values[None],
            removed[None],
            tuple(self.all_spans[self.columns[number]] for number in column_numbers),
            self.signed,
            forbidden[None],
        )

    def raster(
        self,
        layer: int | None,
        head: int | None,
        rows: int,
        columns: int,
        progress: ShareProgress = no_share_progress,
    ) -> Raster:
        """One whole map, or a mean, pooled to at most so many rows and columns.

        Args:
            layer: None for the mean over layers.
            head: None for the mean over heads.
            rows: Pixels along the rows at most.
            columns: Pixels along the columns at most.
            progress: Told of each part that is done.

        Raises:
            SelectionError: for a layer or head that doesn't exist.
        """
        self._check(layer, head)
        pooled = PooledMaps(self.shape, rows, columns, (1, 1), signed=self.signed)

        def pool(part: NDArray[np.intp]) -> None:
            at = slice(int(part[0]), int(part[-1]) + 1)
            view = self.region(layer, head, at, slice(0, self.shape[1]))
            forbidden = None if view.impossible is None else view.impossible[0]
            pooled.add((0, 0), int(part[0]), view.weights[0], 0, forbidden)

        over_rows(list(self._parts(np.arange(self.shape[0]))), pool, progress)
        pixels, impossible = pooled.result()
        return Raster(pixels[0, 0], None if impossible is None else impossible[0])

    def thumbnails(
        self, rows: int, columns: int, progress: ShareProgress = no_share_progress
    ) -> Thumbnails:
        """All heads and means in small, each pixel the number farthest from 0 that it covers.

        Args:
            rows: Pixels along the rows at most.
            columns: Pixels along the columns at most.
            progress: Told of each part that is done.
        """
        if (rows, columns) not in self.ready:
            self.ready[rows, columns] = self.swept(rows, columns, (), progress)
        return self.ready[rows, columns]

    def swept(
        self,
        rows: int,
        columns: int,
        others: "Sequence[LayerReducer]",
        progress: ShareProgress = no_share_progress,
    ) -> Thumbnails:
        """Thumbnails, while other things are learned from the same rows of all maps.

        Args:
            rows: Pixels along the rows at most.
            columns: Pixels along the columns at most.
            others: What learns from the maps of tokens, as the source gives them.
            progress: Told of each part that is done.
        """
        n_layers, n_heads = self.n_layers, self.n_heads
        pooled = PooledMaps(
            self.shape, rows, columns, (n_layers + 1, n_heads + 1), signed=self.signed
        )

        def pool(part: NDArray[np.intp]) -> None:
            mean: FloatArray | None = None
            head_means: FloatArray | None = None
            forbidden: BoolArray | None = None
            for layer in range(n_layers):
                shown = self.shown(layer, part, others=others)
                first = shown.first_column
                if mean is None or head_means is None:
                    mean = np.zeros((n_heads, len(part), self.shape[1]), shown.values.dtype)
                    head_means = np.zeros(mean.shape[1:], mean.dtype)
                over_heads = _mean_over_heads(shown.values[None])[0, 0]
                row = int(part[0])
                pooled.add((layer, slice(n_heads)), row, shown.values, first, shown.impossible)
                pooled.add((layer, n_heads), row, over_heads[None], first, shown.impossible)
                at = slice(first, first + shown.values.shape[-1])
                mean[..., at] += shown.values
                head_means[..., at] += over_heads
                forbidden = self._also(forbidden, shown)
            assert mean is not None  # a model has layers
            assert head_means is not None
            mean /= mean.dtype.type(n_layers)
            head_means /= mean.dtype.type(n_layers)
            row = int(part[0])
            pooled.add((n_layers, slice(n_heads)), row, mean, 0, forbidden)
            pooled.add((n_layers, n_heads), row, head_means[None], 0, forbidden)

        over_rows(list(self._parts(np.arange(self.shape[0]))), pool, progress)
        return Thumbnails(*pooled.result())

    def _also(self, forbidden: BoolArray | None, shown: ShownRows) -> BoolArray:
        """What can't be looked at in a further layer either.  (r, m)"""
        here = np.ones((shown.values.shape[1], self.shape[1]), dtype=bool)
        at = slice(shown.first_column, shown.first_column + shown.values.shape[-1])
        here[:, at] = False if shown.impossible is None else shown.impossible
        return here if forbidden is None else forbidden & here

    def _parts(self, row_numbers: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Rows in parts whose maps of all heads are small, each one row or more."""
        n_tokens = self.source.n_tokens
        most = max(1, MAX_PART_BYTES // (4 * self.n_heads * n_tokens))
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

    def shown(
        self,
        layer: int,
        row_numbers: NDArray[np.intp],
        head: int | None = None,
        others: "Sequence[LayerReducer]" = (),
    ) -> ShownRows:
        """Some rows of a layer, as they are shown; those between them are left out."""
        indices = self.rows[row_numbers]
        over = self.all_spans[indices[0] : indices[-1] + 1]
        tokens = slice(over[0].tokens[0], over[-1].tokens[-1] + 1)
        block = self.source.block(layer, tokens, head)
        for other in others:
            other.add(layer, tokens.start, block)
        merged = _merged_rows(block, over, signed=self.signed)
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

    def _whole(self, shown: ShownRows) -> ShownRows:
        """Rows with all of their columns."""
        n_columns = self.shape[1]
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
            if self.signed:
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

    def _check(self, layer: int | None, head: int | None) -> None:
        for name, index, count in (
            ("Layer", layer, self.n_layers),
            ("Head", head, self.n_heads),
        ):
            if index is not None and not 0 <= index < count:
                raise SelectionError(
                    f"{name} {index} does not exist; "
                    f"this model's {name.lower()}s are 0 to {count - 1}."
                )


MAX_PART_BYTES = 8 * 2**20
"""Weights of all heads that are in memory at once, for each thread."""


class LayerReducer:
    """Learns from the maps of tokens of all layers, some rows at a time, from several threads."""

    def add(self, layer: int, first_row: int, block: MapBlock) -> None:
        """Learn from some rows of a layer."""
        raise NotImplementedError


def long_view(
    encoding: Encoding,
    source: MapSource,
    *,
    unit: Unit = "word",
    special: bool = True,
    quadrant: Quadrant = "all",
) -> LongView:
    """Attention, or contributions, of a long text over words or wordpieces; see `view`.

    Args:
        encoding: The text that was read.
        source: Its maps.
        unit: What a row stands for.
        special: Whether special tokens keep their rows and columns.
        quadrant: Which text of a pair looks at which.

    Raises:
        SelectionError: where nothing is left to show.
    """
    over = spans(encoding, unit)
    chosen = [index for index, span in enumerate(over) if special or not span.special]
    rows = columns = np.array(chosen, dtype=np.intp)
    if quadrant != "all":
        parts = np.array(text_parts([over[index] for index in chosen]))
        rows, columns = (rows[parts == "AB".index(quadrant[at])] for at in (0, 2))
    if not len(rows) or not len(columns):
        raise SelectionError("Nothing is left to show; show special tokens, or all texts.")
    return LongView(source, over, rows, columns, special)


def _numbers(wanted: slice, count: int, what: str) -> NDArray[np.intp]:
    start, stop = wanted.start or 0, count if wanted.stop is None else wanted.stop
    if not 0 <= start < stop <= count or wanted.step not in (None, 1):
        raise SelectionError(
            f"{what.capitalize()} {start}:{stop} do not exist; this view has {what} 0 to {count}."
        )
    return np.arange(start, stop)


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


def _mean_over_heads(values: FloatArray) -> FloatArray:
    """Head after head, whatever the size of the part, so that each number is that of the whole."""
    total = values[:, :1].copy()
    for head in range(1, values.shape[1]):
        total += values[:, head, None]
    return np.asarray(total / total.dtype.type(values.shape[1]))


def _forbidden(shown: ShownRows) -> BoolArray:
    """What can't be looked at.  (r, c)"""
    if shown.impossible is not None:
        return shown.impossible
    return np.zeros(shown.values.shape[1:], dtype=bool)


def _chosen(shown: ShownRows, keep: NDArray[np.intp]) -> ShownRows:
    impossible = None if shown.impossible is None else shown.impossible[keep]
    return ShownRows(shown.values[:, keep], shown.removed[:, keep], shown.first_column, impossible)
