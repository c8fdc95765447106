"""The arcs: query tokens on the left, key tokens on the right, the strongest weights as curves."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.path import Path

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention.views import AttentionView
from viz.colors import LIGHT
from viz.figures.attention import AXIS
from viz.figures.canvas import HALF_CAP_HEIGHT, Canvas
from viz.figures.grid import GAP, Side
from viz.figures.layout import counted, figure_layout, view_notes
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec

MAX_ARCS = 400
COLUMN_GAP = 200
"""Points between the two columns."""
MAX_HEIGHT = 1200
"""Points of the longer column."""
PITCH = 13.5
"""Points from one token to the next, where they fit."""
MAX_LINE_WIDTH = 3.0
"""Points of the strongest arc."""


def arcs_figure(spec: FigureSpec, options: RenderOptions) -> Figure:
    """Curves from each token that looks to those it looks at; width and opacity say how much."""
    shown = spec.view()
    weights = shown.weights[0, 0]
    queries, keys = strongest_pairs(weights)
    pitch = min(PITCH, MAX_HEIGHT / max(weights.shape))
    size = min(max(0.62 * pitch, 5.0), 8.5)
    sides = Side.of(shown.spans, size), Side.of(shown.keys, size)
    body = _ArcsBody(weights, (queries, keys), sides, pitch, size)
    notes = [
        _drawn_share(weights, queries, keys),
        *_forbidden(shown),
        *view_notes(spec, shown),
    ]
    what = (spec.place, counted(spec, shown))
    return figure_layout(spec, body, shown=what, notes=notes, dpi=options.dpi)


def strongest_pairs(weights: FloatArray) -> tuple[IntArray, IntArray]:
    """The rows and the columns of the strongest weights that are not 0, the weakest first."""
    strength = np.abs(weights).ravel()
    order = np.argsort(strength, kind="stable")[-MAX_ARCS:]
    order = order[strength[order] > 0]
    rows, columns = np.divmod(order, weights.shape[1])
    return rows, columns


def _drawn_share(weights: FloatArray, queries: IntArray, keys: IntArray) -> str:
    """How many arcs there are, and what part of all weight they stand for."""
    total = float(np.abs(weights).sum(dtype=np.float64)) or 1.0
    drawn = float(np.abs(weights[queries, keys]).sum(dtype=np.float64))
    count = np.count_nonzero(weights)
    if count == len(queries):
        return f"All {count:,} arcs are drawn; width and opacity say how strong each is."
    return (
        f"The strongest {len(queries):,} of {count:,} arcs are drawn; they hold "
        f"{100 * drawn / total:.0f}% of the weight. Width and opacity say how "
        "strong each is."
    )


def _forbidden(shown: AttentionView) -> Iterator[str]:
    """How many pairs can have no arc."""
    if shown.impossible is not None:
        count, total = np.count_nonzero(shown.impossible), shown.impossible.size
        yield (
            f"{count:,} of {total:,} pairs of tokens can't have an arc: a causal mask or a window "
            "forbids them."
        )


@dataclass(frozen=True, slots=True)
class _ArcsBody:
    weights: FloatArray
    pairs: tuple[IntArray, IntArray]
    sides: tuple[Side, Side]
    pitch: float
    size: float

    @property
    def width(self) -> float:
        return self.sides[0].longest + self.sides[1].longest + 2 * GAP + COLUMN_GAP

    @property
    def height(self) -> float:
        return 16 + float(max(self.weights.shape)) * self.pitch

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        left = x + self.sides[0].longest + GAP
        right, top = left + COLUMN_GAP, y + 16
        canvas.text(left - GAP, y + AXIS.size, "query", AXIS, align="right")
        canvas.text(right + GAP, y + AXIS.size, "key", AXIS)
        self._draw_curves(canvas, left, right, top)
        for side, at, end in zip(self.sides, (left - GAP, right + GAP), (True, False), strict=True):
            for index in range(0, len(side.texts), math.ceil(self.size * 1.2 / self.pitch)):
                base = top + (index + 0.5) * self.pitch + self.size * HALF_CAP_HEIGHT
                style = side.style(index, self.size)
                canvas.text(at, base, side.texts[index], style, align="right" if end else "left")

    def _draw_curves(self, canvas: Canvas, left: float, right: float, top: float) -> None:
        strength = self.weights[self.pairs]
        if not len(strength):
            return
        share = np.abs(strength) / float(np.abs(strength).max())
        ends = [top + (side + 0.5) * self.pitch for side in self.pairs]
        paths = [_curve(left, right, start, end) for start, end in zip(*ends, strict=True)]
        inks = [
            to_rgb(LIGHT.diverging[0] if value < 0 else LIGHT.diverging[-1]) for value in strength
        ]
        colors = [(*ink, 0.08 + 0.82 * part) for ink, part in zip(inks, share, strict=True)]
        canvas.curves(paths, colors, list(0.35 + (MAX_LINE_WIDTH - 0.35) * share))


def _curve(left: float, right: float, start: float, end: float) -> Path:
    middle = (left + right) / 2
    points = [(left, start), (middle, start), (middle, end), (right, end)]
    return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
