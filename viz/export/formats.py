"""The formats that a plate can be saved in, and the one way to save it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from viz.errors import SelectionError
from viz.export.plate import Plate
from viz.model.cancellation import check_cancelled

LEAST_DPI, MOST_DPI = 72, 1200
"""Dots per inch that a PNG can have."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is drawn; numbers do not depend on it."""

    dpi: int = 150
    """Dots per inch of a PNG; 300 for print."""
    colormap: str = "Blues"
    """A colour map of matplotlib, for attention weights."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file."""

    name: str
    mime: str
    home: str
    """The module of `viz.export` whose function of the format's name writes it."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        format.name: format
        for format in (
            Format("png", "image/png", "figures.drawing"),
            Format("svg", "image/svg+xml", "figures.drawing"),
            Format("pdf", "application/pdf", "figures.drawing"),
            Format("html", "text/html", "html"),
            Format("csv", "text/csv", "numbers"),
            Format("npz", "application/octet-stream", "numbers"),
            Format("json", "application/json", "numbers"),
        )
    }
)


def render(plate: Plate, format: str, look: Look | None = None) -> bytes:
    """A plate as the content of a file.

    Args:
        plate: What is shown.
        format: A name in `FORMATS`.
        look: How pictures are drawn.

    Raises:
        SelectionError: for an unknown format, or where there is too much for it to hold.
    """
    if format not in FORMATS:
        raise SelectionError(
            f"Format {format!r} is unknown; {', '.join(FORMATS)} is what can be written."
        )
    check_cancelled()
    home = import_module(f"viz.export.{FORMATS[format].home}")
    content: bytes = getattr(home, format)(plate, look or Look())
    return content
