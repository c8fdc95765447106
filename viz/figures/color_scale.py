"""From numbers to colors: weights from 0 up, contributions to both sides of 0."""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize

from finetune.checkpoint.arrays import FloatArray
from viz.attention.views import AttentionView
from viz.colors import LIGHT
from viz.errors import SelectionError


@dataclass(frozen=True, slots=True)
class ColorScale:
    """One color scale, shared by every map of a figure."""

    colormap: Colormap
    norm: Normalize
    name: str
    """What its numbers are, as it stands beside the scale."""

    @property
    def low(self) -> float:
        """The number at its lower end."""
        return float(self.norm.vmin or 0)

    @property
    def high(self) -> float:
        """The number at its upper end."""
        return float(self.norm.vmax or 1)

    def colors(self, values: FloatArray) -> Any:
        """Colors in bytes.  (..., ) -> (..., 4)"""
        return self.colormap(self.norm(values), bytes=True)

    def share(self, value: float) -> float:
        """Where a number stands on the scale, from 0 to 1."""
        return float(self.norm(value))

    def ramp(self) -> FloatArray:
        """Numbers along the scale, the highest first, one for each step of color.  (256, 1)"""
        return np.asarray(self.norm.inverse(np.linspace(1, 0, 256)))[:, None]


SQUARE_ROOT_NOTE = "Colors follow the square root, so that thin patterns show."
"""What a reader of a figure must know of every scale."""


def color_scale_of(shown: AttentionView, colormap: str) -> ColorScale:
    """The scale of a view: up to its largest number, by the square root of its size, as on screen.

    Args:
        shown: What is drawn.
        colormap: A color map of matplotlib; contributions have their own.
    """
    signed_name = "difference" if shown.difference else "contribution"
    name = signed_name if shown.signed else "attention weight"
    return root_scale(shown.weights, name, signed=shown.signed, colormap=colormap)


def root_scale(values: FloatArray, name: str, *, signed: bool, colormap: str) -> ColorScale:
    """The scale of any numbers, up to the largest, by the square root of their size.

    Args:
        values: What is drawn.
        name: What they are.
        signed: Whether the scale has two ends, with 0 in the middle.
        colormap: A color map of matplotlib, where it has one.
    """
    unsigned_colors = colormap_named(colormap)
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    norm = FuncNorm((_root, _square), -largest if signed else 0.0, largest)
    return ColorScale(DIVERGING if signed else unsigned_colors, norm, name)


def colormap_named(name: str) -> Colormap:
    """The color map of matplotlib with this name."""
    if name not in matplotlib.colormaps:
        raise SelectionError(
            f"Color map {name!r} is unknown; some known ones are Blues, viridis and magma."
        )
    return matplotlib.colormaps[name]


DIVERGING = LinearSegmentedColormap.from_list("for and against", LIGHT.diverging, N=257)
"""Of an odd number of colors, so that 0 is the ground itself."""


def _root(values: FloatArray) -> FloatArray:
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _square(values: FloatArray) -> FloatArray:
    return np.asarray(np.sign(values) * np.square(values))
