"""From a spec to its picture: a Figure of matplotlib, and files as PNG, SVG and PDF.

The same figure gives the same bytes, for files carry no date and ids are made from content.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from threading import Lock
from typing import Any

import matplotlib
import numpy as np
from fontTools.ttLib import TTFont
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from viz.attribution.descriptions import verdict
from viz.errors import SelectionError
from viz.figures.canvas import text_lines
from viz.figures.citation import citation
from viz.figures.color_scale import colormap_named
from viz.figures.kinds import resolve
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.figures.text.fonts import NO_BREAK, REPLACEMENT, font_files

PRINT_DPI = 300
"""Dots per inch of the maps and emoji inside SVG and PDF, whose texts and lines have no dots."""
MAX_DOTS = 120_000_000
"""Dots of a PNG; more than this takes gigabytes to draw."""

_saving = Lock()
"""Settings of matplotlib are shared by all threads."""


def figure(spec: FigureSpec, options: RenderOptions | None = None) -> Figure:
    """The picture as a Figure of matplotlib.

    Raises:
        SelectionError: for an unknown color map, or where there is nothing to draw.
    """
    chosen = options or RenderOptions()
    colormap_named(chosen.colormap)
    drawn: Figure = resolve(spec.figure_kind.draw)(spec, chosen)
    return drawn


def png(spec: FigureSpec, options: RenderOptions | None = None) -> bytes:
    """The picture as an opaque PNG that carries its citation."""
    return png_file(figure(spec, options), title=_title(spec), description=_cited(spec))


def svg(spec: FigureSpec, options: RenderOptions | None = None) -> bytes:
    """The picture as SVG; texts are outlines, which look alike wherever it is opened."""
    return svg_file(
        figure(spec, _print_maps(options)), title=_title(spec), description=_cited(spec)
    )


def pdf(spec: FigureSpec, options: RenderOptions | None = None) -> bytes:
    """The picture as PDF with the fonts embedded that it uses."""
    return pdf_file(
        figure(spec, _print_maps(options)), title=_title(spec), description=_cited(spec)
    )


def _print_maps(options: RenderOptions | None) -> RenderOptions:
    return replace(options or RenderOptions(), map_dpi=PRINT_DPI)


def png_file(drawn: Figure, *, title: str, description: str) -> bytes:
    """Any figure as an opaque PNG that carries its title and where its numbers come from.

    Raises:
        SelectionError: where it has too many dots.
    """
    _check_size(drawn)
    agg: Any = FigureCanvasAgg(drawn)
    agg.draw()
    image = Image.fromarray(np.asarray(agg.buffer_rgba())[..., :3].copy())
    buffer = BytesIO()
    info = PngInfo()
    info.add_itxt("Title", _printable(title))
    info.add_itxt("Description", _printable(description))
    info.add_itxt("Software", "CLSight")
    image.save(buffer, "PNG", dpi=(drawn.dpi, drawn.dpi), compress_level=5, pnginfo=info)
    return buffer.getvalue()


def svg_file(drawn: Figure, *, title: str, description: str) -> bytes:
    """Any figure as SVG; texts are outlines, which look alike wherever it is opened."""
    about = {"Title": _printable(title), "Description": _printable(description), "Date": None}
    settings = {"svg.fonttype": "path", "svg.hashsalt": "CLSight"}
    return _saved(drawn, "svg", settings, {**about, "Creator": ["CLSight"]})


def pdf_file(drawn: Figure, *, title: str, description: str) -> bytes:
    """Any figure as PDF with the fonts embedded that it uses."""
    about = {
        "Title": _printable(title),
        "Subject": _printable(description),
        "Creator": "CLSight",
        "CreationDate": None,
    }
    return _saved(drawn, "pdf", {"pdf.fonttype": _font_type([drawn])}, about)


def pdf_document(pages: Sequence[Figure], title: str) -> bytes:
    """Figures as the pages of one PDF, with the fonts embedded that they use."""
    about = {"Title": _printable(title), "Creator": "CLSight", "CreationDate": None}
    buffer = BytesIO()
    with (
        _saving,
        matplotlib.rc_context({"pdf.fonttype": _font_type(pages)}),
        PdfPages(buffer, metadata=about) as file,
    ):
        for page in pages:
            file.savefig(page, dpi=PRINT_DPI)
    return buffer.getvalue()


def _saved(drawn: Figure, format: str, settings: Any, about: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    with _saving, matplotlib.rc_context(settings):
        drawn.savefig(buffer, format=format, dpi=PRINT_DPI, metadata=about)
    return buffer.getvalue()


def _check_size(drawn: Figure) -> None:
    width, height = (round(side * drawn.dpi) for side in drawn.get_size_inches())
    if width * height > MAX_DOTS:
        most = int(drawn.dpi * (MAX_DOTS / (width * height)) ** 0.5)
        raise SelectionError(
            f"At {drawn.dpi:.0f} dots per inch this picture has {width:,} × {height:,} dots; "
            f"choose {most} or less, or save it as SVG or PDF."
        )


def _title(spec: FigureSpec) -> str:
    names, probability = verdict(spec.reading.prediction)
    return f"{names} {probability}: {spec.kind}"


def _cited(spec: FigureSpec) -> str:
    return citation(spec).sentence()


def _printable(text: str) -> str:
    """Names are data: without the characters that XML or PDF do not allow."""
    return "".join(c if c.isprintable() or c == NO_BREAK else REPLACEMENT for c in text)


def _font_type(pages: Sequence[Figure]) -> int:
    """42, as journals ask for, where every font has TrueType outlines; 3 takes any outlines."""
    lines = (line for page in pages for line in text_lines(page))
    used = {file for line in lines for file in font_files(line.text, line.style)}
    return 42 if all(map(_is_truetype, used)) else 3


@cache
def _is_truetype(file: Any) -> bool:
    with TTFont(file, fontNumber=getattr(file, "face_index", 0), lazy=True) as font:
        return "glyf" in font
