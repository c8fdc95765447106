"""An upright colour scale with its numbers, and the name of what they are."""

from matplotlib.ticker import MaxNLocator

from viz.figures.canvas import MIDDLE, NOTE, Box, Page
from viz.figures.color_scale import Tint

WIDE = 50
"""Points that a scale takes to the right of its left edge, numbers and name included."""
HIGH = (80, 160)
"""The least and the most points of its length."""


def draw_scale(page: Page, x: float, y: float, tint: Tint, *, beside: float) -> None:
    """Draw a scale beside a map that is so many points high."""
    high = min(max(beside, HIGH[0]), HIGH[1])
    page.map(Box(x, y, 8, high), tint.ramp(), tint)
    for value in MaxNLocator(4).tick_values(tint.low, tint.high):
        if tint.low <= value <= tint.high:
            place = y + high * (1 - tint.share(value)) + NOTE.size * MIDDLE
            page.text(x + 12, place, written(float(value)), NOTE)
    page.text(x + WIDE - 8, y + high / 2, tint.name, NOTE, align="center", turn=90)


def written(value: float) -> str:
    """A number of a scale, a true minus among its signs."""
    return f"{value:.4g}".replace("-", "−")
