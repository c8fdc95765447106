"""The atlas: a thumbnail for every head of every layer, in one picture."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from viz.export.attention import ASIDE
from viz.export.formats import Look
from viz.export.grain import GAP, Grain, grain
from viz.export.page import MIDDLE, NOTE, Box, Page
from viz.export.plate import Plate
from viz.export.scale import WIDE, draw_scale
from viz.export.sheet import counted, sheet, view_notes
from viz.export.tint import Tint, tint_of
from viz.types import FloatArray

LARGEST = 1200
"""Points of the whole atlas."""
APART = 4
"""Points between two thumbnails."""


def atlas_figure(plate: Plate, look: Look) -> Figure:
    """A thumbnail for each head of each layer, on one square-root colour scale."""
    shown = plate.view()
    tint = tint_of(shown, look.colormap, root=True)
    tile = min(60.0, LARGEST / max(shown.weights.shape[:2]))
    over = grain(*shown.weights.shape[2:], usual=tile, largest=tile, smallest=0.5)
    notes = [
        "In each square rows are the tokens that look, columns the tokens looked at. One "
        "square-root colour scale for all heads, so that thin patterns show; a dot that stands for "
        "several numbers shows the strongest.",
        *view_notes(plate, shown),
    ]
    body = _AtlasBody(shown.weights, over, tint)
    what = ("all layers and heads", counted(plate, shown))
    return sheet(plate, body, shown=what, notes=notes, dpi=look.dpi)


@dataclass(frozen=True, slots=True)
class _AtlasBody:
    """(L, H, n, m) as a grid with the numbers of layers and heads along it."""

    weights: FloatArray
    grain: Grain
    tint: Tint

    @property
    def pace(self) -> tuple[float, float]:
        return self.grain.wide + APART, self.grain.high + APART

    @property
    def _grid(self) -> tuple[float, float]:
        layers, heads = self.weights.shape[:2]
        return heads * self.pace[0] - APART, layers * self.pace[1] - APART

    @property
    def wide(self) -> float:
        return 24 + self._grid[0] + ASIDE + WIDE

    @property
    def high(self) -> float:
        return 12 + max(self._grid[1], 90)

    def draw(self, page: Page, x: float, y: float) -> None:
        left, top = x + 24, y + 12
        places = []
        for layer, head in np.ndindex(*self.weights.shape[:2]):
            corner = (left + head * self.pace[0], top + layer * self.pace[1])
            places.append(Box(*corner, self.grain.wide, self.grain.high))
            page.map(places[-1], self.weights[layer, head], self.tint, framed=False)
        page.frame(places)
        self._name(page, left, top)
        draw_scale(page, left + self._grid[0] + ASIDE, top, self.tint, beside=self._grid[1])

    def _name(self, page: Page, left: float, top: float) -> None:
        layers, heads = self.weights.shape[:2]
        for layer in range(layers):
            middle = top + layer * self.pace[1] + self.grain.high / 2 + NOTE.size * MIDDLE
            page.text(left - GAP, middle, f"L{layer}", NOTE, align="right")
        for head in range(heads):
            middle = left + head * self.pace[0] + self.grain.wide / 2
            page.text(middle, top - GAP, f"H{head}", NOTE, align="center")
