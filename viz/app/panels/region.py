"""The rows and columns of a long text that are saved: all of them, a range, or what is in view."""

import streamlit as st

from viz.app.panels.closeup import HEATMAP
from viz.attention.region import Region
from viz.widgets.heatmap.component import window_in_view

ROWS, COLUMNS = "save-rows", "save-columns"
"""Keys of the fields."""


def choose() -> Region | None:
    """Let the reader choose a part of a map; None for all of it.

    Raises:
        SelectionError: for what is not a range.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content"):
        rows, columns = (
            st.text_input(name, key=key, placeholder="all, or 100:200", width=140)
            for name, key in (("Rows", ROWS), ("Columns", COLUMNS))
        )
        st.button(
            "Part in view",
            on_click=_take_window,
            help="The rows and columns that the heat map shows now.",
        )
    return Region.parse(rows.strip() or None, columns.strip() or None)


def _take_window() -> None:
    window = window_in_view(HEATMAP)
    if window is not None:
        for key, (first, end) in zip((ROWS, COLUMNS), window, strict=True):
            st.session_state[key] = f"{first}:{end}"
