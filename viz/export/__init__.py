"""Pictures and numbers to take away, made on the server without any browser.

A `Plate` says what is shown, `render` makes it a file of any of the `FORMATS`, `file_name` names
it.  `drawing` makes PNG, SVG and PDF: `attention`, `atlas`, `arcs` and `attribution` draw a body,
`sheet` sets it under a title and above its citation, on a `page`, with texts that `fonts` can draw.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viz.export.drawing import figure
    from viz.export.formats import FORMATS, Look, render
    from viz.export.names import Kind, file_name
    from viz.export.pictures import atlas_png, attribution_png, head_png, layer_png
    from viz.export.plate import Plate
    from viz.export.scripts import missing_fonts

__all__ = [
    "FORMATS",
    "Kind",
    "Look",
    "Plate",
    "atlas_png",
    "attribution_png",
    "figure",
    "file_name",
    "head_png",
    "layer_png",
    "missing_fonts",
    "render",
]

_HOMES = {
    "FORMATS": "formats",
    "Kind": "names",
    "Look": "formats",
    "Plate": "plate",
    "figure": "drawing",
    "file_name": "names",
    "missing_fonts": "scripts",
    "render": "formats",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: matplotlib would delay the first page."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"viz.export.{_HOMES.get(name, 'pictures')}"), name)
