"""One number for each head as a plotly figure; nothing here knows Streamlit."""

import numpy as np
import plotly.graph_objects as go

from finetune.checkpoint.arrays import FloatArray
from viz.colors import PALETTES, Theme, stops
from viz.figures.plots.style import apply_style

CELL = 22
"""Height of a row in pixels."""
AROUND = 56
"""Pixels for the axis and the margins."""


def head_map(values: FloatArray, *, theme: Theme = "light") -> go.Figure:
    """Layers as rows, heads as columns; blue for the class, orange against it, 0 the ground.

    Args:
        values: (L, H), signed.
        theme: Whose colors to use.
    """
    palette = PALETTES[theme]
    most = float(np.abs(values).max()) or 1.0
    n_layers, n_heads = values.shape
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[f"H{head}" for head in range(n_heads)],
            y=[f"L{layer}" for layer in range(n_layers)],
            zmin=-most,
            zmax=most,
            colorscale=stops(palette.diverging),
            xgap=2,
            ygap=2,
            hovertemplate="<b>%{y} · %{x}</b><br>%{z:+.4r}<extra></extra>",
            colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": "+.2~g"},
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    figure.update_xaxes(side="top", showgrid=False, ticks="")
    apply_style(figure, palette, AROUND + CELL * n_layers)
    figure.update_layout(margin={"l": 32, "t": 28})
    return figure
