"""Records to plotly figures; nothing here knows Streamlit."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from viz.attribution.wording import number
from viz.colors import PALETTES, Palette, Theme
from viz.types import FloatArray
from viz.words import Span

LABEL_LENGTH = 18
"""Longer labels are shortened."""
ZERO_WIDTH = "\u200b"


def score_bars(
    scores: FloatArray,
    spans: Sequence[Span],
    *,
    errors: FloatArray | None = None,
    signed: bool,
    theme: Theme = "light",
    most: int = 20,
) -> go.Figure:
    """The strongest words as bars with their exact scores, strongest on top.

    Args:
        scores: (n,)
        spans: The n words or tokens.
        errors: (n,), standard errors of the scores, written beside them.
        signed: Whether scores speak for and against the class.
        theme: Whose colours to use.
        most: How many bars at most.
    """
    palette = PALETTES[theme]
    order = np.argsort(-np.abs(scores), kind="stable")[:most]
    names = _names([spans[index] for index in order])
    positive, negative = palette.diverging[-2], palette.diverging[1]
    figure = go.Figure(
        go.Bar(
            x=scores[order],
            y=names,
            orientation="h",
            marker={"color": [positive if score >= 0 else negative for score in scores[order]]},
            text=[_written(index, scores, errors, signed=signed) for index in order],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="<b>%{y}</b><br>%{x:.6f}<extra></extra>",
        )
    )
    figure.update_yaxes(
        type="category", autorange="reversed", automargin=True, nticks=most, ticks=""
    )
    figure.update_xaxes(visible=False)
    _dress(figure, palette, 60 + 22 * len(order))
    figure.update_layout(
        margin={"l": 8, "r": 48 if errors is None else 96, "t": 8, "b": 8}, bargap=0.35
    )
    return figure


def agreement_map(
    agreement: FloatArray, names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Who agrees with whom, as a heat map with its numbers.

    Args:
        agreement: (M, M), -1 to 1.
        names: What the M methods are called.
        theme: Whose colours to use.
    """
    palette = PALETTES[theme]
    labels = [escape(name, quote=False) for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=agreement,
            x=labels,
            y=labels,
            zmin=-1,
            zmax=1,
            colorscale=_plotly_scale(palette.diverging),
            xgap=2,
            ygap=2,
            texttemplate="%{z:.1f}",
            hovertemplate="%{y}<br>%{x}<br><b>%{z:.3f}</b><extra></extra>",
            colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.6},
        )
    )
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False, ticks="")
    figure.update_xaxes(automargin=True, showgrid=False, ticks="", tickangle=-45)
    _dress(figure, palette, 150 + 28 * len(labels))
    return figure


def _plotly_scale(colors: Sequence[str]) -> list[list[object]]:
    return [[place / (len(colors) - 1), color] for place, color in enumerate(colors)]


def _written(index: int, scores: FloatArray, errors: FloatArray | None, *, signed: bool) -> str:
    score = number(scores[index], 3) if signed else f"{scores[index]:.3f}"
    return score if errors is None else f"{score} ± {errors[index]:.3f}"


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


def _dress(figure: go.Figure, palette: Palette, height: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": palette.ink, "family": "Source Sans, sans-serif"},
        hoverlabel={"bgcolor": palette.ground, "font": {"color": palette.ink}},
    )
