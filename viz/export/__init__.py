"""Pictures made on the server, without any browser: records in, PNG bytes out.

`attention` draws heads and layers, `atlas` all of them, `attribution` the coloured text, each on
a `page` and in texts that `fonts` can draw; each `..._figure` returns the Figure itself.
"""

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
