"""Pictures and numbers to take away, made on the server without any browser.

A `FigureSpec` says what is shown, `render` makes it a file of any of the `FORMATS`, `file_name`
names it.  `viz.figures` draws PNG, SVG and PDF, `html` makes pages, `data_formats` tables, arrays
and JSON, `archive` a ZIP of all, `dataset_export` the files of a whole data set, `export_step` the
file of one equation.  `register_figure` and `register_format` add your own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viz.attention.region import Region
    from viz.export.bertviz.page import bertviz_html
    from viz.export.filenames import file_name
    from viz.export.formats import FORMATS, Format, register_format, render
    from viz.export.step.file import export_step
    from viz.figures.file_formats import figure
    from viz.figures.kinds import FIGURE_KINDS, FigureKind, register_figure
    from viz.figures.render_options import RenderOptions
    from viz.figures.spec import FigureSpec
    from viz.figures.text.missing_fonts import missing_fonts

__all__ = [
    "FIGURE_KINDS",
    "FORMATS",
    "FigureKind",
    "FigureSpec",
    "Format",
    "Region",
    "RenderOptions",
    "bertviz_html",
    "export_step",
    "figure",
    "file_name",
    "missing_fonts",
    "register_figure",
    "register_format",
    "render",
]

_HOMES = {
    "Region": "viz.attention.region",
    "FORMATS": "viz.export.formats",
    "FIGURE_KINDS": "viz.figures.kinds",
    "FigureKind": "viz.figures.kinds",
    "Format": "viz.export.formats",
    "register_figure": "viz.figures.kinds",
    "register_format": "viz.export.formats",
    "bertviz_html": "viz.export.bertviz.page",
    "export_step": "viz.export.step.file",
    "RenderOptions": "viz.figures.render_options",
    "FigureSpec": "viz.figures.spec",
    "figure": "viz.figures.file_formats",
    "file_name": "viz.export.filenames",
    "missing_fonts": "viz.figures.text.missing_fonts",
    "render": "viz.export.formats",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: matplotlib would delay the first page."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
