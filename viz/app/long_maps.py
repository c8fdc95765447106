"""Maps of long texts as the page shows them: in small, some rows, tiles; in the background."""

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import cast

from finetune.checkpoint.arrays import FloatArray
from viz.app import background, checkpoints, readings
from viz.app.cache import LRUCache
from viz.app.panels.text import Texts
from viz.app.readings import ViewOptions
from viz.attention.long_rows import PooledRow, pooled_row
from viz.attention.long_view import LongView, Thumbnails
from viz.attention.thumbnails import max_thumbnail_side
from viz.attention.tiles import Pyramid, TilePlace, tiles
from viz.attention.views import AttentionView
from viz.jobs.background import BackgroundJob, ProgressCallback
from viz.widgets.heatmap.tiled import encode_tile

EncodedTile = dict[str, object]

MAX_TILE_BYTES = 64e6
"""Of tiles as they are sent, of all sessions."""


def _n_letters(tile: object) -> float:
    """About what a tile takes."""
    fields = cast("EncodedTile", tile).values()
    return float(sum(len(field) for field in fields if isinstance(field, str)))


_tiles = LRUCache(MAX_TILE_BYTES, _n_letters)
_delivered = LRUCache(1)
"""What jobs return is kept tile by tile."""


@dataclass(frozen=True, slots=True)
class LongMap:
    """One map of a long text: plain values, by which its parts are cached."""

    source: str
    texts: Texts
    options: ViewOptions
    layer: int | None
    head: int | None

    @property
    def view(self) -> LongView:
        """The maps of which it is one."""
        view = readings.view(
            self.source, self.texts.text, self.texts.pair, self.options, *self.texts.inputs[2:]
        )
        assert isinstance(view, LongView)
        return view

    @property
    def id(self) -> str:
        """Names it in the browser."""
        key = repr((checkpoints.identity(self.source), self))
        return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]

    def key(self, kind: str, *more: Hashable) -> Hashable:
        """What is computed of it is cached by this: another key once the checkpoint changes."""
        return (kind, checkpoints.identity(self.source), self, *more)


def thumbnails(view: LongView, key: Hashable) -> Thumbnails | None:
    """All heads in small, as far as they are known."""
    known = view.ready.get(_size(view))
    return known or cast("Thumbnails | None", background.results().get(key))


def thumbnails_job(view: LongView, key: Hashable) -> BackgroundJob[Thumbnails]:
    """All heads in small, being computed in the background."""
    # Parts of it are told as they are done; in all they are 1.
    return background.submit(key, lambda: lambda share: view.thumbnails(*_size(view), share), 1)


def _size(view: LongView) -> tuple[int, int]:
    side = max_thumbnail_side(view.n_heads)
    return min(view.shape[0], side), min(view.shape[1], side)


def known_tiles(shown: LongMap, places: Sequence[TilePlace]) -> list[EncodedTile] | None:
    """Tiles as they are sent; None where one isn't computed yet."""
    known = [_tiles.get(shown.key("tile", place)) for place in places]
    return None if None in known else cast("list[EncodedTile]", known)


def tiles_job(
    shown: LongMap, places: tuple[TilePlace, ...], largest: float
) -> BackgroundJob[list[EncodedTile]]:
    """Tiles, being computed in the background.

    Args:
        shown: The map.
        places: Which tiles.
        largest: The largest size of a value of the map.

    Raises:
        SelectionError: where there is no such tile.
    """
    view = shown.view
    pyramid = Pyramid(*view.shape)
    keys = {place: shown.key("tile", place) for place in places}
    known = {place: cast("EncodedTile | None", _tiles.get(key)) for place, key in keys.items()}
    missing = [place for place, tile in known.items() if tile is None]

    def compute(progress: ProgressCallback) -> list[EncodedTile]:
        for tile in tiles(view, shown.layer, shown.head, pyramid, missing, progress):
            encoded = encode_tile(tile, pyramid, signed=view.signed, largest=largest)
            known[tile.place] = _tiles.add(keys[tile.place], encoded)
        return [tile for tile in known.values() if tile is not None]

    expected = pyramid.n_computed_rows(missing)
    key = shown.key("tiles", places)
    return background.submit(key, lambda: compute, expected, cache=_delivered)


def stretch_job(shown: LongMap, rows: slice, columns: slice) -> BackgroundJob[AttentionView]:
    """Some rows and columns of all heads of a layer, being computed in the background."""
    view = shown.view
    key = shown.key("stretch", (rows.start, rows.stop), (columns.start, columns.stop))
    return background.submit(
        key, lambda: lambda progress: view.layer_region(shown.layer, rows, columns), 1
    )


def pooled_row_job(shown: LongMap, pooling: FloatArray) -> BackgroundJob[PooledRow]:
    """The rows of one map taken together, being computed in the background."""
    view = shown.view
    return background.submit(
        shown.key("pooled"),
        lambda: lambda share: pooled_row(view, shown.layer, shown.head, pooling, share),
        1,
    )
