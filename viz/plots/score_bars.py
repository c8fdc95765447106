"""Records to plotly figures; nothing here knows Streamlit."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

import numpy as np
import plotly.graph_objects as go

from viz.attention.views import Span
from viz.attribution.descriptions import decimals, quantity
from viz.colors import PALETTES, Palette, Theme, mix
from viz.faithfulness.record import Interval, Record, Scored
from viz.types import FloatArray

LABEL_LENGTH = 18
"""Longer labels are shortened."""
ZERO_WIDTH = "\u200b"
NARROW = 320
"""Pixels between the axes of the narrowest chart whose labels must not overlap."""
TALL = 420
"""Pixels from its top to its bottom."""
LINE = 14
"""Height of a label in pixels."""
LETTER = 6.2
"""Width of a letter in it, on average."""
MOST_BARS = 20
"""Words that are drawn as bars."""
BESIDE = 9
"""Pixels from a point to its label."""


def score_bars(
    scores: FloatArray,
    spans: Sequence[Span],
    *,
    errors: FloatArray | None = None,
    signed: bool,
    regression: bool = False,
    theme: Theme = "light",
    most: int = MOST_BARS,
) -> go.Figure:
    """The strongest words as bars with their exact scores, strongest on top.

    Args:
        scores: (n,)
        spans: The n words or tokens.
        errors: (n,), standard errors of the scores, written beside them.
        signed: Whether scores speak for and against the class.
        regression: Whether they are parts of a predicted score, in its unit.
        theme: Whose colours to use.
        most: How many bars at most.
    """
    palette = PALETTES[theme]
    places = decimals(float(np.abs(scores).max(initial=0.0)))
    write = partial(_written, scores, errors, places, signed=signed, regression=regression)
    exact = "%{x:.6g}" if regression else "%{x:.6f}"
    order = np.argsort(-np.abs(scores), kind="stable")[:most]
    names = _names([spans[index] for index in order])
    positive, negative = palette.diverging[-2], palette.diverging[1]
    figure = go.Figure(
        go.Bar(
            x=scores[order],
            y=names,
            orientation="h",
            marker={"color": [positive if score >= 0 else negative for score in scores[order]]},
            text=[write(index) for index in order],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"<b>%{{y}}</b><br>{exact}<extra></extra>",
        )
    )
    figure.update_yaxes(
        type="category", autorange="reversed", automargin=True, nticks=most, ticks=""
    )
    figure.update_xaxes(visible=False)
    dress(figure, palette, 60 + 22 * len(order))
    figure.update_layout(
        margin={"l": 8, "r": 48 if errors is None else 96, "t": 8, "b": 8}, bargap=0.35
    )
    return figure


def faithfulness_chart(record: Record, operator: str, *, theme: Theme = "light") -> go.Figure:
    """How faithful each method is under one operator, against what it costs, with intervals.

    Hollow points are of methods that hide words with this operator themselves.
    """
    palette = PALETTES[theme]
    shown = [
        (one, share)
        for one in record.methods
        if operator in one.under and (share := one.under[operator].share) is not None
    ]
    figure = go.Figure([_points(shown, operator, record, palette)])
    wide, tall = _ranges(shown)
    powers = [10**power for power in range(math.ceil(_dearest(shown)) + 1)]
    for label in _labels(shown, wide, tall):
        figure.add_annotation(
            label | {"font": {"size": 11, "color": palette.ink}, "arrowcolor": palette.muted}
        )
    for height, dash in ((0, "dot"), (1, "dash")):
        figure.add_hline(height, line={"color": palette.muted, "width": 1, "dash": dash})
    figure.update_xaxes(
        type="log",
        range=wide,
        title="forward passes for a text",
        tickvals=powers,
        ticktext=[f"{power:,}" for power in powers],
        gridcolor=palette.line,
        zeroline=False,
    )
    figure.update_yaxes(
        range=tall, title="random 0 · best found 1", gridcolor=palette.line, zeroline=False
    )
    margin = {"l": 56, "r": 8, "t": 8, "b": 52}
    dress(figure, palette, TALL + margin["t"] + margin["b"])
    figure.update_layout(showlegend=False, margin=margin)
    return figure


Shown = Sequence[tuple[Scored, Interval]]


def _points(shown: Shown, operator: str, record: Record, palette: Palette) -> go.Scatter:
    means = np.array([share.mean for _, share in shown])
    own = [one.method == record.default for one, _ in shown]
    colors = [palette.diverging[1] if default else palette.accent for default in own]
    hollow = [one.shares_operator in (operator, "both") for one, _ in shown]
    return go.Scatter(
        x=[_cost(one) for one, _ in shown],
        y=means,
        mode="markers",
        error_y={
            "type": "data",
            "array": [share.high for _, share in shown] - means,
            "arrayminus": means - [share.low for _, share in shown],
            "color": mix((palette.ground, palette.muted), 0.6),
            "thickness": 1,
            "width": 0,
        },
        marker={
            "size": 9,
            "color": [
                palette.ground if open else color
                for open, color in zip(hollow, colors, strict=True)
            ],
            "line": {"color": colors, "width": 2},
        },
        customdata=[[share.low, share.high, one.passes] for one, share in shown],
        text=[escape(one.label, quote=False) for one, _ in shown],
        hovertemplate="<b>%{text}</b><br>%{y:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f})"
        "<br>%{customdata[2]:,.0f} passes<extra></extra>",
    )


def _cost(one: Scored) -> float:
    """Passes for a logarithmic axis; what comes with the reading still takes that."""
    return max(one.passes, 1.0)


def _dearest(shown: Shown) -> float:
    """How dear the dearest method is, as a power of 10."""
    return max((math.log10(_cost(one)) for one, _ in shown), default=1.0)


def _ranges(shown: Shown) -> tuple[list[float], list[float]]:
    """What the axes span: decades of passes, with room for labels to the right, and shares."""
    widest = max((len(one.label) * LETTER for one, _ in shown), default=0.0)
    room = (_dearest(shown) + 0.15) / max(1 - (widest + 2 * BESIDE) / NARROW, 0.3)
    lowest = min((share.low for _, share in shown), default=0.0)
    return [-0.15, float(room)], [min(lowest, 0.0) - 0.05, 1.08]


def _labels(shown: Shown, wide: list[float], tall: list[float]) -> list[dict[str, object]]:
    """Annotations that name the points, none over another."""
    places = [
        Place(
            (np.log10(_cost(one)) - wide[0]) / (wide[1] - wide[0]) * NARROW,
            (tall[1] - share.mean) / (tall[1] - tall[0]) * TALL,
            len(one.label) * LETTER,
        )
        for one, share in shown
    ]
    return [
        {
            "x": float(np.log10(_cost(one))),
            "y": share.mean,
            "text": escape(one.label, quote=False),
            "xanchor": "left",
            "ax": BESIDE if shift == 0 else BESIDE + 4,
            "ay": shift,
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 0.6,
            "standoff": 5,
        }
        for (one, share), shift in zip(shown, label_shifts(places), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point is, in pixels from the upper left, and how wide its label is."""

    x: float
    y: float
    width: float

    def over(self, other: "Place", shift: float, other_shift: float) -> bool:
        """Whether both labels, each moved down by its shift, would overlap."""
        apart = abs((self.y + shift) - (other.y + other_shift))
        left, right = sorted((self, other), key=lambda place: place.x)
        return apart < LINE and right.x - left.x < left.width + BESIDE

    def hides(self, other: "Place", shift: float) -> bool:
        """Whether the label, moved down by its shift, would lie on another point."""
        beside = BESIDE / 2 < other.x - self.x < self.width + BESIDE
        return beside and abs(self.y + shift - other.y) < LINE * 0.75


def label_shifts(places: Sequence[Place]) -> list[float]:
    """How far down each label goes, which stands to the right of its point, so that all are free.

    Labels that are free of each other stay so on a wider chart: points move apart, labels do not
    grow.
    """
    placed: dict[int, float] = {}
    steps = [0.0] + [sign * LINE * step / 2 for step in range(1, 80) for sign in (1, -1)]
    for index in sorted(range(len(places)), key=lambda index: places[index].y):
        own = places[index]
        free = (
            shift
            for shift in steps
            if not any(own.over(places[other], shift, placed[other]) for other in placed)
            and not any(own.hides(place, shift) for place in places if place is not own)
        )
        # Of hundreds of points in one place, the last labels lie on others.
        placed[index] = next(free, 0.0)
    return [placed[index] for index in range(len(places))]


def _written(
    scores: FloatArray,
    errors: FloatArray | None,
    places: int,
    index: int,
    *,
    signed: bool,
    regression: bool,
) -> str:
    score = quantity(scores[index], places, signed=signed, regression=regression)
    if errors is None:
        return score
    return f"{score} ± {quantity(errors[index], places, signed=False, regression=regression)}"


def _names(spans: Sequence[Span]) -> list[str]:
    """A label for each position, all different: plotly would lay two words `the` on one row.

    Invisible characters tell them apart, so that plotly can still drop labels where they would
    overlap, which it does for its own labels only.
    """
    seen: Counter[str] = Counter()
    names = []
    for span in spans:
        label = _short(span.label)
        names.append(label + ZERO_WIDTH * seen[label])
        seen[label] += 1
    return names


def _short(label: str) -> str:
    """A label that fits an axis, as text that plotly takes for text."""
    cut = label if len(label) <= LABEL_LENGTH else label[: LABEL_LENGTH - 1] + "…"
    return escape(cut, quote=False)


def dress(figure: go.Figure, palette: Palette, height: int) -> None:
    """Give a figure the page's colours and font."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": palette.ink, "family": "Source Sans, sans-serif"},
        hoverlabel={"bgcolor": palette.ground, "font": {"color": palette.ink}},
    )
