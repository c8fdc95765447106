"""The formats that a figure can be saved in, and the one way to save it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from viz.errors import SelectionError
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.jobs.cancellation import check_cancelled


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file."""

    name: str
    mime: str
    home: str
    """The module whose function of the format's name writes it."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        format.name: format
        for format in (
            Format("png", "image/png", "viz.figures.drawing"),
            Format("svg", "image/svg+xml", "viz.figures.drawing"),
            Format("pdf", "application/pdf", "viz.figures.drawing"),
            Format("html", "text/html", "viz.export.html"),
            Format("csv", "text/csv", "viz.export.table"),
            Format("npz", "application/octet-stream", "viz.export.table"),
            Format("json", "application/json", "viz.export.table"),
        )
    }
)


def render(spec: FigureSpec, format: str, options: RenderOptions | None = None) -> bytes:
    """A figure as the content of a file.

    Args:
        spec: What is shown.
        format: A name in `FORMATS`.
        options: How pictures are drawn.

    Raises:
        SelectionError: for an unknown format, or where there is too much for it to hold.
    """
    if format not in FORMATS:
        raise SelectionError(
            f"Format {format!r} is unknown; {', '.join(FORMATS)} is what can be written."
        )
    check_cancelled()
    home = import_module(FORMATS[format].home)
    content: bytes = getattr(home, format)(spec, options or RenderOptions())
    return content
