"""Horizontal bars of signed scores, each with its name and number."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from viz.colors import LIGHT
from viz.figures.canvas import HALF_CAP_HEIGHT, NOTE, Canvas
from viz.figures.text.fonts import Style, text_width

NAME = Style(8.5)
VALUE = Style(7.5, LIGHT.muted)
ROW_PITCH = 14
"""Points from one bar to the next."""
HEADING_HEIGHT = 18
"""Points that the name of the bars takes above them."""
NUMBER_WIDTH = 40
"""Points kept free for a number at the end of a bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its drawable name, its length, its color."""

    name: str
    score: float
    color: str


def bars_height(count: int) -> float:
    """Points that so many bars take, their heading included."""
    return HEADING_HEIGHT + count * ROW_PITCH if count else 0


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where zero is, how many points a score of 1 takes, and how scores are written."""

    zero: float
    unit: float
    write: Callable[[float], str]


def _axis(bars: Sequence[Bar], left: float, right: float, write: Callable[[float], str]) -> _Axis:
    """An axis between two places that leaves room for numbers at either end in use."""
    lowest = min(0.0, *(bar.score for bar in bars))
    highest = max(0.0, *(bar.score for bar in bars))
    before = NUMBER_WIDTH if lowest < 0 else 0
    unit = (right - left - before - NUMBER_WIDTH) / ((highest - lowest) or 1.0)
    return _Axis(left + before - lowest * unit, unit, write)


def draw_bars(
    canvas: Canvas, bars: Sequence[Bar], x: float, y: float, *, write: Callable[[float], str]
) -> None:
    """Draw the bars below `y` from `x` to the same distance from the right edge.

    Args:
        canvas: Where.
        bars: All of them.
        x: Of the left edge, in points.
        y: Of the upper edge.
        write: How a score is written.
    """
    if not bars:
        return
    names = x + max(math.ceil(text_width(bar.name, NAME)) for bar in bars)
    axis = _axis(bars, names + 8, canvas.width - x, write)
    canvas.text(x, y + NOTE.size, "strongest first", NOTE)
    y += HEADING_HEIGHT
    for row, bar in enumerate(bars):
        _draw_bar(canvas, bar, axis, names, y + row * ROW_PITCH)
    canvas.lines([[(axis.zero, y), (axis.zero, y + len(bars) * ROW_PITCH)]], LIGHT.muted)


def _draw_bar(canvas: Canvas, bar: Bar, axis: _Axis, names: float, y: float) -> None:
    height = ROW_PITCH - 4
    base = y + height / 2 + NAME.size * HALF_CAP_HEIGHT
    length = bar.score * axis.unit
    canvas.text(names, base, bar.name, NAME, align="right")
    canvas.box(axis.zero, y, length, height, bar.color)
    end = axis.zero + length + (4 if length >= 0 else -4)
    canvas.text(end, base, axis.write(bar.score), VALUE, align="left" if length >= 0 else "right")
