"""The curves of runs as plotly figures; nothing here knows Streamlit."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from viz.charts import dress
from viz.colors import PALETTES, Theme
from viz.runs import Run

HEIGHT = 260
COLORS = {
    "light": ("#1f5fbf", "#c8641b", "#2f7d5b", "#8a4fa3", "#7a6a1f"),
    "dark": ("#6ea8f0", "#f0a060", "#6cc79b", "#c79be0", "#d3c266"),
}
"""One per run; beyond them, lines repeat them dashed."""


def curves(
    runs: Sequence[Run], kind: str, x: str, y: str, *, title: str, theme: Theme = "light"
) -> go.Figure:
    """One number of the events of one kind, run over run.

    Args:
        runs: Those that are laid over each other; one without such events draws nothing.
        kind: Which events, as "step".
        x: What is counted along the axis, as "step".
        y: The number that is drawn, as "loss".
        title: What the number is called.
        theme: Whose colours to use.
    """
    palette = PALETTES[theme]
    figure = go.Figure([_line(run, i, kind, x, y, theme) for i, run in enumerate(runs)])
    dress(figure, palette, HEIGHT)
    figure.update_xaxes(title=x, gridcolor=palette.line, zeroline=False)
    figure.update_yaxes(title=title, gridcolor=palette.line, zeroline=False)
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        showlegend=len(runs) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def _line(run: Run, place: int, kind: str, x: str, y: str, theme: Theme) -> go.Scatter:
    points = [event for event in run.of_kind(kind) if x in event and y in event]
    colors = COLORS[theme]
    dash = "solid" if place < len(colors) else "dash"
    return go.Scatter(
        x=[event[x] for event in points],
        y=[event[y] for event in points],
        name=escape(run.name, quote=False),
        mode="lines" if kind == "step" else "lines+markers",
        line={"color": colors[place % len(colors)], "width": 2, "dash": dash},
        hovertemplate=f"%{{fullData.name}}<br>{x} %{{x}}: %{{y:.4f}}<extra></extra>",
    )
