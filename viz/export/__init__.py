"""Pictures and numbers to take away, made on the server without any browser.

A `Plate` says what is shown, `render` makes it a file of any of the `FORMATS`, `file_name` names
it.  `figures` draws PNG, SVG and PDF, `html` makes pages, `numbers` tables and arrays, `bundle` a
ZIP of all, `series` the files of a whole data set.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viz.export.bertviz import bertviz_html
    from viz.export.figures.drawing import figure
    from viz.export.figures.scripts import missing_fonts
    from viz.export.formats import FORMATS, Look, render
    from viz.export.names import file_name
    from viz.export.plate import KINDS, Plate

__all__ = [
    "FORMATS",
    "KINDS",
    "Look",
    "Plate",
    "bertviz_html",
    "figure",
    "file_name",
    "missing_fonts",
    "render",
]

_HOMES = {
    "FORMATS": "formats",
    "KINDS": "plate",
    "bertviz_html": "bertviz",
    "Look": "formats",
    "Plate": "plate",
    "figure": "figures.drawing",
    "file_name": "names",
    "missing_fonts": "figures.scripts",
    "render": "formats",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: matplotlib would delay the first page."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"viz.export.{_HOMES[name]}"), name)
