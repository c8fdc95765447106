"""The Data page: a whole file predicted, what is wrong with it, and why."""

from functools import partial
from pathlib import Path

import streamlit as st

from viz.app import keys, link
from viz.app.audits import AuditRequest
from viz.app.panels import masthead, source
from viz.app.panels.data import (
    audit_progress,
    comparison,
    corrections,
    downloads,
    errors,
    files,
    head_curve,
    label_errors,
    long_rows,
    measures,
    rows,
    selection,
    shift,
    shortcuts,
    slices,
)
from viz.app.panels.data.part import show_part
from viz.app.panels.data.selection import Cell
from viz.data.audit.run import Audit
from viz.data.missing import Missing
from viz.widgets.theme.component import follow_theme

SECTIONS = ("Errors", "Slices", "Label errors", "Shortcuts", "Shift", "Compare")


def page() -> None:
    """Lay the page out; a VizError ends a part of it with its one sentence."""
    st.html(Path(__file__).parent / "page.css")
    with masthead.row():
        checkpoint = source.choose_checkpoint()
    source.warn_of_link(checkpoint)
    st.divider()
    with st.container(key="data-page"):
        show_part(partial(show_file, checkpoint))
    follow_theme(keys.THEME)


def show_file(checkpoint: str) -> None:
    """Let the reader choose a file, and show what is known of it."""
    chosen = files.choose()
    if chosen is None:
        return
    windows = long_rows.choose(checkpoint)
    request = AuditRequest.of(checkpoint, chosen.data, chosen.columns, chosen.reference, windows)
    # Each part in a place of its own: what comes and goes in one moves nothing that is below it.
    with st.container():
        audit = audit_progress.result(request)
    if audit is None or not audit.record.n_read:
        return
    selection.restore(request, audit, linked=chosen.linked)
    with st.container():
        measures.show(audit.record, audit.table)
        long_rows.offer(audit)
    unlabeled = isinstance(audit.record.measures, Missing)
    section = choose_section(unlabeled=unlabeled)
    cell = selection.cell() or Cell(None, None)
    with st.container():
        if section == SECTIONS[0]:
            cell = errors.show(request, audit)
        else:
            show_part(partial(show_section, section, request, audit))
    st.divider()
    rows.show(request, audit, cell)
    with st.container():
        head_curve.offer(request, audit)
    st.divider()
    downloads.offer(audit)


def choose_section(*, unlabeled: bool) -> str:
    """Let the reader choose a part of the audit; the link names it.

    It is not bound to the URL by Streamlit, which would not let another page be opened then.
    """
    linked = st.query_params.get(keys.SECTION)
    if link.decides(keys.SECTION):
        st.session_state[keys.SECTION] = linked if linked in SECTIONS else SECTIONS[0]
    chosen = st.segmented_control(
        "What is wrong",
        SECTIONS,
        format_func=lambda name: "Classes" if name == SECTIONS[0] and unlabeled else name,
        key=keys.SECTION,
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    link.keep_choice(keys.SECTION, str(chosen), SECTIONS[0])
    return str(chosen)


def show_section(section: str, request: AuditRequest, audit: Audit) -> None:
    """Show one part of the audit."""
    record = audit.record
    if section == "Slices":
        slices.show(record.slices)
    elif section == "Label errors":
        decided = corrections.decisions(request, audit)
        chosen = label_errors.show(record.label_errors, audit.table, decided)
        if chosen:
            corrections.offer(request, audit, chosen)
    elif section == "Shortcuts":
        shortcuts.show(record.shortcuts, record.text_column)
    elif section == "Shift":
        shift.show(record.shift, record.text_column)
    else:
        comparison.show(request, audit)


page()
