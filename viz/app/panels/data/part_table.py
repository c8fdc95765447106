"""A table whose lines are parts of the file: a click on one shows its rows."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from viz.app.panels.data import selection
from viz.app.panels.data.selection import Group

MOST = 12
"""Lines that are seen at once."""


def show_parts(
    lines: Sequence[dict[str, Any]],
    groups: Sequence[Group],
    *,
    key: str,
    columns: dict[str, Any],
    alt: str,
) -> None:
    """Show the table; the part whose line is clicked becomes the selected one.

    Args:
        lines: The cells of each line by column.
        groups: The part that each line is about.
        key: The table's own key.
        columns: How columns are shown, where not as usual.
        alt: What a screen reader calls the table.
    """
    chosen = st.dataframe(
        lines,
        hide_index=True,
        height="auto" if len(lines) > MOST else "content",
        column_config=columns,
        # Lines are selected by number, which means another part once there are more.
        key=f"{key}-{len(lines)}",
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
        alt=alt,
    )
    marked = chosen.selection.rows
    group = groups[marked[0]] if marked and marked[0] < len(groups) else None
    if group != selection.group():
        selection.select_group(group)
