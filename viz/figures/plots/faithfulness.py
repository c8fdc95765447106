"""How faithful each method is, against what it costs, as a plotly figure."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from viz.colors import PALETTES, Palette, Theme, mix
from viz.faithfulness.interval import Interval
from viz.faithfulness.record import FaithfulnessRecord, MethodScores
from viz.figures.plots.label_placement import LABEL_GAP, LabeledPoint, label_offsets
from viz.figures.plots.style import apply_style

MIN_WIDTH = 320
"""Pixels between the axes of the narrowest chart whose labels must not overlap."""
HEIGHT = 420
"""Pixels from its top to its bottom."""
LETTER_WIDTH = 6.2
"""Pixels of a letter in a label, on average."""
LINES = (0, 1)
"""Shares that are drawn as lines: random orders, and the best one."""


def faithfulness_chart(
    record: FaithfulnessRecord, operator: str, *, theme: Theme = "light"
) -> go.Figure:
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
    x_range, y_range = _ranges(shown)
    ticks = _ticks(_max_log_passes(shown))
    for label in _labels(shown, x_range, y_range):
        figure.add_annotation(
            label | {"font": {"size": 11, "color": palette.ink}, "arrowcolor": palette.muted}
        )
    for height, dash in zip(LINES, ("dot", "dash"), strict=True):
        figure.add_hline(height, line={"color": palette.muted, "width": 1, "dash": dash})
    figure.update_xaxes(
        type="log",
        range=x_range,
        title="forward passes per text",
        tickvals=ticks,
        ticktext=[f"{passes:,}" for passes in ticks],
        gridcolor=palette.line,
        zeroline=False,
    )
    figure.update_yaxes(
        range=y_range, title="random 0 · best found 1", gridcolor=palette.line, zeroline=False
    )
    margin = {"l": 56, "r": 8, "t": 8, "b": 52}
    apply_style(figure, palette, HEIGHT + margin["t"] + margin["b"])
    figure.update_layout(showlegend=False, margin=margin)
    return figure


MeasuredMethods = Sequence[tuple[MethodScores, Interval]]


def _points(
    shown: MeasuredMethods, operator: str, record: FaithfulnessRecord, palette: Palette
) -> go.Scatter:
    means, judge = np.array([share.mean for _, share in shown]), record.judge
    own = [one.method == record.default for one, _ in shown]
    colors = [palette.diverging[1] if default else palette.accent for default in own]
    hollow = [one.shares_operator in (operator, "both") for one, _ in shown]
    return go.Scatter(
        x=[_passes(one) for one, _ in shown],
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
        customdata=[
            [
                *(share.low, share.high, one.passes),
                _beside("NAOPC", one.under[operator].naopc)
                + _beside("by the twin", judge.share(one.method, operator) if judge else None),
            ]
            for one, share in shown
        ],
        text=[escape(one.label, quote=False) for one, _ in shown],
        hovertemplate="<b>%{text}</b><br>%{y:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f})"
        "<br>%{customdata[2]:,.0f} passes%{customdata[3]}<extra></extra>",
    )


def _beside(name: str, interval: Interval | None) -> str:
    """What the pointer adds: the same on another scale, or by another judge."""
    if interval is None:
        return ""
    return f"<br>{name} {interval.mean:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _passes(one: MethodScores) -> float:
    """Passes for a logarithmic axis; what comes with the reading still takes that."""
    return max(one.passes, 1.0)


def _max_log_passes(shown: MeasuredMethods) -> float:
    """How many passes the most expensive method takes, as a power of 10."""
    return max((math.log10(_passes(one)) for one, _ in shown), default=1.0)


def _ticks(max_log_passes: float) -> list[int]:
    """Powers of 10, or where all methods are quick, numbers between them too."""
    steps = (1, 2, 5) if max_log_passes < 1 else (1,)
    return [step * 10**power for power in range(math.ceil(max_log_passes) + 1) for step in steps]


def _ranges(shown: MeasuredMethods) -> tuple[list[float], list[float]]:
    """What the axes span: decades of passes, with room for labels to the right, and shares."""
    widest = max((len(one.label) * LETTER_WIDTH for one, _ in shown), default=0.0)
    right = (_max_log_passes(shown) + 0.15) / max(1 - (widest + 2 * LABEL_GAP) / MIN_WIDTH, 0.3)
    lowest = min((share.low for _, share in shown), default=0.0)
    return [-0.15, float(right)], [min(lowest, 0.0) - 0.05, 1.08]


def _labels(
    shown: MeasuredMethods, x_range: list[float], y_range: list[float]
) -> list[dict[str, object]]:
    """Annotations that name the points, none over another."""

    def height(share: float) -> float:
        return (y_range[1] - share) / (y_range[1] - y_range[0]) * HEIGHT

    points = [
        LabeledPoint(
            (np.log10(_passes(one)) - x_range[0]) / (x_range[1] - x_range[0]) * MIN_WIDTH,
            height(share.mean),
            len(one.label) * LETTER_WIDTH,
        )
        for one, share in shown
    ]
    offsets = label_offsets(points, [height(line) for line in LINES])
    return [
        {
            "x": float(np.log10(_passes(one))),
            "y": share.mean,
            "text": escape(one.label, quote=False),
            "xanchor": "left",
            "ax": LABEL_GAP if offset == 0 else LABEL_GAP + 4,
            "ay": offset,
            "showarrow": True,
            "arrowhead": 0,
            "arrowwidth": 0.6,
            "standoff": 5,
        }
        for (one, share), offset in zip(shown, offsets, strict=True)
    ]
