"""What the HTML page of each kind of figure shows: the widgets of the app, and sentences."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal, cast

from viz.attention.long_attention import statistics_of
from viz.attention.long_view import LongView
from viz.attention.rollout import place
from viz.attention.sentences import Division, is_divided
from viz.attention.statistics import HeadStatistics
from viz.attention.thumbnails import max_thumbnail_side
from viz.attention.views import AttentionView, pick
from viz.attention.words import merge, spans
from viz.attribution import Method, find_method
from viz.attribution.descriptions import explained_scalar, is_relative, number, scale_ends, summary
from viz.export.score_numbers import score_rows
from viz.figures.spec import FigureSpec
from viz.jobs.progress import current_progress
from viz.widgets.arcs import payload as arcs
from viz.widgets.atlas import payload as atlas
from viz.widgets.colored_text import payload as colored_text
from viz.widgets.heatmap import payload as heatmap
from viz.widgets.shared.widget import Widget
from viz.widgets.strip import payload as strip

MAX_WEIGHTS = 4_000_000
"""Weights that an atlas carries along so that its heads open; 12 x 12 heads x 166 tokens."""


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page shows, from top to bottom."""

    pictures: tuple[tuple[Widget, dict[str, object]], ...]
    notes: tuple[str, ...] = ()
    closeups: dict[str, dict[str, object]] | None = None
    """Of an atlas: what the picture below it shows for each selection, by `layer-head`."""
    table: str = ""
    """Markup below the pictures."""
    layout: Literal["below", "side-by-side"] = "below"
    """How pictures stand to each other."""


def _closeup(
    spec: FigureSpec, one: AttentionView, layer: int | None, head: int | None
) -> dict[str, object]:
    """The heat map of one head of a figure, as on the page."""
    # Of a region, nothing can be said that is true of whole rows.
    note = spec.region.sentence if spec.region else heatmap.row_note(one, spec.quadrant)
    cuts_rows = spec.region is not None and spec.region.columns is not None
    return heatmap.payload(one, title=place(layer, head), note=note, cuts_rows=cuts_rows)


def head_page(spec: FigureSpec) -> PageContent:
    """The heat map of one head, or of a mean."""
    shown = spec.view(MAX_WEIGHTS)
    return PageContent(((heatmap.HEATMAP, _closeup(spec, shown, spec.layer, spec.head)),))


def layer_page(spec: FigureSpec) -> PageContent:
    """The heat maps of all heads of a layer, side by side."""
    shown = spec.view(MAX_WEIGHTS)
    heads = range(shown.weights.shape[1])
    payloads = [_closeup(spec, pick(shown, 0, head), spec.layer, head) for head in heads]
    # One scale for all heads, as in the other formats, so that they can be held side by side.
    shared = {"largest": max(cast("float", data["largest"]) for data in payloads)}
    return PageContent(
        tuple((heatmap.HEATMAP, data | shared) for data in payloads),
        ("One color scale for all heads.",),
        layout="side-by-side",
    )


def atlas_page(spec: FigureSpec) -> PageContent:
    """All heads, each of which opens where there are not too many weights to carry along."""
    facts = statistics_of(spec.reading)
    long = spec.long_view
    if long is not None:
        return _long_atlas_page(spec, long, facts)
    shown = spec.view()
    heads = shown.weights.shape[0], shown.weights.shape[1]
    selected = atlas.selection(heads, layer=0, head=0, off=spec.reading.without)
    picture = (atlas.ATLAS, atlas.payload(shown, facts) | {"selected": selected})
    if shown.weights.size > MAX_WEIGHTS:
        return PageContent((picture,), (_too_many(shown.weights.size),))
    closeups = dict(_closeups(spec, shown))
    return PageContent((picture, (heatmap.HEATMAP, closeups["0-0"])), (), closeups)


def _long_atlas_page(spec: FigureSpec, long: LongView, facts: HeadStatistics) -> PageContent:
    """All heads of a long text in small, none of which opens."""
    side = max_thumbnail_side(long.n_heads)
    size = min(long.shape[0], side), min(long.shape[1], side)
    pixels, impossible = long.thumbnails(*size, current_progress())
    shape, signed = long.shape, long.signed
    data = atlas.picture(pixels, impossible, shape=shape, signed=signed, statistics=facts)
    heads = long.n_layers, long.n_heads
    selected = atlas.selection(heads, layer=0, head=0, off=spec.reading.without)
    n_weights = long.n_layers * long.n_heads * long.shape[0] * long.shape[1]
    return PageContent(((atlas.ATLAS, data | {"selected": selected}),), (_too_many(n_weights),))


def _too_many(n_weights: int) -> str:
    return f"{n_weights:,} weights are too many to carry along, so no head opens here."


def _closeups(spec: FigureSpec, shown: AttentionView) -> Iterator[tuple[str, dict[str, object]]]:
    """Each head and each mean at full resolution, by what the atlas selects."""
    n_layers, n_heads = shown.weights.shape[:2]
    for layer in (*range(n_layers), None):
        for head in (*range(n_heads), None):
            name = "-".join("null" if index is None else str(index) for index in (layer, head))
            yield name, _closeup(spec, pick(shown, layer, head), layer, head)


def arcs_page(spec: FigureSpec) -> PageContent:
    """The arcs of one head, or of a mean."""
    shown = spec.view(MAX_WEIGHTS)
    head = "mean" if spec.head is None else f"H{spec.head}"
    layer = "mean of layers" if spec.layer is None else f"L{spec.layer}"
    return PageContent(((arcs.ARCS, arcs.payload(shown, names=[head], selected=[0], title=layer)),))


def attribution_page(spec: FigureSpec) -> PageContent:
    """The text in colors, with a table of all scores."""
    attribution, encoding = spec.attribution, spec.reading.encoding
    assert attribution is not None  # checked by FigureSpec
    units = spans(encoding, spec.unit)
    scores = merge(attribution.shown, units)
    method = find_method(attribution.method)
    low, high = (
        scale_ends(spec.reading.prediction, attribution) if method.signed else ("none", "most")
    )
    labels = {
        "low": low,
        "high": high,
        "caption": summary(spec.reading, attribution),
    }
    relative = is_relative(attribution)
    data = colored_text.payload(encoding, units, scores, signed=method.signed, relative=relative)
    above = (_strip(spec, method, low, high),) if is_divided(spec.reading) else ()
    return PageContent(
        (*above, (colored_text.COLORED_TEXT, data | labels)),
        (method.description_of(spec.reading), *attribution.notes),
        table=_table(spec),
    )


def _strip(
    spec: FigureSpec, method: Method, low: str, high: str
) -> tuple[Widget, dict[str, object]]:
    """A long text sentence by sentence."""
    assert spec.attribution is not None  # checked by FigureSpec
    divided = Division.of(spec.reading.encoding)
    picture = strip.payload(
        spec.reading.encoding,
        divided.sentences,
        merge(spec.attribution.shown, divided.sentences),
        signed=method.signed,
        relative=is_relative(spec.attribution),
        paragraphs=divided.paragraphs,
    )
    around = strip.texts(name="The whole text", note=divided.counts, low=low, high=high)
    return strip.STRIP, picture | around


def _table(spec: FigureSpec) -> str:
    """Every score, in the order of the text, then what they add up with: the rows of the CSV."""
    attribution = spec.attribution
    assert attribution is not None  # checked by FigureSpec
    header, *rows = score_rows(spec)
    adds_up = {"score": attribution.bias is not None, "share": attribution.shares is not None}
    columns = {"score": "score of the method", "share": "share of the word"}
    if attribution.shares is None:
        columns = {"score": "score"}
    names = {
        "hidden": "every word hidden",
        "value": explained_scalar(spec.reading.prediction, attribution),
    }
    lines = [_line("th", "token or word", columns.values())]
    for row in rows:
        cells = dict(zip(map(str, header), row, strict=True))
        if (kind := str(cells["kind"])) != spec.unit:
            cells["text"] = names.get(kind, kind)
            cells |= {name: None for name in columns if not adds_up[name]}
        numbers = [cells[name] for name in columns]
        if any(each is not None for each in numbers):
            written = ["" if each is None else number(float(str(each)), 6) for each in numbers]
            lines.append(_line("td", str(cells["text"]), written))
    body = "".join(lines)
    return f"<details><summary>All scores</summary><table>{body}</table></details>"


def _line(tag: str, label: str, cells: Iterable[str]) -> str:
    numbers = "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)
    return f'<tr><{tag} dir="auto">{escape(label)}</{tag}>{numbers}</tr>'
