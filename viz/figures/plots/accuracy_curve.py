"""Accuracy as heads go, as a plotly figure."""

import plotly.graph_objects as go

from viz.colors import PALETTES, Theme, mix
from viz.figures.plots.style import apply_style
from viz.mechanism.ablation.curve import AccuracyCurve

HEIGHT = 320


def accuracy_plot(curve: AccuracyCurve, *, theme: Theme = "light") -> go.Figure:
    """The curve with its 95% intervals, over the band and the mean of the random orders."""
    palette = PALETTES[theme]
    figure = go.Figure()
    counts = curve.counts.tolist()
    if len(curve.random):
        low, high = curve.random_accuracy.min(axis=0), curve.random_accuracy.max(axis=0)
        figure.add_scatter(
            x=[*counts, *reversed(counts)],
            y=[*high.tolist(), *reversed(low.tolist())],
            mode="lines",
            fill="toself",
            fillcolor=mix((palette.ground, palette.muted), 0.25),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=counts,
            y=curve.random_accuracy.mean(axis=0).tolist(),
            mode="lines",
            name=f"{len(curve.random)} random orders",
            line={"color": palette.muted, "width": 1.5, "dash": "dot"},
            customdata=[[*ends] for ends in zip(low.tolist(), high.tolist(), strict=True)],
            hovertemplate="%{x} heads off at random<br>mean %{y:.1%} "
            "(%{customdata[0]:.1%} to %{customdata[1]:.1%})<extra></extra>",
        )
    interval, shares = curve.interval, curve.accuracy
    figure.add_scatter(
        x=counts,
        y=shares.tolist(),
        mode="lines+markers",
        name="least important first",
        line={"color": palette.accent, "width": 2},
        marker={"size": 7},
        error_y={
            "type": "data",
            "array": (interval[:, 1] - shares).tolist(),
            "arrayminus": (shares - interval[:, 0]).tolist(),
            "thickness": 1,
            "width": 0,
        },
        customdata=interval.tolist(),
        hovertemplate="%{x} heads off, least important first<br>%{y:.1%} "
        "(%{customdata[0]:.1%} to %{customdata[1]:.1%})<extra></extra>",
    )
    figure.update_xaxes(
        title="heads off", tickvals=counts, gridcolor=palette.line, zeroline=False, tickangle=0
    )
    figure.update_yaxes(
        title="texts that are right",
        tickformat=".0%",
        range=[0, 1.02],
        gridcolor=palette.line,
        zeroline=False,
    )
    margin = {"l": 64, "r": 8, "t": 36, "b": 48}
    apply_style(figure, palette, HEIGHT)
    figure.update_layout(
        margin=margin, legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    )
    return figure
