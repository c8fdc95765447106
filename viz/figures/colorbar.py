"""An upright color scale with its numbers, and the name of what they are."""

from matplotlib.ticker import MaxNLocator

from viz.attribution.descriptions import true_minus
from viz.figures.canvas import HALF_CAP_HEIGHT, NOTE, Box, Canvas
from viz.figures.color_scale import ColorScale

COLORBAR_WIDTH = 50
"""Points that a scale takes to the right of its left edge, numbers and name included."""
LENGTHS = (80, 160)
"""The least and the most points of its length."""


def draw_colorbar(canvas: Canvas, x: float, y: float, scale: ColorScale, *, beside: float) -> None:
    """Draw a scale beside a map that is so many points high."""
    height = min(max(beside, LENGTHS[0]), LENGTHS[1])
    canvas.map(Box(x, y, 8, height), scale.ramp(), scale)
    for value in MaxNLocator(4).tick_values(scale.low, scale.high):
        if scale.low <= value <= scale.high:
            place = y + height * (1 - scale.share(value)) + NOTE.size * HALF_CAP_HEIGHT
            canvas.text(x + 12, place, true_minus(f"{value:.4g}"), NOTE)
    canvas.text(x + COLORBAR_WIDTH - 8, y + height / 2, scale.name, NOTE, align="center", turn=90)
