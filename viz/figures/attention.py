"""Pictures of attention weights or contributions: one head, or all heads of a layer.

They show the numbers of the figure's view; rows look, columns are looked at.
"""

import math
from dataclasses import dataclass

from matplotlib.figure import Figure

from viz.attention.rollout import place
from viz.colors import LIGHT
from viz.figures.canvas import Box, Page
from viz.figures.color_scale import ROOT, Tint, tint_of
from viz.figures.colorbar import WIDE, draw_scale
from viz.figures.grid import Labels, grain
from viz.figures.layout import counted, sheet, view_notes
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.figures.text.fonts import Style
from viz.types import FloatArray

AXIS = Style(8, LIGHT.muted)
ASIDE = 14
"""Points between a map and its colour scale."""


def head_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """One heat map with token labels on both sides."""
    shown = spec.view()
    tint = tint_of(shown, options.colormap)
    over = grain(*shown.weights.shape[2:], usual=480, largest=1000)
    body = _HeadBody(shown.weights[0, 0], Labels.of(shown, over), tint)
    mean = spec.layer is None or spec.head is None
    who = "the heads look on average" if mean else "the head looks"
    whole = "; each row sums to 1" if spec.quadrant == "all" else ""
    looks = () if shown.signed else (f"Where {who}{whole}.",)
    lines = [*looks, ROOT, *view_notes(spec, shown), *over.notes]
    what = (place(spec.layer, spec.head), counted(spec, shown))
    return sheet(spec, body, shown=what, notes=lines, dpi=options.dpi)


@dataclass(frozen=True, slots=True)
class _HeadBody:
    weights: FloatArray
    side: Labels
    tint: Tint

    @property
    def wide(self) -> float:
        return 16 + self.side.left + self.side.grain.wide + ASIDE + WIDE

    @property
    def high(self) -> float:
        return max(self.side.grain.high, 80) + self.side.below + 16

    def draw(self, page: Page, x: float, y: float) -> None:
        over, left = self.side.grain, x + 16 + self.side.left
        page.map(Box(left, y, over.wide, over.high), self.weights, self.tint)
        self.side.draw_left(page, left, y)
        self.side.draw_below(page, left, y + over.high)
        middle, foot = y + over.high / 2, y + over.high + self.side.below + 14
        page.text(x + 7, middle, "query: the token that looks", AXIS, align="center", turn=90)
        page.text(left + over.wide / 2, foot, "key: the token looked at", AXIS, align="center")
        draw_scale(page, left + over.wide + ASIDE, y, self.tint, beside=over.high)


def layer_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """A heat map for each head of one layer, on one colour scale."""
    shown = spec.view()
    tint = tint_of(shown, options.colormap)
    over = grain(*shown.weights.shape[2:], usual=150, largest=270)
    body = _LayerBody(shown.weights[0], Labels.of(shown, over), tint)
    notes = [
        "In each map rows are the tokens that look"
        + ("" if shown.signed or spec.quadrant != "all" else " and sum to 1")
        + f", columns the tokens looked at. One colour scale for all heads. {ROOT}",
        *view_notes(spec, shown),
        *over.notes,
    ]
    what = (f"L{spec.layer} · all heads", counted(spec, shown))
    return sheet(spec, body, shown=what, notes=notes, dpi=options.dpi)


@dataclass(frozen=True, slots=True)
class _LayerBody:
    """A grid of maps, (H, n, m), labelled along its left and lower edge."""

    weights: FloatArray
    side: Labels
    tint: Tint

    @property
    def columns(self) -> int:
        return math.ceil(math.sqrt(len(self.weights)))

    @property
    def pace(self) -> tuple[float, float]:
        return self.side.grain.wide + 10, self.side.grain.high + 20

    @property
    def wide(self) -> float:
        return self.side.left + self.columns * self.pace[0] + 4 + WIDE

    @property
    def high(self) -> float:
        rows = math.ceil(len(self.weights) / self.columns)
        return max(8 + rows * self.pace[1] - 20 + self.side.below, 96)

    def draw(self, page: Page, x: float, y: float) -> None:
        over, count = self.side.grain, len(self.weights)
        left, top = x + self.side.left, y + 8
        for head in range(count):
            row, column = divmod(head, self.columns)
            corner = (left + column * self.pace[0], top + row * self.pace[1])
            page.map(Box(*corner, over.wide, over.high), self.weights[head], self.tint)
            page.text(corner[0], corner[1] - 4, f"Head {head}", AXIS)
            if column == 0:
                self.side.draw_left(page, *corner)
            if head + self.columns >= count:
                self.side.draw_below(page, corner[0], corner[1] + over.high)
        beside = left + self.columns * self.pace[0] + 4
        draw_scale(page, beside, top, self.tint, beside=over.high)
