"""The picture of a long text: a strip of all of it, and the words of its strongest passage."""

from dataclasses import dataclass, replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.sentences import Division, excerpt
from viz.attention.words import Span, merge
from viz.attribution.descriptions import summary
from viz.colors import LIGHT
from viz.figures.bars import Bar, bars_height, draw_bars
from viz.figures.canvas import DETAILS, NOTE, Canvas
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
from viz.figures.layout import TextBlock
from viz.figures.text.flow import flow, pieces
from viz.types import Attribution, Encoding, Reading

STRIP, TICK = 18, 3
"""Points of the sentences, and of the mark below where a paragraph begins."""
HEADING = 22
"""Points of the line above the words."""
SENTENCE_CHARS = 44
"""Characters of a sentence that stand beside its bar."""
GAP = 0.4
"""Points between sentences that have room for it."""


@dataclass(frozen=True, slots=True)
class LongBody:
    """A strip of all sentences, the passage with the strongest one, and the strongest as bars."""

    reading: Reading
    attribution: Attribution
    divided: Division
    sentences: FloatArray
    """The score of each.  (n,)"""
    words: FloatArray
    """The score of each word of the passage.  (m,)"""
    text: PlacedText
    """The passage."""
    passage: int
    colors: ScoreColors
    """Of words, on the scale of all of them."""

    @classmethod
    def of(cls, reading: Reading, attribution: Attribution, colors: ScoreColors) -> "LongBody":
        """The picture of an attribution.

        Args:
            reading: What was read.
            attribution: Why.
            colors: Of words.
        """
        divided = Division.of(reading.encoding)
        sentences = merge(attribution.shown, divided.sentences)
        passage = divided.strongest_passage(sentences)
        own = excerpt(reading.encoding, divided.words, divided.passage_numbers, passage)
        return cls(
            reading,
            attribution,
            divided,
            sentences,
            merge(attribution.shown, own.words),
            PlacedText(None, flow(pieces(own.encoding.text, own.words, 0), TEXT, TEXT_WIDTH), 0),
            passage,
            colors,
        )

    @property
    def width(self) -> float:
        """Points."""
        return TEXT_WIDTH

    @property
    def height(self) -> float:
        """Points."""
        words = HEADING + self.text.height + LEGEND_HEIGHT + self._statement().height
        return STRIP + TICK + LEGEND_HEIGHT + words + 14 + bars_height(len(self._strongest()))

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw it with its top left corner at (x, y)."""
        self._draw_strip(canvas, x, y)
        y += STRIP + TICK
        colors, prediction = self._sentence_colors, self.reading.prediction
        draw_legend(canvas, colors, score_ends(colors, prediction, self.attribution), x, y)
        y += LEGEND_HEIGHT + HEADING
        count = len(self.divided.passages)
        canvas.text(
            x, y - 8, f"passage {self.passage + 1} of {count}, with the strongest sentence", NOTE
        )
        draw_colored(canvas, self.text, self.words, self.colors, x, y)
        y += self.text.height
        draw_legend(
            canvas, self.colors, score_ends(self.colors, prediction, self.attribution), x, y
        )
        statement = self._statement()
        statement.draw(canvas, x, y + LEGEND_HEIGHT)
        y += LEGEND_HEIGHT + statement.height + 14
        draw_bars(canvas, self._strongest(), x, y, write=self._sentence_colors.format)

    def _draw_strip(self, canvas: Canvas, x: float, y: float) -> None:
        """The sentences from the first character to the last; the strongest are drawn last."""
        encoding, colors = self.reading.encoding, self._sentence_colors
        for gap in encoding.unseen:
            place, width = _place(encoding, gap.part, gap.start, gap.end)
            canvas.box(x + place, y, width, STRIP, LIGHT.impossible[1])
        for index in np.argsort(np.abs(self.sentences), kind="stable").tolist():
            place, width = self._of(self.divided.sentences[index])
            color = colors.color(float(self.sentences[index]))
            canvas.box(x + place, y, width - GAP if width > 4 * GAP else width, STRIP, color)
        edge = [(x, y), (x + TEXT_WIDTH, y)]
        base = [(x, y + STRIP), (x + TEXT_WIDTH, y + STRIP)]
        starts = [x + self._of(paragraph)[0] for paragraph in self.divided.paragraphs]
        canvas.lines([edge, base], LIGHT.line)
        canvas.lines([[(s, y + STRIP), (s, y + STRIP + TICK)] for s in starts], LIGHT.muted)
        place, width = self._of(self.divided.passages[self.passage])
        left, right = x + place, x + place + width
        corners = [(left, y), (right, y), (right, y + STRIP), (left, y + STRIP), (left, y)]
        canvas.lines([corners], LIGHT.ink)

    def _of(self, span: Span) -> tuple[float, float]:
        return _place(self.reading.encoding, span.part or 0, span.start, span.end)

    @property
    def _sentence_colors(self) -> ScoreColors:
        largest = float(np.abs(self.sentences).max(initial=0.0)) or 1.0
        return replace(self.colors, limit=largest)

    def _statement(self) -> TextBlock:
        line = summary(self.reading, self.attribution)
        return TextBlock.of([(f"{line} · {self.divided.counts}", DETAILS)], TEXT_WIDTH)

    def _strongest(self) -> list[Bar]:
        return strongest_bars(
            self.divided.sentences, self.sentences, self._sentence_colors, SENTENCE_CHARS
        )


def _place(encoding: Encoding, part: int, start: int, end: int) -> tuple[float, float]:
    """Where a stretch of the text begins on the strip, and how wide it is, in points."""
    length = len(encoding.text) + len(encoding.pair or "")
    before = len(encoding.text) if part == 1 else 0
    return (before + start) / length * TEXT_WIDTH, (end - start) / length * TEXT_WIDTH
