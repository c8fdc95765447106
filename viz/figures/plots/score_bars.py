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
DIGIT_WIDTH, NUMBER_MARGIN = 7, 10
"""CSS pixels of a digit beside a bar, and of the room around the number."""
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

    Numbers stand to the right of bar and zero, where no picture is too narrow for them and no word
    stands.

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
    names = _unique_labels([spans[index] for index in order], label_chars)
    figure = go.Figure(
        go.Bar(
            x=scores[order],
            y=names,
            orientation="h",
            marker={"color": [positive if score >= 0 else negative for score in scores[order]]},
            text=labels,
            textposition="none",
            hovertemplate=f"<b>%{{y}}</b><br>{exact}<extra></extra>",
        )
    )
    figure.add_scatter(
        x=np.maximum(scores[order], 0),
        y=names,
        mode="text",
        text=[f"\N{NO-BREAK SPACE}{label}" for label in labels],  # a gap before it
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
    )
    # All words: left to itself, plotly makes room for the numbers and drops every second one.
    figure.update_yaxes(
        type="category", range=[len(order) - 0.5, -0.5], automargin=True, tick0=0, dtick=1
    )
    figure.update_yaxes(ticks="outside", ticklen=5, tickcolor="rgba(0,0,0,0)")  # another gap
    low, high = min(scores[order], default=0.0), max(scores[order], default=0.0)
    ends = [min(float(low), 0.0), max(float(high), 0.0)]
    figure.update_xaxes(visible=False, range=ends if ends[0] < ends[1] else [0.0, 1.0])
    longest = max(map(len, labels), default=0)
    apply_style(figure, palette, 60 + 22 * len(order))
    figure.update_layout(
        margin={"l": 8, "r": NUMBER_MARGIN + DIGIT_WIDTH * longest, "t": 8, "b": 8},
        bargap=0.35,
        showlegend=False,
    )
    return figure


def _unique_labels(spans: Sequence[Span], label_chars: int) -> list[str]:
    """A label for each position, all different: plotly would lay two words `the` on one row.

    Invisible characters tell them apart.
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
