"""Pictures made on the server, without any browser: records in, PNG bytes out.

`attention` draws heads, layers and the atlas, `attribution` the coloured text; both lay their
picture out on a `page`, with texts that `fonts` can draw.  Each `..._figure` returns the Figure.
"""

from viz.export.attention import (
    atlas_figure,
    atlas_png,
    head_figure,
    head_png,
    layer_figure,
    layer_png,
)
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
