"""How large a map of attention weights is drawn, and the token labels along its sides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from viz.colors import LIGHT
from viz.export.fonts import Style, label, width
from viz.export.page import MIDDLE, Page, pixels
from viz.types import FloatArray
from viz.words import Span

GAP = 5
"""Points between a map and its labels."""


@dataclass(frozen=True, slots=True)
class Grain:
    """How large a map of `count` tokens is drawn."""

    count: int
    pool: int
    """Tokens on a side of one cell; above 1, a cell holds the largest weight in it."""
    cell: int
    """Pixels on a side of one cell."""
    dpi: float

    @property
    def pitch(self) -> float:
        """Pixels from one token to the next."""
        return self.cell / self.pool

    @property
    def side(self) -> int:
        """Pixels on a side of the map."""
        return self.cell * math.ceil(self.count / self.pool)

    @property
    def label_size(self) -> float:
        """Points of a token label."""
        return min(max(0.72 * self.pitch * 72 / self.dpi, 5.0), 9.0)

    @property
    def step(self) -> int:
        """Every `step`-th token is labelled, so that no two labels touch."""
        return math.ceil(pixels(self.label_size * 1.2, self.dpi) / self.pitch)


def grain(count: int, dpi: float, *, usual: float, largest: float, smallest: float = 6.4) -> Grain:
    """The grain of a map that is `usual` points wide, and never more than `largest`.

    Cells are whole pixels: at least `smallest` points while the map stays within `largest`.
    """
    limit = pixels(largest, dpi)
    cell = max(min(pixels(usual / count, dpi), pixels(40, dpi)), pixels(smallest, dpi))
    cell = max(cell, math.ceil(pixels(min(usual, 130), dpi) / count))
    if cell * count > limit:
        cell = limit // count
    return Grain(count, 1, cell, dpi) if cell else Grain(count, math.ceil(count / limit), 1, dpi)


def pooled(weights: FloatArray, size: int) -> FloatArray:
    """The largest weight in each square of `size` x `size`.  (..., n, n) -> (..., m, m)"""
    if size == 1:
        return weights
    starts = np.arange(0, weights.shape[-1], size)
    rows = np.maximum.reduceat(weights, starts, axis=-2)
    return np.asarray(np.maximum.reduceat(rows, starts, axis=-1), dtype=weights.dtype)


@dataclass(frozen=True, slots=True)
class Labels:
    """The token labels along the two sides of a map."""

    texts: tuple[str, ...]
    special: tuple[bool, ...]
    grain: Grain
    longest: int
    """Pixels of the longest label."""

    @property
    def across(self) -> bool:
        """Whether the labels fit below their columns without being turned."""
        return self.longest + pixels(6, self.grain.dpi) <= self.grain.pitch

    @property
    def left(self) -> int:
        """Pixels they take to the left of the map."""
        return self.longest + pixels(GAP, self.grain.dpi)

    @property
    def below(self) -> int:
        """Pixels they take below the map."""
        deep = pixels(self.grain.label_size, self.grain.dpi) if self.across else self.longest
        return deep + pixels(GAP, self.grain.dpi)

    def _style(self, index: int) -> Style:
        color = LIGHT.muted if self.special[index] else LIGHT.ink
        return Style(self.grain.label_size, color)

    def _places(self) -> list[tuple[int, float]]:
        step, pitch = self.grain.step, self.grain.pitch
        return [(index, (index + 0.5) * pitch) for index in range(0, len(self.texts), step)]

    def draw_left(self, page: Page, x: int, y: int) -> None:
        """Label the rows of a map whose top left corner is at (x, y)."""
        gap, drop = pixels(GAP, page.dpi), pixels(self.grain.label_size * MIDDLE, page.dpi)
        for index, place in self._places():
            style = self._style(index)
            page.text(x - gap, y + place + drop, self.texts[index], style, align="right")
            self._tick(page, (x, x - gap / 2), (y + place, y + place))

    def draw_below(self, page: Page, x: int, y: int) -> None:
        """Label the columns of a map whose bottom left corner is at (x, y)."""
        gap, size = pixels(GAP, page.dpi), pixels(self.grain.label_size, page.dpi)
        for index, place in self._places():
            text, style = self.texts[index], self._style(index)
            if self.across:
                page.text(x + place, y + gap + size, text, style, align="center")
            else:
                side = x + place + size * MIDDLE
                page.text(side, y + gap, text, style, align="right", turn=90)
            self._tick(page, (x + place, x + place), (y, y + gap / 2))

    def _tick(self, page: Page, xs: tuple[float, float], ys: tuple[float, float]) -> None:
        """Mark the labelled token where not all tokens are."""
        if self.grain.step > 1:
            page.line(xs, ys)


def labels(spans: Sequence[Span], over: Grain) -> Labels:
    """The labels of `spans` at the size that fits the map."""
    texts = tuple(label(span.label) for span in spans)
    style = Style(over.label_size)
    longest = max(math.ceil(width(text, style, over.dpi)) for text in texts[:: over.step])
    return Labels(texts, tuple(span.special for span in spans), over, longest)
