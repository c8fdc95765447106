"""The curves of runs on the page."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from viz.app import keys
from viz.figures.plots.training import (
    MEASURES,
    Chart,
    comparison,
    gradient_chart,
    loss_chart,
    measured,
    quality_chart,
)
from viz.runs.state import Run
from viz.widgets.theme.component import current_theme

GRADIENTS = (
    "Norm of the gradient of each layer's weights at a step, before it is clipped: where training "
    "pulls hardest. Layers that don't learn have no line."
)
COLUMNS = ("epoch", "value", "line", "dot")


def show_run(run: Run) -> None:
    """Show the losses of a run, and beside them how much it gets right."""
    theme = current_theme(keys.THEME)
    left, right = st.columns(2, gap="medium")
    with left:
        _show(loss_chart(run, theme=theme), f"loss-{run.name}", run.name)
    with right:
        _show(quality_chart(run, theme=theme), f"quality-{run.name}", run.name)
    gradients = gradient_chart(run, theme=theme)
    if gradients is not None:
        with st.expander("Gradient of each layer", icon=":material/show_chart:"):
            _show(gradients, f"gradients-{run.name}", run.name)
            st.caption(GRADIENTS)


def compare(runs: Sequence[Run]) -> None:
    """Show one measure of several runs, which the reader chooses."""
    offered = measured(runs)
    measure = st.segmented_control(
        "Compare by",
        offered,
        default=offered[0],
        required=True,
        format_func=MEASURES.__getitem__,
        # Another set of measures is another choice.
        key=f"train-measure-{'-'.join(offered)}",
    )
    chart = comparison(runs, measure, theme=current_theme(keys.THEME))
    _show(chart, "train-compared", f"{len(chart.lines)} runs")


def _show(chart: Chart, key: str, of: str) -> None:
    rows = pd.DataFrame(chart.rows, columns=list(COLUMNS))
    st.vega_lite_chart(rows, chart.spec, key=key, alt=f"{chart.title} of {of}")
