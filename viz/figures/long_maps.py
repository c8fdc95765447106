"""The maps of a figure of a long text: parts of them exactly, whole ones pooled to dots.

All of it is computed when it is asked for, some rows at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.long_view import LongView
from viz.attention.pooled_maps import PooledMaps
from viz.attention.row_jobs import over_rows
from viz.attention.views import AttentionView
from viz.jobs.cancellation import check_cancelled
from viz.jobs.progress import current_progress
from viz.types import BoolArray

Part = tuple[slice, slice]
"""Some rows of a map, and some of its columns."""

MAX_BLOCK_NUMBERS = 4_000_000
"""Numbers that are computed at once, those of all heads counted where their mean is shown."""
MAX_SIDE = 4096
"""Pixels along a pooled map at most: at 300 dots per inch 35 centimeters."""


@dataclass(frozen=True, slots=True)
class PooledView(AttentionView):
    """Whole maps in small: of the numbers that a pixel covers, the one farthest from 0.

    Spans and keys are those of the whole maps; `weights` are pixels (L, H, r, c), `impossible` says
    which of them cover nothing that can be looked at, and `removed` is not known.
    """

    @property
    def note(self) -> str:
        """What a pixel is."""
        n_rows, n_columns = self.weights.shape[2:]
        rows, columns = -(-len(self.spans) // n_rows), -(-len(self.keys) // n_columns)
        if rows * columns == 1:
            return ""
        which = "number farthest from 0" if self.signed else "largest"
        return f"Each pixel is the {which} of up to {rows} × {columns} weights."


def blocks(
    view: LongView, layer: int | None, head: int | None, rows: slice, columns: slice
) -> Iterator[AttentionView]:
    """A part of one map, or of a mean, some rows after the other: views (1, 1, r, c).

    Args:
        view: The maps.
        layer: None for the mean over layers.
        head: None for the mean over heads.
        rows: The rows, from `start` to `stop`.
        columns: The columns.
    """
    for some in _some_rows(view, head, rows):
        check_cancelled()
        yield view.region(layer, head, some, columns)
        current_progress()((some.stop - some.start) / (rows.stop - rows.start))


def _some_rows(view: LongView, head: int | None, rows: slice) -> Iterator[slice]:
    """Rows in parts that are small, whatever is averaged."""
    n_maps = view.n_heads if head is None else 1
    step = max(1, MAX_BLOCK_NUMBERS // (n_maps * view.source.n_tokens))
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


def region(
    view: LongView, layer: int | None, head: int | None, rows: slice, columns: slice
) -> AttentionView:
    """A part of one map, or of a mean, in one: a view (1, 1, r, c); arguments as for `blocks`."""
    parts = list(blocks(view, layer, head, rows, columns))
    first = parts[0]
    masks = [_impossible(part) for part in parts]
    return replace(
        first,
        spans=tuple(span for part in parts for span in part.spans),
        weights=np.concatenate([part.weights for part in parts], axis=2),
        removed=np.concatenate([part.removed for part in parts], axis=2),
        impossible=np.ascontiguousarray(np.concatenate(masks, axis=1)),
    )


def layer_region(view: LongView, layer: int | None, rows: slice, columns: slice) -> AttentionView:
    """A part of the maps of all heads of a layer: a view (1, H, r, c)."""
    heads = [region(view, layer, head, rows, columns) for head in range(view.n_heads)]
    return replace(
        heads[0],
        weights=np.concatenate([head.weights for head in heads], axis=1),
        removed=np.concatenate([head.removed for head in heads], axis=1),
    )


def pooled_map(
    view: LongView,
    layer: int | None,
    head: int | None,
    part: Part,
    size: tuple[int, int],
    share: float = 1,
) -> PooledView:
    """A part of one map, or of a mean, as (1, 1, r, c) pixels.

    Args:
        view: The maps.
        layer: None for the mean over layers.
        head: None for the mean over heads.
        part: The rows and columns that are shown.
        size: Pixels along the rows and along the columns at most.
        share: Of the work that is watched.
    """
    rows, columns = part
    shape = rows.stop - rows.start, columns.stop - columns.start
    n_rows, n_columns = (min(side, MAX_SIDE) for side in size)
    pooled = PooledMaps(shape, n_rows, n_columns, (1, 1), signed=view.signed)

    def pool(some: slice) -> None:
        shown = view.region(layer, head, some, columns)
        mask = None if shown.impossible is None else shown.impossible[0]
        pooled.add((0, 0), some.start - rows.start, shown.weights[0], 0, mask)

    over_rows(list(_some_rows(view, head, rows)), pool, current_progress(share))
    return _pooled(view, part, *pooled.result())


def pooled_layer(
    view: LongView, layer: int | None, part: Part, size: tuple[int, int]
) -> PooledView:
    """A part of the maps of all heads of a layer as (1, H, r, c) pixels."""
    n_heads = view.n_heads
    heads = [
        pooled_map(view, layer, head, part, size, share=1 / n_heads) for head in range(n_heads)
    ]
    return replace(heads[0], weights=np.concatenate([head.weights for head in heads], axis=1))


def pooled_model(view: LongView, rows: int, columns: int) -> PooledView:
    """All whole maps as (L, H, r, c) pixels.

    Thumbnails that are there already are taken where they have half as many, as for a screen.
    """
    rows, columns = (min(*sides) for sides in zip((rows, columns), view.shape, strict=True))
    enough = (size for size in view.ready if 2 * size[0] >= rows and 2 * size[1] >= columns)
    size = min(enough, default=(rows, columns))
    pixels, impossible = view.thumbnails(*size, current_progress())
    whole = slice(0, view.shape[0]), slice(0, view.shape[1])
    without_means = None if impossible is None else impossible[:-1]
    return _pooled(view, whole, pixels[:-1, :-1], without_means)


def _pooled(
    view: LongView, part: Part, pixels: FloatArray, impossible: BoolArray | None
) -> PooledView:
    spans, keys = view.spans[part[0]], view.keys[part[1]]
    nothing = np.zeros((*pixels.shape[:2], len(spans)), pixels.dtype)
    return PooledView(spans, pixels, nothing, keys, view.signed, impossible)


def _impossible(part: AttentionView) -> BoolArray:
    """What can't be looked at.  (1, r, c)"""
    if part.impossible is not None:
        return part.impossible
    return np.zeros((1, *part.weights.shape[2:]), dtype=bool)
