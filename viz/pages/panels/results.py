"""Runs side by side: one table, their curves laid over each other, and the way to the Read page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from viz import session
from viz.components.theme import current_theme
from viz.curves import curves
from viz.runs import Run


def show(known: Sequence[Run]) -> None:
    """Show all runs; nothing where there are none."""
    if not known:
        return
    st.subheader("Runs", anchor=False)
    st.dataframe([_row(run) for run in known], hide_index=True, key="train-runs")
    _open(known)
    curved = [run for run in known if run.of_kind("epoch")]
    if len(curved) > 1:
        theme = current_theme(session.THEME)
        figure = curves(curved, "epoch", "epoch", "accuracy", title="Accuracy", theme=theme)
        st.plotly_chart(figure, key="train-compared", theme=None, config=session.PLOT)


def _row(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {"Run": run.name, "Data": run.data, "State": run.state}
    if run.record is None:
        return row | dict.fromkeys(("Accuracy", "Macro F1", "Seconds"))
    found = run.record.test or run.record.validation
    low, high = found.accuracy_interval
    return row | {
        "Accuracy": f"{found.accuracy:.1%} ({low:.1%} to {high:.1%})",
        "Macro F1": f"{found.macro_f1:.3f}",
        "Seconds": f"{run.record.seconds:.0f}",
    }


def _open(known: Sequence[Run]) -> None:
    """A button for each folder that can be opened."""
    with st.container(horizontal=True, gap="small"):
        for run in known:
            for folder in run.checkpoints:
                label = run.name if run.record else f"{run.name}, {folder.name}"
                if st.button(f"Read with {label}", key=f"open-{folder}"):
                    _read_with(folder)


def _read_with(folder: Path) -> None:
    st.session_state[session.CHECKPOINT] = str(folder)
    st.switch_page("viz/pages/read.py")
