"""How a figure is drawn, whatever it shows."""

from dataclasses import dataclass

LEAST_DPI, MOST_DPI = 72, 1200
"""Dots per inch that a PNG can have."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a picture is drawn; numbers do not depend on it."""

    dpi: int = 150
    """Dots per inch of a PNG; 300 for print."""
    colormap: str = "Blues"
    """A colour map of matplotlib, for attention weights."""
