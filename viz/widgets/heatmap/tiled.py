"""The heat map of a map with more cells than can be sent: an overview, and tiles on request."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.tiles import TILE_SIDE, Pyramid, Tile
from viz.attention.words import Span
from viz.types import BoolArray
from viz.widgets.heatmap.payload import KEYS_HELP, N_COLORS, themes
from viz.widgets.shared.array_codec import SMALL, encode_array, encode_bits
from viz.widgets.shared.axes import axes_of
from viz.widgets.shared.impossible import HATCH
from viz.widgets.shared.widget import Widget

TILES = Widget("heatmap-tiles", "heatmap/tile_messages", '<div class="root"></div>')
"""Hands tiles to a heat map, which so stays the same message while they come."""
COMPRESSION = 6
"""The level of zlib for colors, most of which are that of nothing."""


def payload(
    spans: Sequence[Span],
    keys: Sequence[Span],
    pixels: FloatArray,
    impossible: BoolArray | None,
    *,
    signed: bool,
    largest: float,
    map_id: str,
    title: str,
    note: str = "",
) -> dict[str, object]:
    """What the browser is sent first: the axes, and the whole map in few pixels.

    Args:
        spans: The queries, one a row.
        keys: The keys, one a column.
        pixels: The map pooled, such as a thumbnail of the atlas.  (r, c)
        impossible: Which pixels stand for nothing that can be looked at.  (r, c)
        signed: Whether there are numbers below 0.
        largest: The largest size of a value of the map, where the color scale ends.
        map_id: Names the map; tiles say which they are of.
        title: What the map is of, e.g. "L3 · H7".
        note: A few words beside it.

    Raises:
        SelectionError: where there are no rows or no columns.
    """
    n_rows, n_columns = len(spans), len(keys)
    overview = _pixels(pixels, impossible, signed=signed, largest=largest)
    return axes_of(spans, keys) | {
        "values": None,
        "removed": None,
        "signed": signed,
        "difference": False,
        "largest": largest,
        "title": title,
        "note": note,
        "themes": themes(signed=signed),
        "label": f"{title}: where each of {n_rows} tokens looks among {n_columns}. {KEYS_HELP}",
        "tiled": {
            "map": map_id,
            "levels": [[*level] for level in Pyramid(n_rows, n_columns).levels],
            "side": TILE_SIDE,
            "overview": overview | {"cells": [0, 0, n_rows, n_columns]},
        },
        **({} if impossible is None else {"impossible": {"hatch": HATCH}}),
    }


def encode_tile(tile: Tile, pyramid: Pyramid, *, signed: bool, largest: float) -> dict[str, object]:
    """A tile as the browser is sent it: exact values at the last level, else colors.

    Args:
        tile: The tile.
        pyramid: The levels of its map.
        signed: As of the payload of the map.
        largest: As of the payload of the map.
    """
    sizes = pyramid.levels[tile.place.level]
    counts = (pyramid.n_rows, pyramid.n_columns)
    corner = (TILE_SIDE * tile.place.row, TILE_SIDE * tile.place.column)
    (top, bottom), (left, right) = (
        [edge * count / size for edge in (first, first + length)]
        for first, length, count, size in zip(corner, tile.values.shape, counts, sizes, strict=True)
    )
    if tile.place.level < len(pyramid.levels) - 1:
        pixels = _pixels(tile.values, tile.impossible, signed=signed, largest=largest)
    else:
        pixels = _size(tile.values) | {
            "values": encode_array(tile.values),
            **_mask(tile.impossible),
            **_removed(tile.removed),
        }
    return pixels | {"place": [*tile.place], "cells": [top, left, bottom, right]}


def _pixels(
    values: FloatArray, impossible: BoolArray | None, *, signed: bool, largest: float
) -> dict[str, object]:
    levels = color_indices(values, signed=signed, largest=largest)
    if impossible is not None:
        levels[impossible] = N_COLORS
    return _size(values) | {"levels": encode_array(levels, COMPRESSION), **_mask(impossible)}


def color_indices(values: FloatArray, *, signed: bool, largest: float) -> NDArray[np.uint8]:
    """The place of each value in a color scale by square roots, as the browser finds it."""
    finite = np.nan_to_num(values, nan=0.0, posinf=largest, neginf=-largest)
    shares = np.clip(finite / (largest or 1.0), -1 if signed else 0, 1)
    heights = np.copysign(np.sqrt(np.abs(shares)), shares)
    last = N_COLORS - 1
    scaled = (1 + heights) / 2 * last if signed else heights * last
    return np.asarray(np.rint(scaled), np.uint8)


def _size(values: NDArray[Any]) -> dict[str, object]:
    rows, columns = values.shape
    return {"rows": rows, "columns": columns}


def _mask(impossible: BoolArray | None) -> dict[str, object]:
    return {} if impossible is None else {"impossible": encode_bits(impossible)}


def _removed(removed: FloatArray | None) -> dict[str, object]:
    if removed is None or not removed.any():
        return {}
    return {"removed": encode_array(removed.astype(np.float32, copy=False), SMALL)}
