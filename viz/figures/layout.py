"""The layout of a figure: a title block, the picture, and at its foot what to cite it by."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from matplotlib.figure import Figure

from viz.attention.views import AttentionView, sink_note
from viz.attention.words import spans
from viz.attribution.descriptions import Explained, quantity, scale_ends, verdict
from viz.figures.canvas import DETAILS, HEADING, LEADING, MARGIN, NOTE, Canvas
from viz.figures.citation import citation
from viz.figures.long_maps import PooledView
from viz.figures.spec import FigureSpec
from viz.figures.text.fonts import Style
from viz.figures.text.line_wrap import wrap
from viz.figures.text.missing_fonts import missing_fonts
from viz.types import Prediction, Reading

MIN_WIDTH = 300
"""Points of width below which a title block would be cramped."""
GAP = 10
"""Points between the blocks of a figure."""


class Body(Protocol):
    """The picture itself, its size known before it is drawn."""

    @property
    def width(self) -> float:
        """Points."""

    @property
    def height(self) -> float:
        """Points."""

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw it with its top left corner at (x, y)."""


def figure_layout(
    spec: FigureSpec, body: Body, *, shown: Sequence[str], notes: Sequence[str], dpi: float
) -> Figure:
    """A body under its title block and above its citation.

    Args:
        spec: What is shown.
        body: Its picture.
        shown: What the picture shows, in a few words each.
        notes: Sentences for the reader, in small print.
        dpi: Dots per inch.
    """
    return titled_figure(_title(spec, shown, notes), body, citation(spec).sentence(), dpi=dpi)


def titled_figure(
    title: Iterable[tuple[str, Style]], body: Body, cited: str, *, dpi: float
) -> Figure:
    """A body under lines of text and above what it is cited by.

    Args:
        title: The lines above it.
        body: The picture.
        cited: Where its numbers come from, in one sentence.
        dpi: Dots per inch.
    """
    width = max(body.width, MIN_WIDTH)
    top = TextBlock.of(title, width)
    foot = TextBlock.of([(cited, NOTE)], width)
    height = top.height + GAP + body.height + GAP + foot.height
    canvas = Canvas(width + 2 * MARGIN, height + 2 * MARGIN, dpi)
    top.draw(canvas, MARGIN, MARGIN)
    body.draw(canvas, MARGIN, MARGIN + top.height + GAP)
    foot.draw(canvas, MARGIN, MARGIN + height - foot.height)
    return canvas.figure


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Lines of text one below the other."""

    lines: tuple[tuple[str, Style], ...]

    @classmethod
    def of(cls, texts: Iterable[tuple[str, Style]], max_width: float) -> "TextBlock":
        """Texts wrapped to `max_width` points."""
        return cls(
            tuple((line, style) for text, style in texts for line in wrap(text, style, max_width))
        )

    @property
    def height(self) -> float:
        """Points they take."""
        return sum(style.size * LEADING for _, style in self.lines)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Set the lines below (x, y)."""
        for text, style in self.lines:
            canvas.text(x, y + style.size, text, style)
            y += style.size * LEADING


def _title(
    spec: FigureSpec, shown: Sequence[str], notes: Sequence[str]
) -> Iterator[tuple[str, Style]]:
    names, probability = verdict(spec.reading.prediction)
    yield f"{names}  {probability}", HEADING
    yield " · ".join((*shown, spec.reading.checkpoint)), DETAILS
    yield " ".join((*notes, *_cut(spec.reading), *missing_fonts(_texts(spec)))), NOTE


def _texts(spec: FigureSpec) -> list[str]:
    """Every text of the reader's that the figure may hold."""
    reading = spec.reading
    labels = [span.label for span in spans(reading.encoding, spec.unit)]
    return [
        *((reading.encoding.text, reading.encoding.pair or "") if spec.shows == "scores" else ()),
        *labels,
        *reading.prediction.labels,
        reading.checkpoint,
    ]


def _cut(reading: Reading) -> tuple[str, ...]:
    count = reading.encoding.n_unseen
    what = "1 token was" if count == 1 else f"{count:,} tokens were"
    return (f"The text is cut: {what} not read.",) if count else ()


def hatch_notes(shown: AttentionView) -> Iterator[str]:
    """A sentence on the hatch of a map, where it has one."""
    if shown.impossible is not None:
        yield "Hatched: can't be looked at, because a causal mask or a window forbids it."


def view_notes(spec: FigureSpec, shown: AttentionView) -> Iterator[str]:
    """Sentences on what a map's numbers are, and on what it does not show."""
    if spec.contribution is not None:
        yield _contribution_note(spec.reading.prediction, spec.contribution)
    if spec.quadrant != "all":
        text = {"A": "first", "B": "second"}
        query, key = text[spec.quadrant[0]], text[spec.quadrant[2]]
        again = "itself" if query == key else f"the {key}"
        yield f"Only the {query} text looking at {again}; nothing is rescaled for that."
    if spec.region is not None:
        yield f"Only {spec.region.sentence}."
    if not spec.special:
        yield from _special_tokens_note(spec, shown)


def _contribution_note(prediction: Prediction, contribution: Explained) -> str:
    orange, blue = scale_ends(prediction, contribution)
    if prediction.regression:
        return f"What each weight contributes to the score: blue {blue}, orange {orange}."
    return f"What each weight contributes to the class: blue speaks {blue}, orange {orange}."


def _special_tokens_note(spec: FigureSpec, shown: AttentionView) -> Iterator[str]:
    """What went with the special tokens."""
    if isinstance(shown, PooledView):
        yield "Special tokens are left out" + (
            "." if shown.signed else ", and the rows are scaled back to the sum that they had."
        )
        return
    if not shown.removed.any():
        return
    if spec.contribution is not None:
        removed, regression = float(shown.removed.sum()), spec.reading.prediction.regression
        total = quantity(removed, 3, signed=True, regression=regression)
        yield f"Special tokens are left out as keys: {total} in all went from these rows with them."
        return
    percent = f"{100 * float(shown.removed.mean()):.0f}%"
    yield (
        f"Special tokens are removed: on average {percent} of a row's weight went with them, "
        f"and the rows are scaled back to {'what they were' if sink_note(shown) else 'a sum of 1'}."
    )


def counted(spec: FigureSpec, shown: AttentionView) -> str:
    """How many words or wordpieces are shown, special tokens aside."""
    sides = [sum(not span.special for span in side) for side in (shown.spans, shown.keys)]
    if spec.quadrant != "all" or spec.region is not None:
        return f"{sides[0]} × {sides[1]} {spec.unit}s"
    return f"{sides[0]} {spec.unit}s" if sides[0] != 1 else f"1 {spec.unit}"
