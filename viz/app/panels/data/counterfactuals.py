"""The smallest edits that change the class of a row, searched on request."""

import streamlit as st

from viz.app import audits
from viz.app.audits import AuditRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.attribution.descriptions import percent
from viz.data.audit import sentences
from viz.data.audit.run import Audit
from viz.data.counterfactuals.counterfactuals import RowCounterfactuals
from viz.data.missing import Missing
from viz.jobs.background import BackgroundJob

WANTED = "data-counterfactuals-row"
"""Key of the row that the reader asked about."""
SECONDS = 20.0
"""About how long a search takes, before there is a pace."""


def show(request: AuditRequest, audit: Audit, row: int) -> None:
    """Show what changes the class of a row, or the button that starts the search."""
    st.markdown("**What would change the class?**", help=sentences.COUNTERFACTUALS)
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
        st.markdown(
            f"{plain(sentences.edits(each))}: **{plain(each.label)}** ({percent(each.probability)})"
        )
        if not each.smallest:
            st.caption(sentences.NOT_SMALLEST)
    for note in result.notes:
        st.caption(plain(note))
    if not result.items and not result.notes:
        st.caption(sentences.NO_COUNTERFACTUALS)
