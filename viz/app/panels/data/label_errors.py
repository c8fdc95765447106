"""Labels that are likely wrong, ranked, and what speaks against the one that is looked at."""

from typing import Any

import pandas as pd
import streamlit as st

from viz.app.markdown import plain
from viz.app.panels.data import selection
from viz.app.panels.data.preview import shortened
from viz.app.panels.data.row_detail import show_neighbor
from viz.data import sentences
from viz.data.label_errors import LabelError, LabelErrors
from viz.data.missing import Missing
from viz.widgets.signed_bars.component import Bar, signed_bars

MAX_WORDS, MAX_VISIBLE = 8, 10


def show(errors: LabelErrors | Missing, table: pd.DataFrame) -> LabelError | None:
    """Show the ranking; the error that is looked at, the first to begin with."""
    if isinstance(errors, Missing):
        st.caption(plain(errors.missing))
        return None
    st.caption(
        f"{sentences.label_errors(errors)} The likeliest first; click a line to see what speaks "
        "against its label."
    )
    for note in errors.notes:
        st.caption(f":material/info: {plain(note)}")
    if not errors.items:
        return None
    chosen = st.dataframe(
        [_entries(each, table) for each in errors.items],
        hide_index=True,
        height="content" if len(errors.items) <= MAX_VISIBLE else 400,
        column_config={
            "P(label)": st.column_config.NumberColumn(format="percent"),
            "P(suggested)": st.column_config.NumberColumn(format="percent"),
            "Likely": st.column_config.CheckboxColumn(),
            "Text": st.column_config.TextColumn(width="large"),
        },
        key=f"data-label-errors-{len(errors.items)}",
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
    )
    marked = chosen.selection.rows
    if marked and marked[0] < len(errors.items):
        selection.select_row(errors.items[marked[0]].row)
    selected = next((each for each in errors.items if each.row == selection.row()), errors.items[0])
    _show_evidence(selected, table)
    return selected


def _entries(each: LabelError, table: pd.DataFrame) -> dict[str, Any]:
    return {
        "Line": int(table["place"].iat[each.row]),
        "Label": each.label,
        "Suggested": each.suggested,
        "Likely": each.likely,
        "P(label)": each.label_probability,
        "P(suggested)": each.suggested_probability,
        "Words": ", ".join(word.word for word in each.words[:4]),
        "Text": shortened(str(table["text"].iat[each.row])),
    }


def _show_evidence(error: LabelError, table: pd.DataFrame) -> None:
    """The whole text, the words that speak for the other class, and the nearest rows."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{plain(error.suggested)} rather than {plain(error.label)}?**")
        st.markdown(plain(str(table["text"].iat[error.row])))
        if error.words:
            signed_bars(
                [Bar(name=word.word, value=word.score) for word in error.words[:MAX_WORDS]],
                key="data-label-words",
            )
    with right:
        if not error.neighbors:
            return
        st.markdown("**The nearest rows**", help="By the state that the class is read from.")
        for neighbor in error.neighbors:
            show_neighbor(table, neighbor.row, neighbor.similarity)
