"""How a figure is drawn, whatever it shows."""

from dataclasses import dataclass

from viz.errors import SelectionError

MIN_DPI, MAX_DPI = 72, 1200
"""Dots per inch that a PNG can have."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a picture is drawn; numbers do not depend on it.

    Raises:
        SelectionError: for a resolution out of range.
    """

    dpi: int = 150
    """Dots per inch of a PNG; 300 for print."""
    colormap: str = "Blues"
    """A color map of matplotlib, for attention weights."""
    map_dpi: int | None = None
    """Dots per inch of the maps of a long text, which are pooled before they are drawn; None for
    `dpi`.  SVG and PDF have their own."""

    def __post_init__(self) -> None:
        """Check the resolution; names of color maps are known to matplotlib alone."""
        if not MIN_DPI <= self.dpi <= MAX_DPI:
            raise SelectionError(f"dpi is {self.dpi}; use {MIN_DPI} to {MAX_DPI}, 300 for print.")
