"""Pictures of a comparison for paper: words that changed, distances of heads, one difference."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from finetune.checkpoint.arrays import FloatArray
from viz.attention.views import AttentionView
from viz.attention.words import Span
from viz.attribution.descriptions import percent
from viz.comparison.alignment import Edit
from viz.comparison.descriptions import (
    change_ends,
    difference_title,
    head_summary,
    word_summary,
)
from viz.comparison.difference_maps import pick_difference
from viz.comparison.readings import ReadingComparison
from viz.figures.attention import MapBody
from viz.figures.bars import Bar, bars_height, draw_bars
from viz.figures.canvas import DETAILS, HEADING, NOTE, Canvas
from viz.figures.color_scale import SQUARE_ROOT_NOTE, ColorScale, color_scale_of, colormap_named
from viz.figures.colored_text import (
    LEGEND_HEIGHT,
    MAX_BARS,
    TEXT,
    TEXT_WIDTH,
    PlacedText,
    ScoreColors,
    draw_colored,
    draw_legend,
    ends_of_scale,
)
from viz.figures.comparison_kinds import ComparisonSpec
from viz.figures.grid import Labels, fit_grid
from viz.figures.layout import TextBlock, hatch_notes, titled_figure
from viz.figures.render_options import RenderOptions
from viz.figures.text.flow import Piece, flow
from viz.figures.text.fonts import Style, drawable, label
from viz.figures.text.missing_fonts import missing_fonts

MAX_CLASSES = 6
"""Classes that are listed."""
WORD_NOTE = "Words with → replace others, + are inserted, − are deleted."


def words_figure(spec: ComparisonSpec, options: RenderOptions) -> Figure:
    """Both texts as one in colored words, and the words that changed most as bars."""
    compared = spec.comparison
    notes = [WORD_NOTE] if compared.alignment.changed else []
    if compared.words is None:
        notes.append(compared.refused["words"])
    title = _title(spec, [*_classes(compared), *notes])
    return titled_figure(title, _WordsBody(compared), spec.citation(), dpi=options.dpi)


def distances_figure(spec: ComparisonSpec, options: RenderOptions) -> Figure:
    """The distance of each head from its counterpart, layers below each other."""
    heads = spec.comparison.require_heads()
    n_layers, n_heads = heads.distances.shape
    rows, columns = (
        tuple(
            Span(f"{letter}{index}", 0, 0, (), special=False, part=None) for index in range(count)
        )
        for letter, count in (("L", n_layers), ("H", n_heads))
    )
    weights = heads.distances[None, None].astype(np.float32)
    shown = AttentionView(rows, weights, np.zeros((1, 1, n_layers), np.float32), columns)
    largest = float(heads.distances.max()) or 1.0
    scale = ColorScale(colormap_named(options.colormap), Normalize(0, largest), "distance")
    grid = fit_grid(n_layers, n_heads, usual=360, largest=1000)
    body = MapBody(shown, Labels.of(shown, grid), scale, ("layer", "head"))
    title = _title(spec, ["all heads", head_summary(heads)])
    return titled_figure(title, body, spec.citation(), dpi=options.dpi)


def difference_figure(spec: ComparisonSpec, options: RenderOptions) -> Figure:
    """Where one head looks more in the second reading, or less."""
    compared = spec.comparison
    heads = compared.require_heads()
    shown = pick_difference(compared.differences(), spec.layer, spec.head)
    grid = fit_grid(*shown.weights.shape[2:], usual=480, largest=1000)
    scale = color_scale_of(shown, options.colormap)
    body = MapBody(shown, Labels.of(shown, grid), scale)
    name = difference_title(heads, spec.layer, spec.head)
    if spec.layer is not None and spec.head is not None:
        name += f", distance {heads.distances[spec.layer, spec.head]:.2f}"
    notes = [
        "Blue: looks at it more in the second reading, orange: less.",
        SQUARE_ROOT_NOTE,
        *hatch_notes(shown),
        *grid.notes,
    ]
    title = _title(spec, [name, *notes])
    return titled_figure(title, body, spec.citation(), dpi=options.dpi)


def _title(spec: ComparisonSpec, lines: list[str]) -> Iterator[tuple[str, Style]]:
    compared = spec.comparison
    yield spec.title, HEADING
    names = dict.fromkeys((compared.first.checkpoint, compared.second.checkpoint))
    yield " · ".join((lines[0], *names) if lines else names), DETAILS
    texts = [edit.label for edit in compared.alignment.edits]
    yield " ".join((*lines[1:], *missing_fonts([*texts, spec.title, *names]))), NOTE


def _classes(compared: ReadingComparison) -> list[str]:
    """The classes with both probabilities, in one line."""
    classes = compared.classes
    if classes is None or not classes.changes:
        return [] if classes is None else [*classes.notes]
    shown = ", ".join(
        f"{change.label} {_written(change.first)} → {_written(change.second)}"
        for change in classes.changes[:MAX_CLASSES]
    )
    more = len(classes.changes) - MAX_CLASSES
    return [shown + (f" and {more} more" if more > 0 else ""), *classes.notes]


def _written(probability: float | None) -> str:
    return "–" if probability is None else percent(probability)


@dataclass(frozen=True, slots=True)
class _WordsBody:
    compared: ReadingComparison

    @property
    def width(self) -> float:
        return TEXT_WIDTH

    @property
    def height(self) -> float:
        height = sum(text.height for text in self._texts())
        if self.compared.words is None:
            return height
        bars = self._strongest()
        height += LEGEND_HEIGHT + self._statement().height
        return height + (14 + bars_height(len(bars)) if bars else 0)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        for text in self._texts():
            draw_colored(canvas, text, self._scores, self._colors, x, y)
            y += text.height
        if self.compared.words is None:
            return
        draw_legend(canvas, self._colors, self._ends(), x, y)
        statement = self._statement()
        statement.draw(canvas, x, y + LEGEND_HEIGHT)
        below = y + LEGEND_HEIGHT + statement.height + 14
        draw_bars(canvas, self._strongest(), x, below, write=self._colors.format)

    @property
    def _edits(self) -> tuple[Edit, ...]:
        return self.compared.alignment.edits

    @property
    def _scores(self) -> FloatArray:
        words = self.compared.words
        if words is None:
            return np.zeros(len(self._edits))
        return np.array([change.difference for change in words.changes])

    @property
    def _colors(self) -> ScoreColors:
        words = self.compared.words
        sizes = [abs(change.difference) for change in words.most_changed] if words else []
        return ScoreColors(max(sizes, default=0.0) or 1.0, signed=True)

    def _texts(self) -> list[PlacedText]:
        texts = []
        for part in (0, 1):
            run = [
                Piece(drawable(word), (index,), number > 0 or self._is_spaced(edit))
                for index, edit in enumerate(self._edits)
                if edit.span.part == part
                for number, word in enumerate(edit.written().split())
            ]
            if run:
                texts.append(PlacedText(None, flow(run, TEXT, TEXT_WIDTH), 8 * part))
        return texts

    def _is_spaced(self, edit: Edit) -> bool:
        reading = self.compared.first if edit.second is None else self.compared.second
        text = reading.encoding.part_text(edit.span.part)
        is_changed = edit.written() != edit.span.label
        return is_changed or text[max(edit.span.start - 1, 0) : edit.span.start].isspace()

    def _statement(self) -> TextBlock:
        words = self.compared.words
        assert words is not None  # or nothing is stated
        lines = word_summary(words, self.compared.first.prediction).splitlines()
        return TextBlock.of([(line, DETAILS) for line in (*lines, *words.notes)], TEXT_WIDTH)

    def _ends(self) -> tuple[str, str]:
        """What stands at both ends of the color scale."""
        words = self.compared.words
        assert words is not None  # or there are no colors
        lowest, highest = map(label, change_ends(words, self.compared.first.prediction))
        return ends_of_scale(self._colors, lowest, highest)

    def _strongest(self) -> list[Bar]:
        words = self.compared.words
        changes = words.most_changed[:MAX_BARS] if words else []
        return [
            Bar(
                label(change.edit.label),
                change.difference,
                self._colors.bar(change.difference),
            )
            for change in changes
            if change.difference
        ]
