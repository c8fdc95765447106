"""Views over maps that are too large to keep: the same words, means and pictures, part by part.

A `LongView` shows what an `AttentionView` of the same weights would: `region` gives a part of a map
as an ordinary view, `raster` and `thumbnails` whole maps, pooled as for a screen.  All of them ask
the source for a few rows at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.map_source import MapSource
from viz.attention.pooled_maps import PooledMaps
from viz.attention.row_jobs import over_rows
from viz.attention.shown_rows import LayerReducer, ShownMaps, ShownRows
from viz.attention.views import AttentionView, Quadrant, text_parts
from viz.attention.words import Span, Unit, spans
from viz.errors import SelectionError
from viz.jobs.progress import ShareProgress, no_share_progress
from viz.types import BoolArray, Encoding


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


@dataclass(frozen=True, eq=False)
class LongView:
    """What all maps of a text show, of which no more is computed than is looked at."""

    maps: ShownMaps
    ready: dict[tuple[int, int], Thumbnails] = field(default_factory=dict)
    """Thumbnails by their size, as far as they are known."""

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The queries, one a row."""
        return tuple(self.maps.all_spans[index] for index in self.maps.rows)

    @cached_property
    def keys(self) -> tuple[Span, ...]:
        """The keys, one a column."""
        return tuple(self.maps.all_spans[index] for index in self.maps.columns)

    @property
    def signed(self) -> bool:
        """Whether it shows signed shares, of which nothing is averaged or rescaled within words."""
        return self.source.signed

    @property
    def source(self) -> MapSource:
        """What computes the maps."""
        return self.maps.source

    @property
    def special(self) -> bool:
        """Whether special tokens are shown."""
        return self.maps.special

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
        return len(self.maps.rows), len(self.maps.columns)

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
        parts = list(self.maps.parts(row_numbers))
        layers = range(self.n_layers) if layer is None else range(layer, layer + 1)
        values = removed = np.zeros((), np.float32)
        forbidden: BoolArray | None = None
        for each in layers:
            part_values, part_removed, part_impossible = [], [], []
            for part in parts:  # of which no more than the columns are kept
                shown = self.maps.whole(self.maps.rows_of(each, part, head))
                part_values.append(shown.values[..., column_numbers])
                part_removed.append(shown.removed)
                part_impossible.append(shown.forbidden[:, column_numbers])
            own, own_removed = np.concatenate(part_values, 1), np.concatenate(part_removed, 1)
            impossible = np.concatenate(part_impossible)
            first = each == layers[0]
            values = own if first else values + own
            removed = own_removed if first else removed + own_removed
            forbidden = impossible if forbidden is None else forbidden & impossible
        assert forbidden is not None  # there is a layer
        values, removed = (array / array.dtype.type(len(layers)) for array in (values, removed))
        return AttentionView(
            tuple(self.maps.all_spans[self.maps.rows[number]] for number in row_numbers),
            values[None],
            removed[None],
            tuple(self.maps.all_spans[self.maps.columns[number]] for number in column_numbers),
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

        over_rows(list(self.maps.parts(np.arange(self.shape[0]))), pool, progress)
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
        others: Sequence[LayerReducer],
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
                shown = self.maps.rows_of(layer, part, others=others)
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

        over_rows(list(self.maps.parts(np.arange(self.shape[0]))), pool, progress)
        return Thumbnails(*pooled.result())

    def _also(self, forbidden: BoolArray | None, shown: ShownRows) -> BoolArray:
        """What can't be looked at in a further layer either.  (r, m)"""
        here = np.ones((shown.values.shape[1], self.shape[1]), dtype=bool)
        at = slice(shown.first_column, shown.first_column + shown.values.shape[-1])
        here[:, at] = False if shown.impossible is None else shown.impossible
        return here if forbidden is None else forbidden & here

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
    return LongView(ShownMaps(source, over, rows, columns, special))


def _numbers(wanted: slice, count: int, what: str) -> NDArray[np.intp]:
    start, stop = wanted.start or 0, count if wanted.stop is None else wanted.stop
    if not 0 <= start < stop <= count or wanted.step not in (None, 1):
        raise SelectionError(
            f"{what.capitalize()} {start}:{stop} do not exist; this view has {what} 0 to {count}."
        )
    return np.arange(start, stop)


def _mean_over_heads(values: FloatArray) -> FloatArray:
    """Head after head, whatever the size of the part, so that each number is that of the whole."""
    total = values[:, :1].copy()
    for head in range(1, values.shape[1]):
        total += values[:, head, None]
    return np.asarray(total / total.dtype.type(values.shape[1]))
