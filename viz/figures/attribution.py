"""The picture of an attribution: the text in colors, and its strongest words as bars."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from finetune.checkpoint.arrays import FloatArray
from viz.attention.sentences import is_divided
from viz.attention.words import Span, merge, spans
from viz.attribution import find_method
from viz.attribution.descriptions import explained_scalar, is_relative, summary
from viz.figures.bars import Bar, bars_height, draw_bars
from viz.figures.canvas import DETAILS, Canvas
from viz.figures.colored_text import (
    LEGEND_HEIGHT,
    TEXT,
    TEXT_WIDTH,
    PlacedText,
    ScoreColors,
    draw_colored,
    draw_legend,
    score_ends,
    strongest_bars,
)
from viz.figures.layout import TextBlock, figure_layout
from viz.figures.long_attribution import LongBody
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.figures.text.flow import flow, pieces
from viz.types import Attribution, Reading


def attribution_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """The text in colored words, bars of the strongest, and a line on what they leave out."""
    attribution, prediction = spec.attribution, spec.reading.prediction
    assert attribution is not None  # checked by FigureSpec
    method, units = find_method(attribution.method), spans(spec.reading.encoding, spec.unit)
    scores = merge(attribution.shown, units)
    sizes = np.abs(scores[[not span.special for span in units]])
    colors = ScoreColors(
        float(sizes.max(initial=0.0)) or 1.0, method.signed, is_relative(attribution)
    )
    scalar = f": {explained_scalar(prediction, attribution)}" if method.class_specific else ""
    is_long = is_divided(spec.reading)
    return figure_layout(
        spec,
        LongBody.of(spec.reading, attribution, colors)
        if is_long
        else _Body(spec.reading, attribution, units, scores, colors),
        shown=(f"{method.label_of(spec.reading)}{scalar}",),
        notes=[*([] if method.caveat is None else [method.caveat]), *attribution.notes],
        dpi=options.dpi,
    )


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
        draw_legend(
            canvas,
            self.colors,
            score_ends(self.colors, self.reading.prediction, self.attribution),
            x,
            y,
        )
        statement = self._statement()
        statement.draw(canvas, x, y + LEGEND_HEIGHT)
        below = y + LEGEND_HEIGHT + statement.height + 14
        draw_bars(canvas, self._strongest(), x, below, write=self.colors.format)

    def _statement(self) -> TextBlock:
        line = summary(self.reading, self.attribution)
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

    def _strongest(self) -> list[Bar]:
        """The strongest spans of the text, strongest first."""
        ordinary = [index for index, span in enumerate(self.spans) if not span.special]
        return strongest_bars(
            [self.spans[index] for index in ordinary], self.scores[ordinary], self.colors
        )
