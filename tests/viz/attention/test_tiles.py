"""Tiles of a map are its pixels as `pool` makes them, and the map itself at the last level."""

from dataclasses import replace

import numpy as np
import pytest

from viz.attention import tiles as tiles_module
from viz.attention.pooling import pool, pool_impossible
from viz.attention.tiles import TILE_SIDE, Pyramid, TilePlace, tiles
from viz.attention.views import AttentionView
from viz.attention.words import Span
from viz.errors import SelectionError

SHAPE = (1300, 700)


class WholeMap:
    """A map that is all in memory, and counts the rows that were taken of it."""

    def __init__(self, *, signed: bool) -> None:
        rng = np.random.default_rng(0)
        values = rng.standard_normal(SHAPE).astype(np.float32)
        spans = tuple(Span(str(i), 0, 0, (i,), False, None) for i in range(max(SHAPE)))
        self.view = AttentionView(
            spans[: SHAPE[0]],
            (values if signed else np.abs(values))[None, None],
            rng.random((1, 1, SHAPE[0])).astype(np.float32),
            spans[: SHAPE[1]],
            signed,
            np.tri(*SHAPE, k=-100, dtype=bool)[None],
        )
        self.taken: list[int] = []

    def region(
        self, layer: int | None, head: int | None, rows: slice, columns: slice
    ) -> AttentionView:
        assert (layer, head) == (3, None)
        self.taken.append(rows.stop - rows.start)
        whole = self.view
        assert whole.impossible is not None
        return replace(
            whole,
            spans=whole.spans[rows],
            weights=whole.weights[:, :, rows, columns],
            removed=whole.removed[:, :, rows],
            keys=whole.keys[columns],
            impossible=whole.impossible[:, rows, columns],
        )


def places_of(pyramid: Pyramid, level: int) -> list[TilePlace]:
    """All tiles of a level."""
    counts = [-(-pixels // TILE_SIDE) for pixels in pyramid.levels[level]]
    return [TilePlace(level, row, column) for row, column in np.ndindex(*counts)]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_all_tiles_of_a_level_are_the_pooled_map(
    monkeypatch: pytest.MonkeyPatch, level: int, signed: bool
) -> None:
    monkeypatch.setattr(tiles_module, "MAX_CELLS_AT_ONCE", 70_000)
    source, pyramid = WholeMap(signed=signed), Pyramid(*SHAPE)
    assert pyramid.levels == ((512, 512), (1024, 700), SHAPE)
    places = places_of(pyramid, level)
    pixels = np.full(pyramid.levels[level], np.nan, np.float32)
    forbidden = np.zeros(pyramid.levels[level], dtype=bool)
    done: list[float] = []
    for tile in tiles(source, 3, None, pyramid, places[::-1], done.append):
        top, left = (TILE_SIDE * index for index in tile.place[1:])
        area = (slice(top, top + TILE_SIDE), slice(left, left + TILE_SIDE))
        pixels[area] = tile.values
        forbidden[area] = False if tile.impossible is None else tile.impossible
        assert (tile.removed is None) == (level < 2)
        if tile.removed is not None:
            np.testing.assert_array_equal(tile.removed, source.view.removed[0, 0, area[0]])
    assert source.view.impossible is not None
    whole = pool(source.view.weights[0, 0], *pyramid.levels[level], signed=signed)
    np.testing.assert_array_equal(pixels, whole)
    whole_mask = pool_impossible(source.view.impossible[0], *pyramid.levels[level])
    np.testing.assert_array_equal(forbidden, whole_mask)
    # Each row was taken once, however many tiles lie in it.
    assert sum(source.taken) == SHAPE[0] == pyramid.n_computed_rows(places)
    assert sum(done) == pytest.approx(SHAPE[0])


@pytest.mark.parametrize("place", [(3, 0, 0), (-1, 0, 0), (0, 2, 0), (2, 0, 3), (2, -1, 0)])
def test_a_tile_that_is_not_there_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(SelectionError):
        Pyramid(*SHAPE).edges(TilePlace(*place))
