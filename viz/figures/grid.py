"""How large a map is drawn, and the token labels along its sides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from viz.attention.views import AttentionView
from viz.attention.words import Span
from viz.colors import LIGHT
from viz.figures.canvas import HALF_CAP_HEIGHT, Canvas
from viz.figures.render_options import RenderOptions
from viz.figures.text.fonts import MEASURING_DPI, Style, label, text_width

GAP = 5
"""Points between a map and its labels."""
DOT = 72 / MEASURING_DPI
"""Points of a dot at the usual resolution: a cell is as many dots at its side."""
SMALLEST_CELL = 6.4
"""Points of a cell where they fit, in which a label can be read."""
STRONGEST_NOTE = "A dot that stands for several numbers shows the strongest."


@dataclass(frozen=True, slots=True)
class CellGrid:
    """How large a map of `rows` x `columns` tokens is drawn."""

    rows: int
    columns: int
    pitch: float
    """Points from one token to the next."""

    @property
    def width(self) -> float:
        """Points of the map."""
        return self.columns * self.pitch

    @property
    def height(self) -> float:
        """Points of the map."""
        return self.rows * self.pitch

    def dots(self, options: RenderOptions) -> tuple[int, int]:
        """How many rows and columns of dots there are for the map, at least one of each."""
        dpi = options.map_dpi or options.dpi
        return max(1, round(self.height * dpi / 72)), max(1, round(self.width * dpi / 72))

    @property
    def notes(self) -> list[str]:
        """What a reader must know of a map with more tokens than dots at the usual resolution."""
        finer = self.pitch < DOT
        return [STRONGEST_NOTE] if finer else []

    @property
    def label_size(self) -> float:
        """Points of a token label."""
        return min(max(0.72 * self.pitch, 5.0), 9.0)

    @property
    def step(self) -> int:
        """Every `step`-th token is labeled, so that no two labels touch."""
        return math.ceil(self.label_size * 1.2 / self.pitch)


def fit_grid(
    rows: int, columns: int, *, usual: float, largest: float, smallest: float = SMALLEST_CELL
) -> CellGrid:
    """The grid of a map that is `usual` points wide, and never more than `largest`.

    At the usual resolution cells are whole dots: at least `smallest` points while the map stays
    within `largest`, and several tokens to a dot where there is no other way.
    """
    count = max(rows, columns)
    limit = largest / DOT
    cell = max(min(round(usual / DOT / count), round(40 / DOT)), round(smallest / DOT))
    cell = max(cell, math.ceil(min(usual, 130) / DOT / count))
    if cell * count > limit:
        cell = int(limit) // count
    pitch = cell if cell else 1 / math.ceil(count / limit)
    return CellGrid(rows, columns, pitch * DOT)


@dataclass(frozen=True, slots=True)
class Side:
    """The token labels along one side of a map."""

    texts: tuple[str, ...]
    special: tuple[bool, ...]
    longest: float
    """Points of the longest label."""

    @classmethod
    def of(cls, spans: Sequence[Span], size: float) -> "Side":
        """Labels of this size, shortened where they are long."""
        texts = tuple(label(span.label) for span in spans)
        longest = math.ceil(max(text_width(text, Style(size)) for text in texts))
        return cls(texts, tuple(span.special for span in spans), longest)

    def style(self, index: int, size: float) -> Style:
        """Special tokens stand back."""
        return Style(size, LIGHT.muted if self.special[index] else LIGHT.ink)


@dataclass(frozen=True, slots=True)
class Labels:
    """The token labels along the two sides of a map."""

    grid: CellGrid
    rows: Side
    columns: Side

    @classmethod
    def of(cls, shown: AttentionView, grid: CellGrid) -> "Labels":
        """The labels of a view."""
        rows = Side.of(shown.spans, grid.label_size)
        same = shown.keys == shown.spans
        return cls(grid, rows, rows if same else Side.of(shown.keys, grid.label_size))

    @property
    def across(self) -> bool:
        """Whether the labels fit below their columns without being turned."""
        return self.columns.longest + 6 <= self.grid.pitch

    @property
    def left(self) -> float:
        """Points they take to the left of the map."""
        return self.rows.longest + GAP

    @property
    def below(self) -> float:
        """Points they take below the map."""
        return (self.grid.label_size if self.across else self.columns.longest) + GAP

    def _places(self, count: int) -> list[tuple[int, float]]:
        return [(at, (at + 0.5) * self.grid.pitch) for at in range(0, count, self.grid.step)]

    def draw_left(self, canvas: Canvas, x: float, y: float) -> None:
        """Label the rows of a map whose top left corner is at (x, y)."""
        size, ticks = self.grid.label_size, []
        for index, place in self._places(self.grid.rows):
            style, base = self.rows.style(index, size), y + place + size * HALF_CAP_HEIGHT
            canvas.text(x - GAP, base, self.rows.texts[index], style, align="right")
            ticks.append(((x, y + place), (x - GAP / 2, y + place)))
        self._draw_ticks(canvas, ticks)

    def draw_below(self, canvas: Canvas, x: float, y: float) -> None:
        """Label the columns of a map whose bottom left corner is at (x, y)."""
        size, ticks = self.grid.label_size, []
        for index, place in self._places(self.grid.columns):
            text, style = self.columns.texts[index], self.columns.style(index, size)
            if self.across:
                canvas.text(x + place, y + GAP + size * 0.8, text, style, align="center")
            else:
                across = x + place + size * HALF_CAP_HEIGHT
                canvas.text(across, y + GAP, text, style, align="right", turn=90)
            ticks.append(((x + place, y), (x + place, y + GAP / 2)))
        self._draw_ticks(canvas, ticks)

    def _draw_ticks(
        self, canvas: Canvas, ticks: list[tuple[tuple[float, float], tuple[float, float]]]
    ) -> None:
        """Tie labels to their tokens where not every token has one."""
        if self.grid.step > 1:
            canvas.lines(ticks, LIGHT.muted)
