"""The atlas: a thumbnail for every head of every layer, in one picture."""

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, PowerNorm
from matplotlib.figure import Figure

from viz.colors import LIGHT
from viz.export.attention import (
    NARROWEST,
    Heading,
    check_not_empty,
    colormap_named,
    counted,
    norm_of,
)
from viz.export.grain import GAP, Grain, grain, pooled
from viz.export.page import (
    MARGIN,
    MIDDLE,
    NOTE,
    SCALE,
    Page,
    as_png,
    color_scale,
    pixels,
    removed_note,
)
from viz.types import FloatArray, Reading
from viz.words import Unit, view


def atlas_figure(
    reading: Reading,
    *,
    unit: Unit = "word",
    special: bool = True,
    colormap: str = "Blues",
    dpi: int = 150,
) -> Figure:
    """A thumbnail for each head of each layer, on one square-root colour scale.

    The first image is the whole atlas in colours.
    """
    colors = colormap_named(colormap)
    shown = view(reading.encoding, reading.attention.weights, unit=unit, special=special)
    check_not_empty(shown)
    tile = min(60.0, 1200 / max(shown.weights.shape[:2]))
    over = grain(len(shown.spans), dpi, usual=tile, largest=tile, smallest=0.5)
    pool = (
        ""
        if over.pool == 1
        else (f" A cell holds the largest of {over.pool} × {over.pool} weights.")
    )
    notes = (
        "Where all heads look: in each square, rows are the tokens that look, columns the tokens "
        f"looked at. One square-root colour scale, so that thin patterns show.{pool}",
        *removed_note(shown),
    )
    heading = Heading(reading, ("all layers and heads", counted(shown, unit)), notes)
    return _draw_atlas(shown.weights, over, heading, colors)


atlas_png = as_png(atlas_figure)


def _draw_atlas(weights: FloatArray, over: Grain, heading: Heading, colormap: Colormap) -> Figure:
    dpi, margin = over.dpi, pixels(MARGIN, over.dpi)
    norm = PowerNorm(0.5, vmin=0, vmax=norm_of(weights).vmax)
    pace = over.side + 2 + pixels(3, dpi)
    tiles = _tiles(colormap(norm(pooled(weights, over.pool))), over.cell, pace)
    high, wide = tiles.shape[:2]
    left, head_row = pixels(24, dpi), pixels(12, dpi)
    room = max(left + wide + pixels(14 + SCALE, dpi), pixels(NARROWEST, dpi))
    top = heading.block(room, dpi)
    x, y = margin + left, margin + top.height + head_row
    page = Page(room + 2 * margin, y + max(high, pixels(90, dpi)) + margin, dpi)
    top.draw(page)
    axes = page.axes(x, y, wide, high)
    axes.set_axis_off()
    axes.imshow(tiles, aspect="auto", interpolation="nearest")
    _name_tiles(page, (x, y), pace, weights.shape[:2])
    bar = min(max(high, pixels(80, dpi)), pixels(160, dpi))
    color_scale(page, x + wide + pixels(14, dpi), y, bar, colormap, norm)
    return page.figure


def _tiles(colors: FloatArray, cell: int, pace: int) -> FloatArray:
    """Thumbnails (L, H, m, m, 4) side by side on white, each in a frame one pixel wide."""
    n_layers, n_heads, count = colors.shape[:3]
    side = count * cell
    ground = np.ones((n_layers * pace, n_heads * pace, 4), dtype=np.float32)
    ground[..., :3] = matplotlib.colors.to_rgb(LIGHT.ground)
    for layer, head in np.ndindex(n_layers, n_heads):
        y, x = layer * pace, head * pace
        ground[y : y + side + 2, x : x + side + 2, :3] = matplotlib.colors.to_rgb(LIGHT.line)
        tile = colors[layer, head].repeat(cell, 0).repeat(cell, 1)
        ground[y + 1 : y + side + 1, x + 1 : x + side + 1] = tile
    return ground


def _name_tiles(page: Page, corner: tuple[int, int], pace: int, shape: tuple[int, ...]) -> None:
    (x, y), drop = corner, pixels(NOTE.size * MIDDLE, page.dpi)
    for layer in range(shape[0]):
        middle = y + (layer + 0.5) * pace + drop
        page.text(x - pixels(GAP, page.dpi), middle, f"L{layer}", NOTE, align="right")
    for head in range(shape[1]):
        middle = x + (head + 0.5) * pace
        page.text(middle, y - pixels(GAP, page.dpi), f"H{head}", NOTE, align="center")
