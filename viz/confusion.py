"""Which class is taken for which: a confusion matrix as a plotly figure."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from viz.charts import dress
from viz.colors import PALETTES, Palette, Theme, mix, readable_ink, stops

MOST = 20
"""Classes whose names and numbers still fit."""


def confusion_map(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Rows of each true class by the class they were given, as a heat map with its numbers.

    Colours are shares of the true class, so that a rare class is as easy to see as a common one.

    Args:
        confusion: `confusion[i][j]`: rows of class i called j.  (C, C)
        labels: The C classes.
        theme: Whose colours to use.
    """
    palette = PALETTES[theme]
    rows = np.asarray(confusion, dtype=float)
    shares = rows / np.maximum(rows.sum(1, keepdims=True), 1)
    names = [escape(label, quote=False) for label in labels]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            zmin=0,
            zmax=1,
            customdata=rows,
            colorscale=stops(palette.sequential),
            xgap=2,
            ygap=2,
            showscale=False,
            hovertemplate="%{y} taken for %{x}<br><b>%{customdata:,} rows</b>, %{z:.1%} of %{y}"
            "<extra></extra>",
        )
    )
    figure.update_layout(annotations=_counts(rows, shares, palette))
    figure.update_yaxes(
        autorange="reversed",
        automargin=True,
        showgrid=False,
        ticks="",
        title={"text": "true", "standoff": 12},
    )
    figure.update_xaxes(
        automargin=True, showgrid=False, ticks="", title={"text": "predicted", "standoff": 12}
    )
    dress(figure, palette, 110 + 30 * len(names))
    return figure


def _counts(rows: np.ndarray, shares: np.ndarray, palette: Palette) -> list[dict[str, object]]:
    """The numbers in the cells, each in an ink that can be read on its colour."""
    return [
        {
            "x": column,
            "y": row,
            "text": f"{int(rows[row, column]):,}",
            "showarrow": False,
            "font": {
                "color": readable_ink(mix(palette.sequential, float(share))),
                "size": 11,
            },
        }
        for (row, column), share in np.ndenumerate(shares)
        if rows[row, column]
    ]
