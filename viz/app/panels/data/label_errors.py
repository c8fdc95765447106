"""Labels that are likely wrong, ranked, and what speaks against the one that is looked at."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from viz.app.markdown import plain
from viz.app.panels.data import selection
from viz.app.panels.data.corrections import Decisions, described
from viz.app.panels.data.row_detail import show_neighbor
from viz.data.audit import sentences
from viz.data.labels.label_errors import LabelError, LabelErrors
from viz.data.missing import Missing
from viz.data.preview import shortened
from viz.widgets.signed_bars.component import Bar, signed_bars

MAX_WORDS, MAX_VISIBLE = 8, 10


def show(
    errors: LabelErrors | Missing, table: pd.DataFrame, decisions: Decisions
) -> list[LabelError]:
    """Show the ranking; the errors that are ticked, or the first that nobody decided about."""
    if isinstance(errors, Missing):
        st.caption(plain(errors.missing))
        return []
    st.caption(
        f"{sentences.label_errors(errors)} The likeliest first; tick lines to decide about them "
        "together."
    )
    for note in errors.notes:
        st.caption(f":material/info: {plain(note)}")
    if not errors.items:
        return []
    # Once there are decisions it is another table, without ticks.
    key = f"data-label-errors-{len(errors.items)}-{hash(tuple(decisions.items()))}"
    chosen = st.dataframe(
        [_entries(each, table, decisions) for each in errors.items],
        hide_index=True,
        height="content" if len(errors.items) <= MAX_VISIBLE else 400,
        column_config={
            "P(label)": st.column_config.NumberColumn(format="%.1f%%"),
            "P(suggested)": st.column_config.NumberColumn(format="%.1f%%"),
            "Likely": st.column_config.CheckboxColumn(),
            "Text": st.column_config.TextColumn(width="large"),
        },
        key=key,
        on_select=partial(selection.select_marked, key, [each.row for each in errors.items]),
        selection_mode="multi-row",
        placeholder="",
        alt="Labels that are likely wrong",
    )
    ticked = [errors.items[line] for line in chosen.selection.rows if line < len(errors.items)]
    undecided = (each for each in errors.items if each.row not in decisions)
    shown = ticked or [next(undecided, errors.items[0])]
    _show_evidence(shown[0], table)
    return shown


def _entries(each: LabelError, table: pd.DataFrame, decisions: Decisions) -> dict[str, Any]:
    decided = {"Decision": described(decisions[each.row])} if each.row in decisions else {}
    # A column that nobody has filled yet is none.
    return decided | {
        "Line": int(table["place"].iat[each.row]),
        "Label": each.label,
        "Suggested": each.suggested,
        "Likely": each.likely,
        "P(label)": 100 * each.label_probability,
        "P(suggested)": 100 * each.suggested_probability,
        "Words": ", ".join(list(dict.fromkeys(word.word for word in each.words))[:4]),
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
            st.caption(plain(sentences.label_words(error)))
    with right:
        if not error.neighbors:
            return
        st.markdown("**The nearest rows**", help="By the state that the class is read from.")
        for neighbor in error.neighbors:
            show_neighbor(table, neighbor.row, neighbor.similarity)
