"""A figure as one HTML file that opens anywhere, without a network: the pictures of the app itself.

The page holds its scripts, its styles and its numbers, and forbids itself to load anything.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import cast

from viz.attention.rollout import place
from viz.attention.statistics import head_statistics
from viz.attention.views import AttentionView, merge, pick, spans
from viz.attribution import METHODS
from viz.attribution.descriptions import number, scale_ends, summary, verdict
from viz.colors import PALETTES, Palette
from viz.figures.citation import citation
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.widgets.arcs import payload as arcs
from viz.widgets.atlas import payload as atlas
from viz.widgets.colored_text import payload as strip
from viz.widgets.heatmap import payload as heatmap
from viz.widgets.shared.modules import bundle, read
from viz.widgets.shared.widget import Widget

MOST_WEIGHTS = 4_000_000
"""Weights that an atlas carries along so that its heads open; 12 x 12 heads x 166 tokens."""


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page shows, from top to bottom."""

    pictures: tuple[tuple[Widget, dict[str, object]], ...]
    notes: tuple[str, ...] = ()
    closeups: dict[str, dict[str, object]] | None = None
    """Of an atlas: what the picture below it shows for each selection, by `layer-head`."""
    table: str = ""


def html(spec: FigureSpec, options: RenderOptions) -> bytes:
    """The page of a figure; pictures follow the reader's light or dark setting."""
    content = _TELL[spec.kind](spec)
    widgets = {widget.name: widget for widget, _ in content.pictures}
    name, probability = verdict(spec.reading.prediction)
    told = {
        "pictures": [{"widget": widget.name, "data": data} for widget, data in content.pictures],
        "closeups": content.closeups,
    }
    page = _PAGE.format(
        title=escape(f"{name} {probability} · {spec.reading.checkpoint}"),
        style=_style(),
        heading=f"{escape(name)} <small>{escape(probability)}</small>",
        notes="\n".join(
            f'<p class="note">{escape(note)}</p>'
            for note in (*content.notes, *spec.reading.encoding.notes)
        ),
        table=content.table,
        layout="side-by-side" if spec.kind == "layer" else "below",
        caption=escape(citation(spec).sentence()),
        content=_data(told),
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
    lines = ['import { showStory } from "./shared/standalone.js";']
    lines += [f'import draw{i} from "./{w.source}.js";' for i, w in enumerate(widgets.values())]
    lines.append("showStory({")
    for index, (name, widget) in enumerate(widgets.items()):
        resources = _data({"html": widget.html, "css": widget.style})
        lines.append(f"{json.dumps(name)}: {{ ...{resources}, draw: draw{index} }},")
    return bundle("page.js", "\n".join([*lines, "});"]))


def _data(value: object) -> str:
    """JSON that no markup in it can end."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _style() -> str:
    themes = (f"html.{theme} {{{_variables(palette)}}}" for theme, palette in PALETTES.items())
    return "\n".join((*themes, read("shared/standalone.css")))


def _variables(palette: Palette) -> str:
    names = {
        "background-color": palette.ground,
        "text-color": palette.ink,
        "border-color": palette.line,
        "primary-color": palette.accent,
    }
    return " ".join(f"--st-{name}: {color};" for name, color in names.items())


def _closeup(
    spec: FigureSpec, one: AttentionView, layer: int | None, head: int | None
) -> dict[str, object]:
    """The heat map of one head of a figure, as on the page."""
    note = heatmap.row_note(one, spec.quadrant)
    return heatmap.payload(one, place=place(layer, head), note=note)


def _tell_head(spec: FigureSpec) -> PageContent:
    return PageContent(((heatmap.HEATMAP, _closeup(spec, spec.view(), spec.layer, spec.head)),))


def _tell_layer(spec: FigureSpec) -> PageContent:
    shown = spec.view()
    heads = range(shown.weights.shape[1])
    payloads = [_closeup(spec, pick(shown, 0, head), spec.layer, head) for head in heads]
    # One scale for all heads, as in the other formats, so that they can be held side by side.
    shared = {"largest": max(cast("float", data["largest"]) for data in payloads)}
    return PageContent(
        tuple((heatmap.HEATMAP, data | shared) for data in payloads),
        ("One colour scale for all heads.",),
    )


def _tell_atlas(spec: FigureSpec) -> PageContent:
    shown = spec.view()
    reading = spec.reading
    facts = head_statistics(reading.encoding, reading.attention.weights)
    picture = (atlas.ATLAS, atlas.payload(shown, facts) | {"selected": {"layer": 0, "head": 0}})
    if shown.weights.size > MOST_WEIGHTS:
        note = f"{shown.weights.size:,} weights are too many to carry along, so no head opens here."
        return PageContent((picture,), (note,))
    closeups = dict(_closeups(spec, shown))
    return PageContent((picture, (heatmap.HEATMAP, closeups["0-0"])), (), closeups)


def _closeups(spec: FigureSpec, shown: AttentionView) -> Iterator[tuple[str, dict[str, object]]]:
    """Each head and each mean at full resolution, by what the atlas selects."""
    n_layers, n_heads = shown.weights.shape[:2]
    for layer in (*range(n_layers), None):
        for head in (*range(n_heads), None):
            name = "-".join("null" if index is None else str(index) for index in (layer, head))
            yield name, _closeup(spec, pick(shown, layer, head), layer, head)


def _tell_arcs(spec: FigureSpec) -> PageContent:
    shown = spec.view()
    head = "mean" if spec.head is None else f"H{spec.head}"
    layer = "mean of layers" if spec.layer is None else f"L{spec.layer}"
    return PageContent(((arcs.ARCS, arcs.payload(shown, names=[head], chosen=[0], place=layer)),))


def _tell_attribution(spec: FigureSpec) -> PageContent:
    found, encoding = spec.attribution, spec.reading.encoding
    assert found is not None  # a figure of this kind has one
    over = spans(encoding, spec.unit)
    scores = merge(found.scores, over)
    method = METHODS[found.method]
    low, high = scale_ends(spec.reading.prediction, found) if method.signed else ("none", "most")
    labels = {
        "low": low,
        "high": high,
        "caption": summary(spec.reading, found, signed=method.signed),
    }
    data = strip.payload(encoding, over, scores, signed=method.signed) | labels
    rows = [(span.label, float(score)) for span, score in zip(over, scores, strict=True)]
    return PageContent(((strip.STRIP, data),), (method.description,), table=_table(rows))


def _table(rows: list[tuple[str, float]]) -> str:
    """Every score, in the order of the text."""
    body = "".join(
        f'<tr><td dir="auto">{escape(label)}</td><td>{number(score, 6)}</td></tr>'
        for label, score in rows
    )
    return (
        "<details><summary>All scores</summary><table>"
        f"<tr><th>token or word</th><th>score</th></tr>{body}</table></details>"
    )


_TELL = {
    "head": _tell_head,
    "layer": _tell_layer,
    "atlas": _tell_atlas,
    "arcs": _tell_arcs,
    "attribution": _tell_attribution,
}
