"""A few rows of numbers, vectors or maps of heads, as a plotly heat map."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from finetune.checkpoint.arrays import FloatArray
from viz.colors import PALETTES, Theme, stops
from viz.figures.plots.style import apply_style

CELL = 20
"""Height of a row in pixels."""
AROUND = 40
"""Pixels for the axis and the margins."""
MAX_LABEL_CHARS = 16
"""Longer labels are shortened."""


def value_map(
    values: FloatArray,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    signed: bool,
    theme: Theme = "light",
) -> go.Figure:
    """Rows of numbers; blue above 0 and orange below, or darker for more.

    Of vectors the 2% largest numbers share the strongest color; the pointer shows each number.

    Args:
        values: (n, m)
        rows: What the n rows are called.
        columns: What the m columns are called; None where they are dimensions.
        signed: Whether 0 is the middle of the scale.
        theme: Whose colors to use.
    """
    palette = PALETTES[theme]
    sizes = np.abs(values)
    # A few dimensions of a state are many times as large as all others, which would look empty.
    most = float(np.percentile(sizes, 98) if columns is None else sizes.max(initial=0.0))
    most = most or float(sizes.max(initial=0.0)) or 1.0
    n_rows, n_columns = values.shape
    labels = [str(index) for index in range(n_columns)] if columns is None else columns
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=-most if signed else 0,
            zmax=most,
            colorscale=stops(palette.diverging if signed else palette.sequential),
            # Names may repeat, so cells stand by their numbers.
            customdata=np.array(
                [[[escape(row), escape(column)] for column in labels] for row in rows]
            ),
            hovertemplate="<b>%{customdata[0]}</b> · %{customdata[1]}<br>%{z:.5r}<extra></extra>",
            xgap=1 if n_columns <= 64 else 0,
            ygap=2,
            colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".2~g", "nticks": 5},
        )
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(n_rows)),
        ticktext=[_short(row) for row in rows],
        showgrid=False,
        zeroline=False,
        ticks="",
        automargin=True,
    )
    named = columns is not None
    figure.update_xaxes(
        tickvals=list(range(n_columns)) if named else None,
        ticktext=[_short(column) for column in labels] if named else None,
        side="top",
        showgrid=False,
        zeroline=False,
        ticks="",
        automargin=True,
    )
    apply_style(figure, palette, AROUND + CELL * n_rows + (AROUND if named else 0))
    figure.update_layout(margin={"l": 8, "r": 8, "t": 28, "b": 4})
    return figure


def _short(label: str) -> str:
    whole = label if len(label) <= MAX_LABEL_CHARS else f"{label[: MAX_LABEL_CHARS - 1]}…"
    return escape(whole, quote=False)
