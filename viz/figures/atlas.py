"""The atlas: a thumbnail for every head of every layer, in one picture."""

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from finetune.checkpoint.arrays import FloatArray
from viz.attention.views import AttentionView
from viz.figures.attention import COLORBAR_GAP
from viz.figures.canvas import HALF_CAP_HEIGHT, NOTE, Canvas
from viz.figures.color_scale import SQUARE_ROOT_NOTE, ColorScale, color_scale_of
from viz.figures.colorbar import COLORBAR_WIDTH, draw_colorbar
from viz.figures.drawn import fitted_view
from viz.figures.grid import GAP, STRONGEST_NOTE, CellGrid
from viz.figures.layout import counted, figure_layout, hatch_notes, view_notes
from viz.figures.long_maps import PooledView
from viz.figures.raster import Box
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.types import BoolArray

MAX_SIZE = 1200
"""Points of the whole atlas."""
TILE_GAP = 4
"""Points between two thumbnails."""


def atlas_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """A thumbnail for each head of each layer, by the square root.

    Weights are on one scale.  Contributions differ so much between heads that each has a scale of
    its own, as on screen.
    """
    attention = spec.reading.attention
    tile = min(60.0, MAX_SIZE / max(attention.n_layers, attention.n_heads))
    shown, grid = fitted_view(spec, options, usual=tile, largest=tile, smallest=0.5)
    drawn = _by_head(shown) if shown.signed else shown
    color_scale = color_scale_of(drawn, options.colormap)
    if shown.signed:
        color_scale = replace(color_scale, name="share of each head's largest")
    scale = "A color scale for each head" if shown.signed else "One color scale for all heads"
    notes = [
        "In each square rows are the tokens that look, columns the tokens looked at. "
        f"{scale}. {SQUARE_ROOT_NOTE} "
        + (shown.note if isinstance(shown, PooledView) else STRONGEST_NOTE),
        *hatch_notes(shown),
        *view_notes(spec, shown),
    ]
    body = _AtlasBody(drawn.weights, drawn.impossible, grid, color_scale)
    what = (spec.place, counted(spec, shown))
    return figure_layout(spec, body, shown=what, notes=notes, dpi=options.dpi)


def _by_head(shown: AttentionView) -> AttentionView:
    """Each head as shares of its largest number, by size; a head of zeros stays one."""
    largest = np.abs(shown.weights).max((-1, -2), keepdims=True)
    shares = np.divide(shown.weights, largest, out=np.zeros_like(shown.weights), where=largest > 0)
    return replace(shown, weights=shares)


@dataclass(frozen=True, slots=True)
class _AtlasBody:
    """(L, H, n, m) as a grid with the numbers of layers and heads along it."""

    weights: FloatArray
    impossible: BoolArray | None
    grid: CellGrid
    color_scale: ColorScale

    @property
    def tile_pitch(self) -> tuple[float, float]:
        return self.grid.width + TILE_GAP, self.grid.height + TILE_GAP

    @property
    def _grid(self) -> tuple[float, float]:
        layers, heads = self.weights.shape[:2]
        return heads * self.tile_pitch[0] - TILE_GAP, layers * self.tile_pitch[1] - TILE_GAP

    @property
    def width(self) -> float:
        return 24 + self._grid[0] + COLORBAR_GAP + COLORBAR_WIDTH

    @property
    def height(self) -> float:
        return 12 + max(self._grid[1], 90)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        left, top = x + 24, y + 12
        places = []
        for layer, head in np.ndindex(*self.weights.shape[:2]):
            corner = (left + head * self.tile_pitch[0], top + layer * self.tile_pitch[1])
            places.append(Box(*corner, self.grid.width, self.grid.height))
            canvas.map(
                places[-1],
                self.weights[layer, head],
                self.color_scale,
                framed=False,
                impossible=None if self.impossible is None else self.impossible[layer],
            )
        canvas.frame(places)
        self._draw_names(canvas, left, top)
        draw_colorbar(
            canvas,
            left + self._grid[0] + COLORBAR_GAP,
            top,
            self.color_scale,
            beside=self._grid[1],
            hatched=self.impossible is not None,
        )

    def _draw_names(self, canvas: Canvas, left: float, top: float) -> None:
        layers, heads = self.weights.shape[:2]
        for layer in range(layers):
            middle = (
                top
                + layer * self.tile_pitch[1]
                + self.grid.height / 2
                + NOTE.size * HALF_CAP_HEIGHT
            )
            canvas.text(left - GAP, middle, f"L{layer}", NOTE, align="right")
        for head in range(heads):
            middle = left + head * self.tile_pitch[0] + self.grid.width / 2
            canvas.text(middle, top - GAP, f"H{head}", NOTE, align="center")
