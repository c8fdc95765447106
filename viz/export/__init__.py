"""Pictures made on the server, without any browser: records in, PNG bytes out.

`attention` draws heads and layers, `atlas` all of them, `attribution` the coloured text; all
lay their picture out on a `page`, with texts that `fonts` can draw.  Each `..._figure` returns the
Figure.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viz.export.atlas import atlas_figure, atlas_png
    from viz.export.attention import head_figure, head_png, layer_figure, layer_png
    from viz.export.attribution import attribution_figure, attribution_png
    from viz.export.names import Kind, file_name

__all__ = [
    "Kind",
    "atlas_figure",
    "atlas_png",
    "attribution_figure",
    "attribution_png",
    "file_name",
    "head_figure",
    "head_png",
    "layer_figure",
    "layer_png",
]

_HOMES = {
    "Kind": "names",
    "atlas_figure": "atlas",
    "atlas_png": "atlas",
    "attribution_figure": "attribution",
    "attribution_png": "attribution",
    "file_name": "names",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: matplotlib would delay the first page."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"viz.export.{_HOMES.get(name, 'attention')}"), name)
