"""Square matrices to plotly figures, their numbers in the cells: agreement and confusion."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.descriptions import true_minus
from viz.colors import PALETTES, Theme, mix, readable_ink, stops
from viz.figures.plots.style import apply_style

MOST = 20
"""Classes whose names and numbers still fit."""


def agreement_map(
    agreement: FloatArray, names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Who agrees with whom, as a heat map with its numbers.

    Args:
        agreement: (M, M), -1 to 1.
        names: What the M methods are called.
        theme: Whose colors to use.
    """
    palette = PALETTES[theme]
    figure = _matrix(agreement, names, palette.diverging, -1)
    figure.update_traces(
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br><b>%{z:.3f}</b><extra></extra>",
        colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.6},
    )
    written = np.vectorize(lambda value: "" if np.isnan(value) else f"{value:.1f}")(agreement)
    inks = (agreement + 1) / 2
    figure.update_layout(annotations=_in_cells(written, inks, palette.diverging))
    figure.update_xaxes(tickangle=-45)
    apply_style(figure, palette, 150 + 28 * len(names))
    return figure


def confusion_map(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Rows of each true class by the class they were given, as a heat map with its numbers.

    Colors are shares of the true class, so that a rare class is as easy to see as a common one.

    Args:
        confusion: `confusion[i][j]`: rows of class i called j.  (C, C)
        labels: The C classes.
        theme: Whose colors to use.
    """
    palette = PALETTES[theme]
    rows = np.asarray(confusion)
    shares = rows / np.maximum(rows.sum(1, keepdims=True), 1)
    figure = _matrix(shares, labels, palette.sequential, 0)
    written = np.vectorize(lambda count: f"{count:,}" if count else "")(rows)
    counts = np.vectorize("{:,}".format)(rows)
    figure.update_traces(
        customdata=np.dstack([figure.data[0].customdata, counts]),
        showscale=False,
        hovertemplate="%{customdata[0]} predicted as %{customdata[1]}"
        "<br><b>%{customdata[2]} rows</b>, %{z:.1%} of %{customdata[0]}<extra></extra>",
    )
    figure.update_layout(annotations=_in_cells(written, shares, palette.sequential))
    figure.update_yaxes(title={"text": "true", "standoff": 12})
    figure.update_xaxes(title={"text": "predicted", "standoff": 12})
    apply_style(figure, palette, 110 + 30 * len(labels))
    return figure


def _matrix(
    values: FloatArray, names: Sequence[str], scale: tuple[str, ...], lowest: float
) -> go.Figure:
    """A heat map from *lowest* to 1, the first row on top, still without numbers.

    Cells stand by their numbers: names may repeat, and plotly takes "2019" for a place on the axis.
    """
    labels = [escape(name, quote=False) for name in names]
    cells = go.Heatmap(
        z=values,
        customdata=np.dstack(np.meshgrid(labels, labels, indexing="ij")),
        zmin=lowest,
        zmax=1,
        colorscale=stops(scale),
        xgap=2,
        ygap=2,
    )
    figure = go.Figure(cells)
    axis = {
        "tickvals": list(range(len(labels))),
        "ticktext": labels,
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
    }
    figure.update_layout(xaxis=axis, yaxis=axis | {"autorange": "reversed"})
    return figure


def _in_cells(
    written: NDArray[np.str_], places: FloatArray, scale: tuple[str, ...]
) -> list[dict[str, object]]:
    """What stands in the cells, in an ink that can be read on its place, 0 to 1, of the scale."""
    return [
        {
            "x": column,
            "y": row,
            "text": true_minus(text),
            "showarrow": False,
            "font": {
                "color": readable_ink(mix(scale, float(places[row, column]))),
                "size": 11,
            },
        }
        for (row, column), text in np.ndenumerate(written)
        if text
    ]
