"""A table as it stands on pages of paper: columns that fit, cells on lines, bars."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.data.tables.safe_text import printable
from viz.colors import LIGHT
from viz.export.audit_report.document import Bar, Cell, Table
from viz.figures.canvas import LEADING, Canvas
from viz.figures.text.fonts import Style, drawable, text_width
from viz.figures.text.line_wrap import wrap

CELL = Style(7.5)
HEAD = Style(7, LIGHT.muted, weight="bold")
PAD = 4.0
"""Points left free at each side of a cell."""
BAR_WIDTH, BAR_HEIGHT = 40.0, 6.0
ROUNDING = 0.1
"""Points by which a column is wider than what fits into it."""
MAX_LINES = 8
"""Of a cell; what is longer is cut."""
MAX_WORD_WIDTH = 110.0
"""Points of a word that is not broken to make room for other columns."""


@dataclass(frozen=True)
class PdfTable:
    """A table laid out in so many points of width."""

    table: Table
    max_width: float

    @cached_property
    def widths(self) -> FloatArray:
        """Points of each column: what its cells need on one line, or less where that is too much.

        Wide columns give way first, long texts less than others, and words are broken last.
        """
        least, most = (self._needed(whole=whole) for whole in (False, True))
        if most.sum() <= self.max_width:
            return most
        if least.sum() >= self.max_width:
            shrunk: FloatArray = least * self.max_width / least.sum()
            return shrunk
        weights = np.array([3.0 if each.kind == "long" else 1.0 for each in self.table.columns])
        low, high = 0.0, self.max_width
        for _ in range(40):
            middle = (low + high) / 2
            fits = np.clip(middle * weights, least, most).sum() <= self.max_width
            low, high = (middle, high) if fits else (low, middle)
        fitting: FloatArray = np.clip(low * weights, least, most)
        return fitting

    def _needed(self, *, whole: bool) -> FloatArray:
        """Points of each column for whole cells, or for their longest word."""
        columns = self.table.columns
        needed = [_width(column.name, HEAD, whole=whole) for column in columns]
        for row in self.table.rows:
            for place, cell in enumerate(row):
                text, indent = _content(cell)
                width = _width(text, CELL, whole=whole or isinstance(cell, Bar))
                needed[place] = max(needed[place], width + indent)
        return np.array(needed) + 2 * PAD + ROUNDING

    @cached_property
    def head(self) -> list[list[str]]:
        """The lines of each name of a column."""
        names = [column.name for column in self.table.columns]
        return [
            _lines(name, HEAD, width - 2 * PAD)
            for name, width in zip(names, self.widths, strict=True)
        ]

    @cached_property
    def rows(self) -> list[list[list[str]]]:
        """The lines of each cell of each row."""
        return [
            [
                _lines(_content(cell)[0], CELL, width - 2 * PAD - _content(cell)[1])
                for cell, width in zip(row, self.widths, strict=True)
            ]
            for row in self.table.rows
        ]

    @cached_property
    def scales(self) -> list[tuple[float, bool]]:
        """The longest bar of each column, and whether some go to the left."""
        places = range(len(self.table.columns))
        return [(self.table.largest(place), self.table.is_signed(place)) for place in places]

    @property
    def head_height(self) -> float:
        """Points."""
        return _height(self.head, HEAD)

    def row_height(self, row: int) -> float:
        """Points."""
        return _height(self.rows[row], CELL)

    def draw_head(self, canvas: Canvas, x: float, y: float) -> None:
        """Set the names of the columns below (x, y)."""
        self._draw(canvas, self.head, HEAD, x, y)
        self._draw_line(canvas, x, y + self.head_height)

    def draw_row(self, canvas: Canvas, row: int, x: float, y: float) -> None:
        """Set a row below (x, y)."""
        indents = [_content(cell)[1] for cell in self.table.rows[row]]
        self._draw(canvas, self.rows[row], CELL, x, y, indents)
        left = x + PAD
        for cell, width, scale in zip(self.table.rows[row], self.widths, self.scales, strict=True):
            if isinstance(cell, Bar):
                _draw_bar(canvas, cell, left, y + PAD, *scale)
            left += width
        self._draw_line(canvas, x, y + self.row_height(row))

    def _draw(
        self,
        canvas: Canvas,
        cells: list[list[str]],
        style: Style,
        x: float,
        y: float,
        indents: list[float] | None = None,
    ) -> None:
        for place, (lines, width) in enumerate(zip(cells, self.widths, strict=True)):
            indent = 0.0 if indents is None else indents[place]
            to_right = self.table.columns[place].kind == "number"
            left = x + width - PAD if to_right else x + PAD + indent
            for number, line in enumerate(lines):
                base = y + PAD + style.size * (1 + number * LEADING)
                canvas.text(left, base, line, style, align="right" if to_right else "left")
            x += width

    def _draw_line(self, canvas: Canvas, x: float, y: float) -> None:
        canvas.lines([[(x, y), (x + float(self.widths.sum()), y)]], LIGHT.line)


def _draw_bar(canvas: Canvas, bar: Bar, x: float, y: float, largest: float, signed: bool) -> None:
    zero, unit = (x + BAR_WIDTH / 2, BAR_WIDTH / 2) if signed else (x, BAR_WIDTH)
    length = unit * bar.value / largest
    color = LIGHT.diverging[1] if bar.value < 0 else LIGHT.diverging[-2]
    canvas.box(zero + min(length, 0), y + 1, abs(length), BAR_HEIGHT, color)
    canvas.lines([[(zero, y), (zero, y + BAR_HEIGHT + 2)]], LIGHT.muted)


def _content(cell: Cell) -> tuple[str, float]:
    """The text of a cell, and the points that its bar takes before it."""
    return (cell.text, BAR_WIDTH + PAD) if isinstance(cell, Bar) else (cell, 0.0)


def _width(text: str, style: Style, *, whole: bool) -> float:
    """Points of a text on one line, or of its longest word."""
    shown = drawable(printable(text))
    if whole:
        return text_width(shown, style)
    longest = max((text_width(word, style) for word in shown.split(" ")), default=0.0)
    return min(longest, MAX_WORD_WIDTH)


def _lines(text: str, style: Style, max_width: float) -> list[str]:
    """Lines that fit; a mark where they are cut."""
    return cut(wrap(printable(text), style, max(max_width, style.size)), MAX_LINES)


def cut(lines: list[str], most: int) -> list[str]:
    """The first lines, and a mark where there are more."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][:-1]}…"]


def _height(cells: list[list[str]], style: Style) -> float:
    most = max((len(lines) for lines in cells), default=1)
    return max(most, 1) * style.size * LEADING + 2 * PAD
