"""Numbers as a raster of colors, and what is impossible as a hatch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.pooling import pool, pool_impossible
from viz.colors import LIGHT, rgb
from viz.figures.color_scale import ColorScale
from viz.figures.text.fonts import MEASURING_DPI
from viz.types import BoolArray

HATCH_PITCH, HATCH_LINE = 3.2, 0.8
"""Points from one line of a hatch to the next, along a row, and of the line itself."""


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a canvas, in points."""

    x: float
    y: float
    width: float
    height: float

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Its outline, back to where it began."""
        right, low = self.x + self.width, self.y + self.height
        return [(self.x, self.y), (right, self.y), (right, low), (self.x, low), (self.x, self.y)]


class Raster(Artist):
    """Numbers as colors, each a rectangle of whole dots or the strongest of those it covers."""

    def __init__(
        self,
        place: Box,
        values: FloatArray,
        color_scale: ColorScale,
        impossible: BoolArray | None = None,
    ) -> None:
        super().__init__()
        self.place, self.values, self.color_scale = place, values, color_scale
        self.impossible = impossible

    def draw(self, renderer: Any) -> None:
        """Draw in as many dots as the canvas has there."""
        scale, dense = renderer.points_to_pixels(1), renderer.get_image_magnification()
        unit = scale * dense
        left, top = (round(place * unit) for place in (self.place.x, self.place.y))
        width = max(1, round((self.place.x + self.place.width) * unit) - left)
        height = max(1, round((self.place.y + self.place.height) * unit) - top)
        canvas_height = renderer.get_canvas_width_height()[1]
        dots = self.dots(height, width, unit)
        context = renderer.new_gc()
        low = canvas_height - (top + height) / dense
        renderer.draw_image(context, left / dense, low, np.ascontiguousarray(dots[::-1]))
        context.restore()

    def dots(self, height: int, width: int, unit: float = MEASURING_DPI / 72) -> FloatArray:
        """(height, width, 4) colors in bytes; a dot that covers several numbers shows one.

        Args:
            height: Dots from top to bottom.
            width: Dots from left to right.
            unit: Dots of a point, for the hatch.
        """
        colors = self.color_scale.colors(pool(self.values, height, width))
        dots = _spread(colors, height, width)
        if self.impossible is not None:
            hatched = _spread(pool_impossible(self.impossible, height, width), height, width)
            dots[hatched] = _hatch(height, width, unit)[hatched]
        return dots


def _spread(cells: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Cells as blocks of dots.  (n, m, ...) -> (height, width, ...)"""
    rows, columns = cells.shape[:2]
    across = cells[:, np.arange(width) * columns // width]
    return np.asarray(across[np.arange(height) * rows // height])


def _hatch(height: int, width: int, unit: float) -> NDArray[np.uint8]:
    """Slanted lines on their ground.  (height, width, 4)"""
    pitch, line = max(3, round(HATCH_PITCH * unit)), max(1, round(HATCH_LINE * unit))
    is_line = (np.arange(height)[:, None] + np.arange(width)) % pitch < line
    colors = np.array([(*rgb(color), 255) for color in LIGHT.impossible], np.uint8)
    return np.asarray(colors[is_line.astype(np.intp)])
