"""An upright color scale with its numbers, and the name of what they are."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from viz.attribution.descriptions import true_minus
from viz.figures.canvas import HALF_CAP_HEIGHT, NOTE, Canvas
from viz.figures.color_scale import ColorScale
from viz.figures.raster import Box

COLORBAR_WIDTH = 50
"""Points that a scale takes to the right of its left edge, numbers and name included."""
LENGTHS = (80, 160)
"""The least and the most points of its length."""
IMPOSSIBLE_LEGEND = ("can't be", "looked at")
LEGEND_HEIGHT = 28
"""Points that the hatch and its meaning take at the foot of a scale."""


def draw_colorbar(
    canvas: Canvas,
    x: float,
    y: float,
    scale: ColorScale,
    *,
    beside: float,
    hatched: bool = False,
) -> None:
    """Draw a scale beside a map that is so many points high.

    Args:
        canvas: Where it goes.
        x: Its left edge.
        y: Its upper edge.
        scale: What it shows.
        beside: Points of the map's height.
        hatched: Whether the map has a hatch, which then stands below with its meaning.
    """
    height = min(max(beside, LENGTHS[0]), LENGTHS[1])
    if hatched:
        height -= LEGEND_HEIGHT
        _draw_hatch_legend(canvas, x, y + height + 10, scale)
    canvas.map(Box(x, y, 8, height), scale.ramp(), scale)
    for value in MaxNLocator(4).tick_values(scale.low, scale.high):
        if scale.low <= value <= scale.high:
            place = y + height * (1 - scale.share(value)) + NOTE.size * HALF_CAP_HEIGHT
            canvas.text(x + 12, place, true_minus(f"{value:.4g}"), NOTE)
    canvas.text(x + COLORBAR_WIDTH - 8, y + height / 2, scale.name, NOTE, align="center", turn=90)


def _draw_hatch_legend(canvas: Canvas, x: float, y: float, scale: ColorScale) -> None:
    """A piece of the hatch, and what it stands for."""
    cell = np.zeros((1, 1), np.float32)
    canvas.map(Box(x, y, 8, 16), cell, scale, impossible=cell == 0)
    for index, words in enumerate(IMPOSSIBLE_LEGEND):
        canvas.text(x + 12, y + NOTE.size * (0.85 + 1.15 * index), words, NOTE)
