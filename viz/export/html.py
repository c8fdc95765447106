"""A figure as one HTML file that opens anywhere, without a network: the pictures of the app itself.

The page holds its scripts, its styles and its numbers, and forbids itself to load anything.
"""

import json
from collections.abc import Sequence
from html import escape

from viz.attribution.descriptions import verdict
from viz.colors import PALETTES, Palette
from viz.errors import SelectionError
from viz.export.page_content import PageContent
from viz.figures.citation import citation
from viz.figures.kinds import resolve
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.widgets.shared.modules import bundle, read
from viz.widgets.shared.widget import Widget


def html(spec: FigureSpec, options: RenderOptions) -> bytes:
    """The page of a figure; pictures follow the reader's light or dark setting.

    Raises:
        SelectionError: where this kind of figure has none.
    """
    write_page = resolve(spec.figure_kind.page)
    if write_page is None:
        raise SelectionError(f"A figure {spec.kind!r} has no HTML; choose another format.")
    name, probability = verdict(spec.reading.prediction)
    return standalone_page(
        write_page(spec),
        heading=name,
        detail=probability,
        title=f"{name} {probability} · {spec.reading.checkpoint}",
        notes=spec.reading.encoding.notes,
        caption=citation(spec).sentence(),
    )


def standalone_page(
    content: PageContent,
    *,
    heading: str,
    detail: str,
    title: str,
    notes: Sequence[str],
    caption: str,
) -> bytes:
    """A page with its pictures, which needs no network.

    Args:
        content: The pictures, and what stands with them.
        heading: What stands above them in large letters.
        detail: What stands beside it, smaller.
        title: The name of the page in the browser.
        notes: What a reader must know, one sentence each, below those of the content.
        caption: What stands below all: where the numbers come from.
    """
    widgets = {widget.name: widget for widget, _ in content.pictures}
    data = {
        "pictures": [{"widget": widget.name, "data": data} for widget, data in content.pictures],
        "closeups": content.closeups,
    }
    themes = (f"html.{theme} {{{_variables(palette)}}}" for theme, palette in PALETTES.items())
    page = _PAGE.format(
        title=escape(title),
        style="\n".join((*themes, read("shared/standalone.css"))),
        heading=f"{escape(heading)} <small>{escape(detail)}</small>",
        notes="\n".join(f'<p class="note">{escape(note)}</p>' for note in (*content.notes, *notes)),
        table=content.table,
        layout=content.layout,
        caption=escape(caption),
        content=_json(data),
        script=_script(widgets),
    )
    return page.encode("utf-8")


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
 style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1 dir="auto">{heading}</h1>
{notes}
<main id="pictures" class="{layout}"></main>
{table}
<footer>{caption}</footer>
<script type="application/json" id="story">{content}</script>
<script type="module">
{script}
</script>
</body>
</html>
"""


def _script(widgets: dict[str, Widget]) -> str:
    """One script that draws the story with the modules of its widgets."""
    lines = ['import { showPictures } from "./shared/standalone.js";']
    lines += [f'import draw{i} from "./{w.source}.js";' for i, w in enumerate(widgets.values())]
    lines.append("showPictures({")
    for index, (name, widget) in enumerate(widgets.items()):
        resources = _json({"html": widget.html, "css": widget.style})
        lines.append(f"{json.dumps(name)}: {{ ...{resources}, draw: draw{index} }},")
    return bundle("page.js", "\n".join([*lines, "});"]))


def _json(value: object) -> str:
    """JSON that no markup in it can end."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _variables(palette: Palette) -> str:
    names = {
        "background-color": palette.ground,
        "text-color": palette.ink,
        "border-color": palette.line,
        "primary-color": palette.accent,
    }
    return " ".join(f"--st-{name}: {color};" for name, color in names.items())
