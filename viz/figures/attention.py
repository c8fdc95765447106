"""Pictures of attention weights or contributions: one head, or all heads of a layer.

They show the numbers of the figure's view; rows look, columns are looked at.
"""

import math
from dataclasses import dataclass

from matplotlib.figure import Figure

from finetune.checkpoint.arrays import FloatArray
from viz.attention.views import AttentionView, sink_note
from viz.colors import LIGHT
from viz.figures.canvas import Canvas
from viz.figures.color_scale import SQUARE_ROOT_NOTE, ColorScale, color_scale_of
from viz.figures.colorbar import COLORBAR_WIDTH, draw_colorbar
from viz.figures.drawn import dot_notes, fitted_view
from viz.figures.grid import Labels
from viz.figures.layout import counted, figure_layout, hatch_notes, view_notes
from viz.figures.raster import Box
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.figures.text.fonts import Style
from viz.types import BoolArray

AXIS = Style(8, LIGHT.muted)
COLORBAR_GAP = 14
"""Points between a map and its color scale."""


def head_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """One heat map with token labels on both sides."""
    shown, grid = fitted_view(spec, options, usual=480, largest=1000)
    color_scale = color_scale_of(shown, options.colormap)
    body = MapBody(shown, Labels.of(shown, grid), color_scale)
    mean = spec.layer is None or spec.head is None
    who = "the heads look on average" if mean else "the head looks"
    whole = f"; {sink_note(shown) or 'each row sums to 1'}" if spec.has_whole_rows else ""
    looks = () if shown.signed else (f"Where {who}{whole}.",)
    lines = [
        *looks,
        SQUARE_ROOT_NOTE,
        *hatch_notes(shown),
        *view_notes(spec, shown),
        *dot_notes(shown, grid),
    ]
    what = (spec.place, counted(spec, shown))
    return figure_layout(spec, body, shown=what, notes=lines, dpi=options.dpi)


@dataclass(frozen=True, slots=True)
class MapBody:
    """One map, (1, 1, n, m), with the names of its rows and columns and its color scale."""

    shown: AttentionView
    side: Labels
    color_scale: ColorScale
    axes: tuple[str, str] = ("query: the token that looks", "key: the token looked at")
    """What rows are, and columns."""

    @property
    def width(self) -> float:
        """Points."""
        return 16 + self.side.left + self.side.grid.width + COLORBAR_GAP + COLORBAR_WIDTH

    @property
    def height(self) -> float:
        """Points."""
        return max(self.side.grid.height, 80) + self.side.below + 16

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw it with its top left corner at (x, y)."""
        grid, left = self.side.grid, x + 16 + self.side.left
        canvas.map(
            Box(left, y, grid.width, grid.height),
            self.shown.weights[0, 0],
            self.color_scale,
            impossible=_only_layer(self.shown),
        )
        self.side.draw_left(canvas, left, y)
        self.side.draw_below(canvas, left, y + grid.height)
        middle, foot = y + grid.height / 2, y + grid.height + self.side.below + 14
        canvas.text(x + 7, middle, self.axes[0], AXIS, align="center", turn=90)
        canvas.text(left + grid.width / 2, foot, self.axes[1], AXIS, align="center")
        draw_colorbar(
            canvas,
            left + grid.width + COLORBAR_GAP,
            y,
            self.color_scale,
            beside=grid.height,
            hatched=self.shown.impossible is not None,
        )


def _only_layer(shown: AttentionView) -> BoolArray | None:
    """What can't be looked at in the one layer of a view.  (n, m)"""
    return None if shown.impossible is None else shown.impossible[0]


def layer_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """A heat map for each head of one layer, on one color scale."""
    shown, grid = fitted_view(spec, options, usual=150, largest=270)
    color_scale = color_scale_of(shown, options.colormap)
    body = _LayerBody(shown.weights[0], _only_layer(shown), Labels.of(shown, grid), color_scale)
    sink = sink_note(shown) if spec.has_whole_rows else ""
    notes = [
        "In each map rows are the tokens that look"
        + (" and sum to 1" if spec.has_whole_rows and not shown.signed and not sink else "")
        + f", columns the tokens looked at. One color scale for all heads. {SQUARE_ROOT_NOTE}",
        *([f"{sink.capitalize()}."] if sink else []),
        *hatch_notes(shown),
        *view_notes(spec, shown),
        *dot_notes(shown, grid),
    ]
    what = (spec.place, counted(spec, shown))
    return figure_layout(spec, body, shown=what, notes=notes, dpi=options.dpi)


@dataclass(frozen=True, slots=True)
class _LayerBody:
    """A grid of maps, (H, n, m), labeled along its left and lower edge."""

    weights: FloatArray
    impossible: BoolArray | None
    side: Labels
    color_scale: ColorScale

    @property
    def columns(self) -> int:
        return math.ceil(math.sqrt(len(self.weights)))

    @property
    def tile_pitch(self) -> tuple[float, float]:
        return self.side.grid.width + 10, self.side.grid.height + 20

    @property
    def width(self) -> float:
        return self.side.left + self.columns * self.tile_pitch[0] + 4 + COLORBAR_WIDTH

    @property
    def height(self) -> float:
        rows = math.ceil(len(self.weights) / self.columns)
        return max(8 + rows * self.tile_pitch[1] - 20 + self.side.below, 96)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        grid, count = self.side.grid, len(self.weights)
        left, top = x + self.side.left, y + 8
        for head in range(count):
            row, column = divmod(head, self.columns)
            corner = (left + column * self.tile_pitch[0], top + row * self.tile_pitch[1])
            place = Box(*corner, grid.width, grid.height)
            canvas.map(place, self.weights[head], self.color_scale, impossible=self.impossible)
            canvas.text(corner[0], corner[1] - 4, f"Head {head}", AXIS)
            if column == 0:
                self.side.draw_left(canvas, *corner)
            if head + self.columns >= count:
                self.side.draw_below(canvas, corner[0], corner[1] + grid.height)
        beside = left + self.columns * self.tile_pitch[0] + 4
        draw_colorbar(
            canvas,
            beside,
            top,
            self.color_scale,
            beside=grid.height,
            hatched=self.impossible is not None,
        )
