"""What Jupyter, nbconvert, Quarto and GitHub show of a record: its pictures, without a server.

A page of the app's own widgets stands in a frame, in which its styles and scripts stay.  Behind it
stands the same picture as a PNG, which is seen wherever frames are taken out.
"""

import sys
from base64 import b64encode
from html import escape

from viz.attribution.descriptions import verdict
from viz.documents.document import Document
from viz.errors import LongTextError, VizError
from viz.export.formats import render
from viz.figures.citation import citation
from viz.figures.render_options import MIN_DPI, RenderOptions
from viz.figures.spec import FigureSpec
from viz.types import Attribution, Contribution, MissingAttention, Prediction, Reading

Shown = Reading | Attribution | Contribution | Document | FigureSpec

MAX_PAGE = 5_000_000
"""Bytes of the largest page that is kept in a notebook; above it, the PNG stands alone."""

_FRAME = """<div style="position: relative; height: {height}px; overflow: auto">
<img src="data:image/png;base64,{png}" alt="{caption}" style="max-width: 100%">
<iframe title="{caption}" sandbox="allow-scripts" srcdoc='{page}' style="position: absolute; \
inset: 0; width: 100%; height: 100%; border: 0; background: #fff"></iframe>
</div>"""
_PICTURE = '<img src="data:image/png;base64,{png}" alt="{caption}" style="max-width: 100%">'


def mime_bundle(shown: Shown) -> dict[str, str]:
    """A record by MIME type, `text/html` and `image/png` (base64), as Jupyter's protocol has it.

    It is empty where there is nothing to see: in a terminal, for an attribution or contribution
    whose reading is not known, and where only special tokens were read.
    """
    if _in_terminal():
        return {}
    if isinstance(shown, Document):
        return {"text/html": _sentences(shown.prediction, *shown.notes)}
    if isinstance(shown, Reading) and isinstance(shown.attention, MissingAttention):
        return {"text/html": _sentences(shown.prediction, shown.attention.reason)}
    spec = _spec(shown)
    if spec is None:
        return {}
    try:
        picture = render(spec, "png", _options(spec))
        page = _page(spec)
    except VizError:
        return {}
    png, caption = b64encode(picture).decode(), escape(citation(spec).sentence())
    form = _FRAME if 0 < len(page) <= MAX_PAGE else _PICTURE
    page_in_quotes = page.decode().replace("&", "&amp;").replace("'", "&#39;")
    html = form.format(
        png=png, caption=caption, page=page_in_quotes, height=spec.figure_kind.page_height
    )
    return {"text/html": html, "image/png": png}


def _options(spec: FigureSpec) -> RenderOptions:
    """As many dots as a screen has where all maps would be read again for more."""
    is_long = spec.shows == "model" and spec.long_view is not None
    return RenderOptions(dpi=MIN_DPI) if is_long else RenderOptions()


def _page(spec: FigureSpec) -> bytes:
    """The page of a figure; empty where it has none, or would be too large."""
    if spec.figure_kind.page is None:
        return b""
    try:
        return render(spec, "html")
    except LongTextError:
        return b""


def _sentences(prediction: Prediction, *sentences: str) -> str:
    """What is said in the place of the atlas."""
    label = " ".join(verdict(prediction))
    body = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f"<p><strong>{escape(label)}</strong></p>{body}"


def _spec(shown: Reading | Attribution | Contribution | FigureSpec) -> FigureSpec | None:
    """The figure that says most of a record."""
    if isinstance(shown, FigureSpec):
        return shown
    if isinstance(shown, Reading):
        return FigureSpec(shown, "atlas")
    if shown.reading is None:
        return None
    if isinstance(shown, Attribution):
        return FigureSpec(shown.reading, "attribution", attribution=shown)
    return FigureSpec(shown.reading, "atlas", contribution=shown)


def _in_terminal() -> bool:
    """Whether IPython asks, and can show nothing but text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and shell.display_formatter.active_types == ["text/plain"]
