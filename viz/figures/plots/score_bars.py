"""The scores of words as bars, as a plotly figure."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span
from viz.attribution.descriptions import decimals, quantity, share_of_strongest
from viz.colors import PALETTES, Theme
from viz.figures.plots.style import apply_style

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
    relative: bool = False,
    regression: bool = False,
    theme: Theme = "light",
    most: int = MAX_BARS,
    label_chars: int = MAX_LABEL_CHARS,
) -> go.Figure:
    """The strongest words as bars with their exact scores, strongest on top.

    Args:
        scores: (n,)
        spans: The n words or tokens.
        errors: (n,), standard errors of the scores, written beside them.
        signed: Whether scores speak for and against the class.
        relative: Whether they are written as percentages of the strongest word's.
        regression: Whether they are parts of a predicted score, in its unit.
        theme: Whose colors to use.
        most: How many bars at most.
        label_chars: Characters of a label at most; longer ones are shortened.
    """
    palette = PALETTES[theme]
    strongest = float(np.abs(scores[[not span.special for span in spans]]).max(initial=0.0))
    digits = decimals(float(np.abs(scores).max(initial=0.0)))
    order = np.argsort(-np.abs(scores), kind="stable")[:most]

    def write(value: float, *, signed: bool) -> str:
        if relative:
            return share_of_strongest(value, strongest, signed=signed)
        return quantity(value, digits, signed=signed, regression=regression)

    labels = [write(score, signed=signed) for score in scores[order]]
    if errors is not None:
        written = [write(error, signed=False) for error in errors[order]]
        labels = [f"{label} ± {error}" for label, error in zip(labels, written, strict=True)]
    exact = "%{text}" if relative else "%{x:.6g}" if regression else "%{x:.6f}"
    positive, negative = palette.diverging[-2], palette.diverging[1]
    figure = go.Figure(
        go.Bar(
            x=scores[order],
            y=_unique_labels([spans[index] for index in order], label_chars),
            orientation="h",
            marker={"color": [positive if score >= 0 else negative for score in scores[order]]},
            text=labels,
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


def _unique_labels(spans: Sequence[Span], label_chars: int) -> list[str]:
    """A label for each position, all different: plotly would lay two words `the` on one row.

    Invisible characters tell them apart, so that plotly can still drop labels where they would
    overlap, which it does for its own labels only.
    """
    seen: Counter[str] = Counter()
    labels = []
    for span in spans:
        label = " ".join(span.label.split()) or span.label
        if len(label) > label_chars:
            label = label[: label_chars - 1] + "…"
        label = escape(label, quote=False)  # plotly would take it for markup
        labels.append(label + ZERO_WIDTH * seen[label])
        seen[label] += 1
    return labels
