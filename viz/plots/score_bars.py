"""The scores of words as bars, as a plotly figure."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from html import escape

import numpy as np
import plotly.graph_objects as go

from viz.attention.views import Span
from viz.attribution.descriptions import decimals, quantity
from viz.colors import PALETTES, Theme
from viz.plots.style import apply_style
from viz.types import FloatArray

MAX_BARS = 20
MAX_LABEL_CHARS = 18
"""Longer labels are shortened."""
ZERO_WIDTH = "\u200b"


def score_bars(
    scores: FloatArray,
    spans: Sequence[Span],
    *,
    errors: FloatArray | None = None,
    signed: bool,
    regression: bool = False,
    theme: Theme = "light",
    most: int = MAX_BARS,
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
    apply_style(figure, palette, 60 + 22 * len(order))
    figure.update_layout(
        margin={"l": 8, "r": 48 if errors is None else 96, "t": 8, "b": 8}, bargap=0.35
    )
    return figure


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
    cut = label if len(label) <= MAX_LABEL_CHARS else label[: MAX_LABEL_CHARS - 1] + "…"
    return escape(cut, quote=False)
