"""The picture of one equation: its formula, and every operand and the result as a heat map."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.descriptions import true_minus
from viz.colors import LIGHT
from viz.figures.canvas import DETAILS, HALF_CAP_HEIGHT, HEADING, MARGIN, NOTE, Canvas
from viz.figures.color_scale import SQUARE_ROOT_NOTE, ColorScale, root_scale
from viz.figures.formula import Formula
from viz.figures.layout import GAP, TextBlock
from viz.figures.raster import Box
from viz.figures.render_options import RenderOptions
from viz.figures.text.fonts import Style, drawable, label, text_width
from viz.figures.text.missing_fonts import missing_fonts
from viz.mechanism.unfolding.description import axis_labels, class_name, dimensions
from viz.mechanism.unfolding.latex import equation_latex, number_sides
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.types import BoolArray, Reading

WIDTH = 560
"""Points of the body of every figure."""
TERM_WIDTH, SCALE_WIDTH = 132, 74
"""Points that the name of a term takes beside its map, and its color scale."""
MAX_CELL, LINE, MIN_HEIGHT, MAX_HEIGHT = 20.0, 8.0, 16.0, 170.0
"""Points of a cell across, of a row of a matrix, and of a map from top to foot."""
LABEL = Style(6.5, LIGHT.muted)
MAX_LABEL_WIDTH = 64.0
"""Points of the longest token beside a row."""
MASKED = 1e9
"""What is as large as that was put there by a mask, and has no color."""


def step_figure(
    unfolding: Unfolding,
    step: Step,
    *,
    title: str,
    place: str,
    caption: str,
    options: RenderOptions,
) -> Figure:
    """A formula with its numbers, and below it a map of every term.

    Args:
        unfolding: Whose step it is.
        step: The equation.
        title: What is computed.
        place: Where it stands in the network.
        caption: What it is cited by.
        options: The resolution, and the color map of what is never negative.
    """
    body = _StepBody.of(unfolding.reading, step, options)
    texts = [token.text for token in unfolding.reading.encoding.tokens]
    fonts = missing_fonts((*texts, *unfolding.reading.prediction.labels))
    notes = " ".join(
        (
            "Each map has a color scale of its own, up to its largest number.",
            SQUARE_ROOT_NOTE,
            *fonts,
        )
    )
    top = TextBlock.of([(title, HEADING), (place, DETAILS), (notes, NOTE)], WIDTH)
    foot = TextBlock.of([(caption, NOTE)], WIDTH)
    height = top.height + GAP + body.height + GAP + foot.height
    canvas = Canvas(WIDTH + 2 * MARGIN, height + 2 * MARGIN, options.dpi)
    top.draw(canvas, MARGIN, MARGIN)
    body.draw(canvas, MARGIN, MARGIN + top.height + GAP)
    foot.draw(canvas, MARGIN, MARGIN + height - foot.height)
    return canvas.figure


@dataclass(frozen=True, slots=True)
class _StepBody:
    """Formulas, then a row for each term, the result below a line."""

    formulas: tuple[Formula, ...]
    rows: tuple["_TermRow", ...]

    @classmethod
    def of(cls, reading: Reading, step: Step, options: RenderOptions) -> "_StepBody":
        lines = (
            (equation_latex(step), 14.0),
            *((f"= {side}", 10.5) for side in number_sides(step)),
        )
        formulas = tuple(Formula(latex, size).fitted(WIDTH) for latex, size in lines)
        terms = (*step.operands, step.result)
        return cls(formulas, tuple(_TermRow.of(reading, term, options) for term in terms))

    @property
    def height(self) -> float:
        formulas = sum(formula.height + formula.depth + 7 for formula in self.formulas)
        return formulas + sum(row.height + 12 for row in self.rows) + 8

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        for formula in self.formulas:
            y += formula.height
            canvas.formula(x, y, formula)
            y += formula.depth + 7
        y += 6
        for index, row in enumerate(self.rows):
            if index in (0, len(self.rows) - 1):
                canvas.lines([[(x, y), (x + WIDTH, y)]], LIGHT.line)
            row.draw(canvas, x, y + 6)
            y += row.height + 12


@dataclass(frozen=True, slots=True)
class _TermRow:
    """A term: its symbol and name, its map, and the color scale of the map."""

    term: Term
    values: FloatArray
    """(m, n)"""
    masked: BoolArray | None
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    scale: ColorScale
    meaning: str
    """What a number stands for, where it is the index of a class."""

    @classmethod
    def of(cls, reading: Reading, term: Term, options: RenderOptions) -> "_TermRow":
        given = np.asarray(term.values)
        values = given.reshape(-1, given.shape[-1]) if given.ndim else given.reshape(1, 1)
        masked = ~(np.abs(values) < MASKED)
        seen = values[~masked]
        signed = bool((seen < 0).any())
        scale = root_scale(seen, term.name, signed=signed, colormap=options.colormap)
        columns = axis_labels(reading, term, -1) if given.ndim else ()
        rows = axis_labels(reading, term, -2) if given.ndim == 2 else ()
        shown = np.where(masked, 0, values)
        return cls(
            term,
            shown,
            masked if masked.any() else None,
            _short(columns),
            _short(rows),
            scale,
            class_name(reading, term),
        )

    @property
    def left(self) -> float:
        """Points from the left edge of the row to the map."""
        return TERM_WIDTH + (max(_widths(self.rows)) + 5 if self.rows else 0.0)

    @property
    def map_width(self) -> float:
        """Points."""
        return float(min(WIDTH - SCALE_WIDTH - 14 - self.left, MAX_CELL * self.values.shape[1]))

    @property
    def map_height(self) -> float:
        """Points."""
        return min(max(LINE * len(self.values), MIN_HEIGHT), MAX_HEIGHT)

    @property
    def height(self) -> float:
        """Points."""
        below = max(_widths(self.columns), default=0.0) + 4
        label = max(self.symbol.height, 10) + self.symbol.depth + 1 + TextBlock(self.name).height
        return max(self.map_height + below, label)

    @property
    def symbol(self) -> Formula:
        """What stands for it in the equation."""
        return Formula(self.term.symbol, 11).fitted(TERM_WIDTH - 8)

    @property
    def name(self) -> tuple[tuple[str, Style], ...]:
        """Lines of its name and dimensions; names of parameters break at their dots."""
        whole = " · ".join(part for part in (self.term.name, dimensions(self.term)) if part)
        lines = [""]
        for piece in re.split(r"(?<=\.)(?=\D)|(?<= )", drawable(whole)):
            if lines[-1] and text_width((lines[-1] + piece).rstrip(), NOTE) > TERM_WIDTH - 8:
                lines.append("")
            lines[-1] += piece
        return tuple((line.rstrip(), NOTE) for line in lines)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Draw it with its top left corner at (x, y)."""
        base = y + max(self.symbol.height, 10)
        canvas.formula(x, base, self.symbol)
        TextBlock(self.name).draw(canvas, x, base + self.symbol.depth + 1)
        if not self.term.values.ndim:
            number = true_minus(f"{float(self.term.values):.6g}")
            text = "  ".join(filter(None, (number, drawable(self.meaning))))
            canvas.text(x + TERM_WIDTH, y + 14, text, DETAILS)
            return
        left = x + self.left
        place = Box(left, y, self.map_width, self.map_height)
        canvas.map(place, self.values, self.scale, impossible=self.masked)
        self._draw_labels(canvas, left, y)
        self._draw_scale(canvas, x + WIDTH - SCALE_WIDTH, y)

    def _draw_labels(self, canvas: Canvas, left: float, y: float) -> None:
        drop, foot = LABEL.size * HALF_CAP_HEIGHT, y + self.map_height + 4
        for place, text in _spaced(self.columns, self.map_width):
            canvas.text(left + place + drop, foot, text, LABEL, align="right", turn=90)
        for place, text in _spaced(self.rows, self.map_height):
            canvas.text(left - 5, y + place + drop, text, LABEL, align="right")

    def _draw_scale(self, canvas: Canvas, x: float, y: float) -> None:
        """A short color scale that lies on its side, with its ends."""
        canvas.map(Box(x, y + 2, SCALE_WIDTH, 6), self.scale.ramp()[::-1].T, self.scale)
        ends = [true_minus(f"{end:.3g}") for end in (self.scale.low, self.scale.high)]
        canvas.text(x, y + 17, ends[0], NOTE)
        canvas.text(x + SCALE_WIDTH, y + 17, ends[1], NOTE, align="right")
        if self.masked is not None:
            canvas.text(x, y + 27, "hatched: masked", NOTE)


def _short(names: tuple[str, ...]) -> tuple[str, ...]:
    """Labels that no side of a map is too narrow for."""
    labels = []
    for name in names:
        text = label(name)
        while text_width(text, LABEL) > MAX_LABEL_WIDTH and len(text) > 2:
            text = text[:-2].rstrip("…") + "…"
        labels.append(text)
    return tuple(labels)


def _spaced(labels: tuple[str, ...], length: float) -> Iterator[tuple[float, str]]:
    """Labels with their places along a side of a map, as many as don't touch each other."""
    if not labels:
        return
    cell = length / len(labels)
    for index in range(0, len(labels), math.ceil(LABEL.size * 1.15 / cell)):
        yield (index + 0.5) * cell, labels[index]


def _widths(labels: tuple[str, ...]) -> list[float]:
    return [text_width(text, LABEL) for text in labels]
