"""The Data page: a whole file predicted, what is wrong with it, and why."""

from functools import partial
from pathlib import Path

import streamlit as st

from viz.app import keys
from viz.app.audits import AuditRequest
from viz.app.panels import masthead, source
from viz.app.panels.data import (
    audit_progress,
    downloads,
    errors,
    files,
    label_errors,
    measures,
    rows,
    selection,
    shift,
    shortcuts,
    slices,
)
from viz.app.panels.data.part import show_part
from viz.app.panels.data.selection import Cell
from viz.data.audit import Audit
from viz.data.missing import Missing
from viz.widgets.theme.component import follow_theme

SECTIONS = ("Errors", "Slices", "Label errors", "Shortcuts", "Shift")


def page() -> None:
    """Lay the page out; a VizError ends a part of it with its one sentence."""
    st.html(Path(__file__).parent / "page.css")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        masthead.show_masthead()
        checkpoint = source.choose_checkpoint()
    source.warn_of_link(checkpoint)
    st.divider()
    show_part(partial(show_file, checkpoint))
    follow_theme(keys.THEME)


def show_file(checkpoint: str) -> None:
    """Let the reader choose a file, and show what is known of it."""
    chosen = files.choose()
    if chosen is None:
        return
    request = AuditRequest.of(checkpoint, chosen.data, chosen.columns, chosen.reference)
    audit = audit_progress.result(request)
    if audit is None or not audit.record.n_read:
        return
    n_classes, n_rows = len(audit.record.labels), audit.record.n_rows
    selection.restore(request, linked=chosen.linked, n_classes=n_classes, n_rows=n_rows)
    measures.show(audit.record, audit.table)
    unlabeled = isinstance(audit.record.measures, Missing)
    section = st.segmented_control(
        "What is wrong",
        SECTIONS,
        format_func=lambda name: "Classes" if name == "Errors" and unlabeled else name,
        default=SECTIONS[0],
        key=keys.SECTION,
        required=True,
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    cell = Cell(None, None)
    if section == "Errors":
        cell = errors.show(request, audit)
    else:
        show_part(partial(show_section, str(section), audit))
    st.divider()
    rows.show(request, audit, cell)
    st.divider()
    downloads.offer(audit)


def show_section(section: str, audit: Audit) -> None:
    """Show one part of the audit."""
    record = audit.record
    if section == "Slices":
        slices.show(record.slices)
    elif section == "Label errors":
        # What is returned is the error that a correction would be about.
        label_errors.show(record.label_errors, audit.table)
    elif section == "Shortcuts":
        shortcuts.show(record.shortcuts, record.text_column)
    else:
        shift.show(record.shift, record.text_column)


page()
