"""The heat map of one head on the page, and the cell that was last chosen in it."""

from collections.abc import Callable

import streamlit as st

from viz.attention.views import AttentionView
from viz.widgets.heatmap.payload import HEATMAP, payload
from viz.widgets.shared.component import register

_mount = register(HEATMAP)


def heatmap(
    view: AttentionView,
    *,
    title: str,
    key: str,
    note: str = "",
    on_select: Callable[[], None] | None = None,
) -> None:
    """Show one map at full resolution, with the exact value of every cell.

    Args:
        view: One map, (1, 1, n, m), as from `viz.attention.views.pick`.
        title: What the map is of, e.g. "L3 · H7".
        key: The component's own key; see `selected_cell`.
        note: A few words beside it.
        on_select: Called before the rerun that a click on a cell brings, or Enter; None where none
            shall be brought.

    Raises:
        SelectionError: where more than one map is given, or one without rows or columns.
    """
    data = payload(view, title=title, note=note)
    if on_select is None:
        _mount(data=data, key=key)
    else:
        _mount(data=data | {"selectable": True}, key=key, on_cell_change=on_select)


def selected_cell(key: str) -> tuple[int, int] | None:
    """Row and column of the cell that was last chosen; None before the first click."""
    state = st.session_state.get(key)
    cell = state.get("cell") if isinstance(state, dict) else None
    if not isinstance(cell, dict):
        return None
    row, column = cell.get("row"), cell.get("column")
    if type(row) is not int or type(column) is not int:
        return None
    return (row, column) if min(row, column) >= 0 else None
