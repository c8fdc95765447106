"""Parts of the file that are worse than the rest: a table, whose line shows its rows below."""

from typing import Any

import streamlit as st

from viz.app.markdown import plain
from viz.app.panels.data.part_table import show_parts
from viz.app.panels.data.selection import Group
from viz.data.audit import sentences
from viz.data.missing import Missing
from viz.data.slices.slices import Slice, Slices


def show(slices: Slices | Missing) -> None:
    """Show the table; a line that is clicked becomes the selected part of the file."""
    if isinstance(slices, Missing):
        st.caption(plain(slices.missing))
        return
    click = " Click a line to see its rows." if slices.items else ""
    st.caption(f"{sentences.slices(slices)}{click}")
    for note in slices.notes:
        st.caption(f":material/info: {plain(note)}")
    if slices.items:
        _show(slices)


def _show(slices: Slices) -> None:
    column = st.column_config
    show_parts(
        [_entries(each) for each in slices.items],
        [Group(each.by, each.column, each.value, labeled=True) for each in slices.items],
        key="data-slices",
        columns={
            "Accuracy": column.NumberColumn(format="%.1f%%"),
            "of all errors": column.ProgressColumn(format="%.1f%%", min_value=0, max_value=100),
            "p": column.NumberColumn(format="%.2g"),
        },
        alt="Parts of the file and how often the classifier is right there",
    )


def _entries(each: Slice) -> dict[str, Any]:
    low, high = each.accuracy_interval
    return {
        "Part": sentences.slice_kind(each),
        "Value": each.value,
        "Rows": each.n_rows,
        "Errors": each.n_errors,
        "Accuracy": 100 * each.accuracy,
        "95% interval": f"{low:.1%} to {high:.1%}",
        "of all errors": 100 * each.error_share,
        "p": each.p_value,
    }
