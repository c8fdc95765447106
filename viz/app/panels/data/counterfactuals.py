"""The smallest edits that change the class of a row, searched on request."""

import streamlit as st

from viz.app import audits
from viz.app.audits import AuditRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.attribution.descriptions import percent
from viz.data.audit import Audit
from viz.data.counterfactuals import Counterfactual, RowCounterfactuals
from viz.data.missing import Missing
from viz.jobs.background import BackgroundJob

HELP = (
    "The fewest words whose hiding, deletion or replacement changes the class. Each was verified "
    "by reading the text again."
)
KINDS = {"mask": "Hide", "delete": "Delete", "replace": "Replace"}
WANTED = "data-counterfactuals-row"
"""Key of the row that the reader asked about."""
SECONDS = 20.0
"""About how long a search takes, before there is a pace."""


def show(request: AuditRequest, audit: Audit, row: int) -> None:
    """Show what changes the class of a row, or the button that starts the search."""
    st.markdown("**What would change the class?**", help=HELP)
    wanted = st.session_state.get(WANTED) == row
    result = audits.counterfactuals(request, audit, row, start=wanted)
    if result is None:
        st.button(
            "Search",
            key="data-counterfactuals",
            icon=":material/search:",
            on_click=_want,
            args=(row,),
        )
        return
    if isinstance(result, BackgroundJob):
        result = job_progress.result(
            result, audits.COUNTERFACTUALS, label="Searching", seconds=SECONDS
        )
    if isinstance(result, Missing):
        st.caption(plain(result.missing))
    elif result is not None:
        _show(result)


def _want(row: int) -> None:
    st.session_state[WANTED] = row


def _show(result: RowCounterfactuals) -> None:
    for each in result.items:
        st.markdown(f"{_edits(each)}: **{plain(each.label)}** ({percent(each.probability)})")
        if not each.smallest:
            st.caption("A smaller set of such edits may do it too; not all were tried.")
    for note in result.notes:
        st.caption(plain(note))
    if not result.items and not result.notes:
        st.caption("No set of edits was found that changes the class.")


def _edits(each: Counterfactual) -> str:
    """What is done to the words, in one line."""
    words = [
        f"“{plain(edit.written)}”"
        if edit.replacement is None
        else f"“{plain(edit.written)}” by “{plain(edit.replacement)}”"
        for edit in each.edits
    ]
    return f"{KINDS[each.kind]} {', '.join(words)}"
