"""A map of more cells than can be shown at once, in tiles: pooled from afar, exact from near.

As in a street map, each level has about twice as many pixels along a side as the one above it; the
last has a pixel for every cell.  Pixels of all levels are those of `viz.attention.pooling.pool`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention.pooling import bin_edges, pool_bins, pool_impossible_bins
from viz.attention.row_jobs import over_rows
from viz.attention.views import AttentionView
from viz.errors import SelectionError
from viz.types import BoolArray

TILE_SIDE = 256
"""Pixels along a tile."""
COARSEST_SIDE = 512
"""Pixels along the coarsest level."""
MAX_CELLS_AT_ONCE = 2**20
"""Cells of a map that a thread takes at a time; of a mean, as many of each head."""


class RegionSource(Protocol):
    """A map that gives any of its parts, such as `viz.attention.long_view.LongView`."""

    def region(
        self, layer: int | None, head: int | None, rows: slice, columns: slice
    ) -> AttentionView:
        """Some rows and columns of one map, (1, 1, r, c)."""


class TilePlace(NamedTuple):
    """Which tile."""

    level: int
    """0 for the coarsest."""
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a map at one level."""

    place: TilePlace
    values: FloatArray
    """(r, c); at the last level the exact values."""
    impossible: BoolArray | None
    """(r, c): pixels that stand for nothing that can be looked at; None where there are none."""
    removed: FloatArray | None
    """(r,): what went from each row with the special tokens; at the last level only."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """The levels of a map of so many rows and columns."""

    n_rows: int
    n_columns: int

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of pixels of each level, the coarsest first."""
        sides, side = [], COARSEST_SIDE
        while side < max(self.n_rows, self.n_columns):
            sides.append((min(self.n_rows, side), min(self.n_columns, side)))
            side *= 2
        return *sides, (self.n_rows, self.n_columns)

    def edges(self, place: TilePlace) -> tuple[IntArray, IntArray]:
        """Where the pixels of a tile begin and end: rows (r + 1,) and columns (c + 1,) of cells.

        Raises:
            SelectionError: where there is no such tile.
        """
        if not 0 <= place.level < len(self.levels):
            last = len(self.levels) - 1
            raise SelectionError(f"The map has no level {place.level}; choose 0 to {last}.")
        rows, columns = (
            bin_edges(count, pixels)[index * TILE_SIDE : (index + 1) * TILE_SIDE + 1]
            for count, pixels, index in zip(
                (self.n_rows, self.n_columns), self.levels[place.level], place[1:], strict=True
            )
        )
        if min(place) < 0 or min(len(rows), len(columns)) < 2:
            raise SelectionError(f"The map has no tile {tuple(place)}; it ends before.")
        return rows, columns

    def n_computed_rows(self, places: Sequence[TilePlace]) -> int:
        """How many rows of cells `tiles` asks for: of tiles beside one another each but once."""
        bands = {place[:2]: self.edges(place)[0] for place in places}
        return sum(int(rows[-1] - rows[0]) for rows in bands.values())


def tiles(
    source: RegionSource,
    layer: int | None,
    head: int | None,
    pyramid: Pyramid,
    places: Sequence[TilePlace],
    progress: Callable[[float], None] = lambda rows: None,
) -> Iterator[Tile]:
    """Tiles of one map, computed band by band.

    Args:
        source: What gives parts of the map.
        layer: The layer; None for the mean over layers.
        head: The head; None for the mean over heads.
        pyramid: The levels of the map.
        places: Which tiles, of any levels.
        progress: Told how many rows of cells were computed, after each step.

    Raises:
        SelectionError: where there is no such tile.
    """
    for _, band in groupby(sorted(places), key=lambda place: place[:2]):
        yield from _band(source, layer, head, pyramid, list(band), progress)


def _band(
    source: RegionSource,
    layer: int | None,
    head: int | None,
    pyramid: Pyramid,
    places: Sequence[TilePlace],
    progress: Callable[[float], None],
) -> Iterator[Tile]:
    """Tiles that lie beside one another: a row of a map is computed for all of them at once."""
    rows, _ = pyramid.edges(places[0])
    columns = [pyramid.edges(place)[1] for place in places]
    left, right = int(columns[0][0]), int(columns[-1][-1])
    steps = list(_row_steps(rows, right - left))
    pieces: dict[tuple[int, int], tuple[FloatArray, BoolArray | None, FloatArray]] = {}

    def compute(step: int) -> None:
        edges = steps[step]
        part = source.region(layer, head, slice(int(edges[0]), int(edges[-1])), slice(left, right))
        for tile, own in enumerate(columns):
            inside = slice(int(own[0]) - left, int(own[-1]) - left)
            pieces[step, tile] = _pixels(part, edges - edges[0], own - own[0], inside)

    n_rows = float(rows[-1] - rows[0])
    over_rows(range(len(steps)), compute, lambda share: progress(share * n_rows))
    is_exact = places[0].level == len(pyramid.levels) - 1
    for tile, place in enumerate(places):
        own_pieces = (pieces[step, tile] for step in range(len(steps)))
        values, masks, removed = zip(*own_pieces, strict=True)
        yield Tile(
            place,
            np.concatenate(values),
            _stacked(values, masks),
            np.concatenate(removed) if is_exact else None,
        )


def _row_steps(edges: IntArray, n_columns: int) -> Iterator[IntArray]:
    """The rows of pixels in steps that fit `MAX_CELLS_AT_ONCE`, as the edges of their bins."""
    n_pixels, n_rows = len(edges) - 1, int(edges[-1] - edges[0])
    at_once = max(1, MAX_CELLS_AT_ONCE * n_pixels // (n_rows * n_columns))
    for first in range(0, n_pixels, at_once):
        yield edges[first : first + at_once + 1]


def _pixels(
    part: AttentionView, rows: IntArray, columns: IntArray, inside: slice
) -> tuple[FloatArray, BoolArray | None, FloatArray]:
    """Pixels of some columns of a region, what can't be looked at, what each of its rows lost."""
    values = pool_bins(part.weights[0, 0, :, inside], rows, columns, signed=part.signed)
    impossible = None
    if part.impossible is not None:
        impossible = pool_impossible_bins(part.impossible[0, :, inside], rows, columns)
    return values.astype(np.float32, copy=False), impossible, part.removed[0, 0]


def _stacked(values: Sequence[FloatArray], masks: Sequence[BoolArray | None]) -> BoolArray | None:
    """The masks of parts below one another; a part without one forbids nothing."""
    whole = np.concatenate(
        [
            np.zeros(part.shape, dtype=bool) if mask is None else mask
            for part, mask in zip(values, masks, strict=True)
        ]
    )
    return whole if whole.any() else None
