"""Text whose words stand on the colors of their scores, and the color scale below it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span
from viz.attribution.descriptions import decimals, number, scale_ends, share_of_strongest
from viz.colors import LIGHT, mix, readable_ink
from viz.figures.bars import Bar
from viz.figures.canvas import NOTE, Canvas
from viz.figures.color_scale import DIVERGING, ColorScale
from viz.figures.raster import Box
from viz.figures.text.flow import PAD, Placed
from viz.figures.text.fonts import MAX_LABEL_CHARS, Style, label, text_width
from viz.types import Attribution, Prediction

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
    relative: bool = False
    """Whether scores are written as percentages of the largest."""

    def format(self, score: float) -> str:
        """A score in digits: of one unit two decimals, or as many as show three of the largest."""
        if self.relative:
            return share_of_strongest(score, self.limit, signed=self.signed)
        places = decimals(self.limit, least=2)
        return number(score, places) if self.signed else f"{score:.{places}f}"

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


def score_ends(
    colors: ScoreColors, prediction: Prediction, attribution: Attribution
) -> tuple[str, str]:
    """What stands at both ends of the color scale."""
    if not colors.signed:
        return "0", f"{colors.limit:.3g}"
    lowest, highest = map(label, scale_ends(prediction, attribution))
    return ends_of_scale(colors, lowest, highest)


def ends_of_scale(colors: ScoreColors, lowest: str, highest: str) -> tuple[str, str]:
    """What both ends of a signed scale mean, each with its number."""
    return (
        f"{lowest}  {colors.format(-colors.limit)}",
        f"{colors.format(colors.limit)}  {highest}",
    )


def strongest_bars(
    spans: Sequence[Span],
    scores: FloatArray,
    colors: ScoreColors,
    label_chars: int = MAX_LABEL_CHARS,
) -> list[Bar]:
    """The strongest of some words or sentences, strongest first."""
    order = np.argsort(-np.abs(scores), kind="stable")[:MAX_BARS].tolist()
    return [
        Bar(
            label(" ".join(spans[i].label.split()) or spans[i].label, label_chars),
            float(scores[i]),
            colors.bar(float(scores[i])),
        )
        for i in order
    ]
