"""The picture of an attribution: the text in colours, and its strongest words as bars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from viz.attribution import METHODS
from viz.attribution.wording import explained_scalar, number, scale_ends, summary
from viz.colors import LIGHT, mix, readable_ink, rgb
from viz.export.bars import Bar, bars_height, digits, draw_bars
from viz.export.flow import Placed, flow, pieces
from viz.export.fonts import Style, label, width
from viz.export.page import (
    DETAILS,
    LEADING,
    MARGIN,
    NOTE,
    Page,
    Title,
    as_png,
    pixels,
    title,
    wrap,
)
from viz.types import Attribution, FloatArray, Reading
from viz.words import Span, Unit, merge, spans

ROOM = 600
"""Points of width of the text."""
TEXT = Style(10.5)
UNREAD = Style(10.5, LIGHT.muted)
PACE = 1.75
"""Distance of two lines of coloured text, in font sizes."""
STRONGEST = 20
"""Bars that are drawn at most."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From a score to its colour."""

    limit: float
    """The largest absolute score shown."""
    signed: bool

    def color(self, score: float) -> str:
        """Diverging around 0 for signed scores, else from 0 up."""
        share = score / self.limit
        return mix(LIGHT.diverging, (share + 1) / 2) if self.signed else mix(_UNSIGNED, share)

    def bar(self, score: float) -> str:
        """The colour of a bar: the sign alone, for its length says the rest."""
        return LIGHT.diverging[1 if score < 0 else -2] if self.signed else LIGHT.sequential[-3]

    @property
    def ends(self) -> tuple[float, float]:
        """The scores at both ends of the scale."""
        return (-self.limit if self.signed else 0.0, self.limit)


_UNSIGNED = LIGHT.sequential[:-1]
"""Without the darkest colour, which would swallow the words."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """What is drawn, before its places are known."""

    reading: Reading
    attribution: Attribution
    spans: tuple[Span, ...]
    scores: FloatArray
    scale: Scale
    dpi: int

    @property
    def room(self) -> int:
        return pixels(ROOM, self.dpi)

    def size(self, points: float) -> int:
        return pixels(points, self.dpi)


def attribution_figure(
    reading: Reading, attribution: Attribution, *, unit: Unit = "word", dpi: int = 150
) -> Figure:
    """The text in coloured words, bars of the strongest, and a line on what they leave out."""
    over = spans(reading.encoding, unit)
    scores = merge(attribution.scores, over)
    own = [abs(float(score)) for score, span in zip(scores, over, strict=True) if not span.special]
    scale = Scale(max(own, default=0.0) or 1.0, is_signed(attribution))
    return _draw(_Picture(reading, attribution, over, scores, scale, dpi))


attribution_png = as_png(attribution_figure)


def is_signed(attribution: Attribution) -> bool:
    """Whether the method tells for from against."""
    method = METHODS.get(attribution.method)
    return method is None or method.signed


def _draw(picture: _Picture) -> Figure:
    texts = _texts(picture)
    bars = _strongest(picture)
    top = _title(picture)
    statement = wrap(
        summary(picture.reading, picture.attribution, signed=picture.scale.signed),
        DETAILS,
        picture.room,
        picture.dpi,
    )
    margin, size = picture.size(MARGIN), picture.size
    high = margin + top.height + sum(map(_text_height, texts)) + size(34)
    high += len(statement) * size(DETAILS.size * LEADING) + size(14)
    high += bars_height(len(bars), picture.dpi) + margin
    page = Page(picture.room + 2 * margin, high, picture.dpi)
    top.draw(page)
    y = margin + top.height
    for text in texts:
        y = _draw_text(page, picture, text, y)
    y = _draw_legend(page, picture, y)
    y = _draw_lines(page, statement, y) + size(14)
    draw_bars(page, bars, margin, y, signed=picture.scale.signed)
    return page.figure


def _title(picture: _Picture) -> Title:
    attribution = picture.attribution
    method = METHODS.get(attribution.method)
    name = attribution.method if method is None else method.label
    what = (
        f"{name}: {explained_scalar(picture.reading.prediction, attribution)}"
        if picture.scale.signed
        else name
    )
    notes = (
        ()
        if picture.scale.signed
        else ("This shows where the model looks; it is not an explanation of the class.",)
    )
    return title(picture.reading, (what,), notes, room=picture.room, dpi=picture.dpi)


@dataclass(frozen=True, slots=True)
class _Text:
    """One of the texts, placed on lines."""

    name: str | None
    placed: list[Placed]
    pace: int
    """Pixels from one line to the next."""
    gap: int
    """Pixels for the name above it."""


def _texts(picture: _Picture) -> list[_Text]:
    encoding, dpi = picture.reading.encoding, picture.dpi
    pace, gap = picture.size(TEXT.size * PACE), picture.size(16)
    texts = []
    for part, source in enumerate((encoding.text, encoding.pair)):
        if source is not None:
            placed = flow(pieces(source, picture.spans, part), TEXT, picture.room, dpi)
            name = None if encoding.pair is None else ("text", "second text")[part]
            texts.append(_Text(name, placed, pace, gap + part * picture.size(8) if name else 0))
    return texts


def _text_height(text: _Text) -> int:
    lines = max((placed.line + 1 for placed in text.placed), default=0)
    return text.gap + lines * text.pace


def _draw_text(page: Page, picture: _Picture, text: _Text, y: int) -> int:
    """Draw one text below `y`; the place below it comes back."""
    x, size = picture.size(MARGIN), picture.size
    if text.name:
        page.text(x, y + text.gap - size(6), text.name, NOTE)
    for placed in text.placed:
        top = y + text.gap + placed.line * text.pace
        style = TEXT if placed.piece.read else UNREAD
        if placed.piece.span is not None:
            color = picture.scale.color(float(picture.scores[placed.piece.span]))
            page.box(x + placed.x, top + size(2), placed.wide - 1, text.pace - size(3.5), color)
            style = Style(TEXT.size, _ink(color))
        page.text(x + placed.x + size(1.5), top + size(TEXT.size * 1.26), placed.piece.text, style)
    return y + _text_height(text)


def _ink(color: str) -> str:
    ink = readable_ink(color)
    return LIGHT.ink if ink == "#000000" else ink


def _draw_legend(page: Page, picture: _Picture, y: int) -> int:
    """The colour scale with what its ends mean."""
    size, (low, high) = picture.size, picture.scale.ends
    x, top, wide = size(MARGIN), y + size(10), size(120)
    base = top + size(7)
    lowest, highest = _ends(picture)
    page.text(x, base, lowest, NOTE)
    start = x + math.ceil(width(lowest, NOTE, page.dpi)) + size(6)
    colors = [rgb(picture.scale.color(score)) for score in np.linspace(low, high, 256)]
    axes = page.axes(start, top, wide, size(8))
    axes.imshow(np.array([colors], dtype=np.uint8), aspect="auto")
    page.text(start + wide + size(6), base, highest, NOTE)
    return y + size(34)


def _ends(picture: _Picture) -> tuple[str, str]:
    """What stands at both ends of the colour scale."""
    low, high = picture.scale.ends
    if not picture.scale.signed:
        return "0", f"{high:.3g}"
    lowest, highest = map(label, scale_ends(picture.reading.prediction, picture.attribution))
    places = digits(high)
    return f"{lowest}  {number(low, places)}", f"{number(high, places)}  {highest}"


def _draw_lines(page: Page, lines: Sequence[str], y: int) -> int:
    x = pixels(MARGIN, page.dpi)
    for line in lines:
        page.text(x, y + pixels(DETAILS.size, page.dpi), line, DETAILS)
        y += pixels(DETAILS.size * LEADING, page.dpi)
    return y


def _strongest(picture: _Picture) -> list[Bar]:
    """The strongest spans of the text, strongest first."""
    own = [
        Bar(label(span.label), float(score), picture.scale.bar(float(score)))
        for span, score in zip(picture.spans, picture.scores, strict=True)
        if not span.special
    ]
    return sorted(own, key=lambda bar: -abs(bar.score))[:STRONGEST]
