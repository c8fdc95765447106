"""Pictures of attention weights: one head, or all heads of a layer.

They show where heads look, in the numbers of `viz.words.view`; rows look, columns are looked at.
"""

import math
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from viz.attention import place, select
from viz.colors import LIGHT
from viz.errors import SelectionError
from viz.export.fonts import Style
from viz.export.grain import Grain, Labels, grain, labels, pooled
from viz.export.page import (
    MARGIN,
    SCALE,
    Page,
    Title,
    as_png,
    color_scale,
    pixels,
    removed_note,
    title,
)
from viz.types import FloatArray, Reading
from viz.words import AttentionView, Unit, view

NARROWEST = 300
"""Points of width below which a title block would be cramped."""
AXIS = Style(8, LIGHT.muted)


def head_figure(
    reading: Reading,
    *,
    layer: int | None,
    head: int | None,
    unit: Unit = "word",
    special: bool = True,
    colormap: str = "Blues",
    dpi: int = 150,
) -> Figure:
    """One heat map with token labels on both sides; None takes the mean over layers or heads.

    The first image holds the weights that are shown.
    """
    colors = colormap_named(colormap)
    shown = _view(reading, layer, head, unit=unit, special=special)
    side = labels(shown.spans, grain(len(shown.spans), dpi, usual=480, largest=1000))
    who = "the heads look on average" if layer is None or head is None else "the head looks"
    notes = (f"Where {who}; each row sums to 1.", *removed_note(shown))
    heading = Heading(reading, (place(layer, head), counted(shown, unit)), notes)
    return _draw_head(select(shown.weights, None, None), side, heading, colors)


head_png = as_png(head_figure)


def _draw_head(weights: FloatArray, side: Labels, heading: "Heading", colormap: Colormap) -> Figure:
    dpi, size = side.grain.dpi, side.grain.side
    margin, axis = pixels(MARGIN, dpi), pixels(16, dpi)
    x, right = margin + axis + side.left, pixels(14 + SCALE, dpi)
    room = max(x - margin + size + right, pixels(NARROWEST, dpi))
    top = heading.block(room, dpi)
    y = margin + top.height
    page = Page(room + 2 * margin, y + size + side.below + axis + margin, dpi)
    top.draw(page)
    norm = norm_of(weights)
    _map(page.axes(x, y, size, size), weights, side.grain, colormap, norm)
    side.draw_left(page, x, y)
    side.draw_below(page, x, y + size)
    _name_axes(page, (margin, page.high - margin), (x + size / 2, y + size / 2))
    bar = min(size, pixels(160, dpi))
    color_scale(page, x + size + pixels(14, dpi), y, bar, colormap, norm)
    return page.figure


def _name_axes(page: Page, corner: tuple[int, int], middle: tuple[float, float]) -> None:
    drop = pixels(AXIS.size * 0.8, page.dpi)
    query, key = "query: the token that looks", "key: the token looked at"
    page.text(corner[0] + drop, middle[1], query, AXIS, align="center", turn=90)
    page.text(middle[0], corner[1] - drop * 0.3, key, AXIS, align="center")


def layer_figure(
    reading: Reading,
    *,
    layer: int,
    unit: Unit = "word",
    special: bool = True,
    colormap: str = "Blues",
    dpi: int = 150,
) -> Figure:
    """A heat map for each head of one layer, on one colour scale; image h is that of head h."""
    colors = colormap_named(colormap)
    shown = _view(reading, layer, None, unit=unit, special=special)
    side = labels(shown.spans, grain(len(shown.spans), dpi, usual=150, largest=270))
    notes = (
        "Where the heads look: rows are the tokens that look and sum to 1, columns the tokens "
        "looked at. One colour scale for all heads.",
        *removed_note(shown),
    )
    heading = Heading(reading, (f"L{layer} · all heads", counted(shown, unit)), notes)
    return _draw_layer(shown.weights[0], side, heading, colors)


layer_png = as_png(layer_figure)


def _draw_layer(
    weights: FloatArray, side: Labels, heading: "Heading", colormap: Colormap
) -> Figure:
    """Draw (H, n, n) as a grid, labelled along its left and lower edge."""
    dpi, size = side.grain.dpi, side.grain.side
    n_heads = len(weights)
    columns = math.ceil(math.sqrt(n_heads))
    pace = (size + pixels(10, dpi), size + pixels(20, dpi))
    margin, x, right = pixels(MARGIN, dpi), pixels(MARGIN, dpi) + side.left, pixels(SCALE, dpi)
    room = max(side.left + columns * pace[0] + right, pixels(NARROWEST, dpi))
    top = heading.block(room, dpi)
    y = margin + top.height + pixels(8, dpi)
    rows = math.ceil(n_heads / columns)
    page = Page(room + 2 * margin, y + rows * pace[1] - pixels(20, dpi) + side.below + margin, dpi)
    top.draw(page)
    norm = norm_of(weights)
    for head in range(n_heads):
        corner = (x + head % columns * pace[0], y + head // columns * pace[1])
        _map(page.axes(*corner, size, size), weights[head], side.grain, colormap, norm)
        page.text(corner[0], corner[1] - pixels(4, dpi), f"Head {head}", AXIS)
        if head % columns == 0:
            side.draw_left(page, *corner)
        if head + columns >= n_heads:
            side.draw_below(page, corner[0], corner[1] + size)
    bar = min(size, pixels(160, dpi))
    color_scale(page, x + columns * pace[0] + pixels(2, dpi), y, bar, colormap, norm)
    return page.figure


@dataclass(frozen=True, slots=True)
class Heading:
    """A title block before its width is known."""

    reading: Reading
    shown: tuple[str, ...]
    notes: tuple[str, ...]

    def block(self, room: int, dpi: float) -> Title:
        """The title block, wrapped to `room` pixels."""
        return title(self.reading, self.shown, self.notes, room=room, dpi=dpi)


def _view(
    reading: Reading, layer: int | None, head: int | None, *, unit: Unit, special: bool
) -> AttentionView:
    """The view of the chosen maps alone; all heads of a layer where `head` is None."""
    weights = reading.attention.weights
    select(weights[..., :1, :1], layer, head)  # says what is wrong with a layer or head
    if special and head is None and layer is None:
        weights = weights.mean((0, 1), keepdims=True)  # where nothing is removed, as good as after
    layers = slice(None) if layer is None else slice(layer, layer + 1)
    heads = slice(None) if head is None else slice(head, head + 1)
    shown = view(reading.encoding, weights[layers, heads], unit=unit, special=special)
    check_not_empty(shown)
    return shown


def check_not_empty(shown: AttentionView) -> None:
    """Refuse a view from which nothing is left."""
    if not shown.spans:
        raise SelectionError("Only special tokens were read; show them to see a picture.")


def colormap_named(name: str) -> Colormap:
    """The colour map of matplotlib with this name."""
    if name not in matplotlib.colormaps:
        raise SelectionError(
            f"Colour map {name!r} is unknown; some known ones are Blues, viridis and magma."
        )
    return matplotlib.colormaps[name]


def norm_of(weights: FloatArray) -> Normalize:
    """From 0 to the largest weight shown."""
    return Normalize(0, float(weights.max()) or 1.0)


def _map(axes: Axes, weights: FloatArray, over: Grain, colormap: Colormap, norm: Normalize) -> None:
    shown = pooled(weights, over.pool)
    axes.imshow(shown, cmap=colormap, norm=norm, aspect="auto", interpolation="nearest")


def counted(shown: AttentionView, unit: Unit) -> str:
    """How many words or wordpieces are shown, special tokens aside."""
    count = sum(not span.special for span in shown.spans)
    return f"{count} {unit}s" if count != 1 else f"1 {unit}"
