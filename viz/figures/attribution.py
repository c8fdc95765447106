"""The picture of an attribution: the text in colors, and its strongest words as bars."""

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span, merge, spans
from viz.attribution import find_method
from viz.attribution.descriptions import decimals, explained_scalar, number, scale_ends, summary
from viz.colors import LIGHT, mix, readable_ink
from viz.figures.bars import Bar, bars_height, draw_bars
from viz.figures.canvas import DETAILS, NOTE, Canvas
from viz.figures.color_scale import DIVERGING, ColorScale
from viz.figures.layout import TextBlock, figure_layout
from viz.figures.raster import Box
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.figures.text.flow import PAD, Placed, flow, pieces
from viz.figures.text.fonts import Style, label, text_width
from viz.types import Attribution, Reading

TEXT_WIDTH = 600
"""Points of width of the text."""
TEXT = Style(10.5)
UNREAD = Style(10.5, LIGHT.muted)
LINE_PITCH = TEXT.size * 1.75
"""Points from one line of colored text to the next."""
MAX_BARS = 20
LEGEND_HEIGHT = 34
"""Points that the color scale below the text takes."""


@dataclass(frozen=True, slots=True)
class ScoreColors:
    """From a score to its color."""

    limit: float
    """The largest absolute score shown."""
    signed: bool

    def color(self, score: float) -> str:
        """Diverging around 0 for signed scores, else from 0 up."""
        share = score / self.limit
        return mix(LIGHT.diverging, (share + 1) / 2) if self.signed else mix(_UNSIGNED, share)

    def bar(self, score: float) -> str:
        """The color of a bar: the sign alone, for its length says the rest."""
        return LIGHT.diverging[1 if score < 0 else -2] if self.signed else LIGHT.sequential[-3]

    @property
    def color_scale(self) -> ColorScale:
        """The same scale for a map."""
        colors = DIVERGING if self.signed else _RISING
        return ColorScale(
            colors, Normalize(-self.limit if self.signed else 0.0, self.limit), "score"
        )


_UNSIGNED = LIGHT.sequential[:-1]
"""Without the darkest color, which would swallow the words."""
_RISING = LinearSegmentedColormap.from_list("scores", _UNSIGNED)


def attribution_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """The text in colored words, bars of the strongest, and a line on what they leave out."""
    attribution, prediction = spec.attribution, spec.reading.prediction
    assert attribution is not None  # checked by FigureSpec
    method, units = find_method(attribution.method), spans(spec.reading.encoding, spec.unit)
    scores = merge(attribution.scores, units)
    sizes = np.abs(scores[[not span.special for span in units]])
    colors = ScoreColors(float(sizes.max(initial=0.0)) or 1.0, method.signed)
    scalar = f": {explained_scalar(prediction, attribution)}" if method.class_specific else ""
    return figure_layout(
        spec,
        _Body(spec.reading, attribution, units, scores, colors),
        shown=(f"{method.label_of(spec.reading)}{scalar}",),
        notes=[] if method.caveat is None else [method.caveat],
        dpi=options.dpi,
    )


@dataclass(frozen=True, slots=True)
class PlacedText:
    """One of the texts, placed on lines."""

    name: str | None
    placed: list[Placed]
    gap: float
    """Points for the name above it."""

    @property
    def height(self) -> float:
        """Points."""
        lines = max((placed.line + 1 for placed in self.placed), default=0)
        return self.gap + lines * LINE_PITCH


@dataclass(frozen=True, slots=True)
class _Body:
    reading: Reading
    attribution: Attribution
    spans: tuple[Span, ...]
    scores: FloatArray
    colors: ScoreColors

    @property
    def width(self) -> float:
        return TEXT_WIDTH

    @property
    def height(self) -> float:
        height = (
            sum(text.height for text in self._texts()) + LEGEND_HEIGHT + self._statement().height
        )
        count = len(self._strongest())
        return height + (14 + bars_height(count) if count else 0)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        for text in self._texts():
            draw_colored(canvas, text, self.scores, self.colors, x, y)
            y += text.height
        draw_legend(canvas, self.colors, self._ends(), x, y)
        statement = self._statement()
        statement.draw(canvas, x, y + LEGEND_HEIGHT)
        below = y + LEGEND_HEIGHT + statement.height + 14
        draw_bars(canvas, self._strongest(), x, below, signed=self.colors.signed)

    def _statement(self) -> TextBlock:
        line = summary(self.reading, self.attribution, signed=self.colors.signed)
        return TextBlock.of([(line, DETAILS)], TEXT_WIDTH)

    def _texts(self) -> list[PlacedText]:
        encoding = self.reading.encoding
        texts = []
        for part, source in enumerate((encoding.text, encoding.pair)):
            if source is not None:
                placed = flow(pieces(source, self.spans, part), TEXT, TEXT_WIDTH)
                name = None if encoding.pair is None else ("text", "second text")[part]
                texts.append(PlacedText(name, placed, 16 + 8 * part if name else 0))
        return texts

    def _ends(self) -> tuple[str, str]:
        """What stands at both ends of the color scale."""
        limit = self.colors.limit
        if not self.colors.signed:
            return "0", f"{limit:.3g}"
        lowest, highest = map(label, scale_ends(self.reading.prediction, self.attribution))
        places = decimals(limit, least=2)
        return f"{lowest}  {number(-limit, places)}", f"{number(limit, places)}  {highest}"

    def _strongest(self) -> list[Bar]:
        """The strongest spans of the text, strongest first."""
        bars = [
            Bar(label(span.label), float(score), self.colors.bar(float(score)))
            for span, score in zip(self.spans, self.scores, strict=True)
            if not span.special
        ]
        return sorted(bars, key=lambda bar: -abs(bar.score))[:MAX_BARS]


def draw_colored(
    canvas: Canvas,
    text: PlacedText,
    scores: FloatArray,
    colors: ScoreColors,
    x: float,
    y: float,
) -> None:
    """Set a text with its words on the colors of their scores."""
    if text.name:
        canvas.text(x, y + text.gap - 6, text.name, NOTE)
    for placed in text.placed:
        top = y + text.gap + placed.line * LINE_PITCH
        style = TEXT if placed.piece.read else UNREAD
        if placed.piece.spans:
            color = colors.color(float(scores[list(placed.piece.spans)].sum()))
            canvas.box(x + placed.x, top + 2, placed.width - 0.5, LINE_PITCH - 3.5, color)
            ink = readable_ink(color)
            style = Style(TEXT.size, LIGHT.ink if ink == "#000000" else ink)
        canvas.text(x + placed.x + PAD, top + TEXT.size * 1.26, placed.piece.text, style)


def draw_legend(
    canvas: Canvas, colors: ScoreColors, ends: tuple[str, str], x: float, y: float
) -> None:
    """The color scale with what its ends mean."""
    lowest, highest = ends
    canvas.text(x, y + 17, lowest, NOTE)
    start = x + text_width(lowest, NOTE) + 6
    color_scale = colors.color_scale
    canvas.map(
        Box(start, y + 10, 120, 8),
        np.ascontiguousarray(color_scale.ramp()[::-1].T),
        color_scale,
    )
    canvas.text(start + 126, y + 17, highest, NOTE)
